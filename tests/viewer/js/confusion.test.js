// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { confusion } from "../../../segviz/viewer/js/confusion.js";
import { shade } from "../../../segviz/viewer/js/shade.js";

const truth = Uint8Array.of(0, 0, 5, 5, 5, 255);
const labels = Uint8Array.of(0, 5, 5, 0, 5, 5);

test("pixels are counted by class in truth and prediction, ignored ones not", () => {
  assert.deepEqual(confusion(truth, labels, [0, 5]).map((row) => [...row]), [[1, 1], [1, 2]]);
  assert.deepEqual(confusion(truth, labels, [5]).map((row) => [...row]), [[2]]);
});

test("a shade leaves the pixels of a cell clear", () => {
  const target = new Uint32Array(6);
  shade(target, truth, labels, [5, 0]);
  assert.deepEqual([...target].map((value) => value === 0), [false, false, false, true, false, false]);
});
