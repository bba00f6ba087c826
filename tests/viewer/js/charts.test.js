// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { pathOf, rangeOf } from "../../../segviz/viewer/js/charts.js";

test("the range leaves out what is missing", () => {
  const lines = [{ values: [3, null, 1], colour: "" }, { values: Float32Array.of(NaN, 2), colour: "" }];
  assert.deepEqual(rangeOf(lines), [1, 3]);
  assert.equal(rangeOf([{ values: [null, NaN], colour: "" }]), null);
});

test("lines have gaps where there is no value", () => {
  assert.equal(pathOf([0, null, 1, 0.5], 4, [0, 1]), "M0.00 52.00M100.00 4.00L150.00 28.00");
});

test("a single point is a level line, in the middle if all values are equal", () => {
  assert.equal(pathOf([7], 0, [7, 7]), "M0 28.00H200");
});
