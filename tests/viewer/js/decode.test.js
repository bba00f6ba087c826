// @ts-check
import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";

import { Cache } from "../../../segviz/viewer/js/cache.js";
import { axisOf, Run, Track, valuesOf } from "../../../segviz/viewer/js/decode.js";
import { entropy, labels, message, sigma } from "./message.js";

/** @returns {Run} */
function run() {
  const { head, frames } = message();
  return new Run(head.runs[0], 0, head, frames, new Cache(1e6));
}

test("labels and codes of every step come back", async () => {
  const decoded = run();
  assert.equal(decoded.labels(0), undefined);
  for (const step of [0, 1, 2]) {
    await decoded.maps.load(step);
    assert.deepEqual(decoded.labels(step), labels[step]);
    assert.deepEqual(decoded.codes(step, "entropy"), entropy[step]);
    assert.deepEqual(decoded.codes(step, "sigma"), sigma[step]);
  }
  assert.deepEqual([...(decoded.selected(0) ?? [])], [1, 0, 1, 1, 0, 0]);
  assert.deepEqual([...(decoded.selected(1) ?? [])], [0, 1, 0, 0, 0, 0]);
});

test("a run stays at its last step", async () => {
  const decoded = run();
  await decoded.maps.load(2);
  assert.equal(decoded.at(9), 2);
  assert.deepEqual(decoded.labels(9), labels[2]);
});

test("a group is decoded once, as a whole, and evicted as a whole", async () => {
  const maps = [0, 1, 2, 3].map((step) => Uint8Array.of(250 + step, step));
  const chunks = maps.map((map, step) => deflateSync(step % 2 ? map.map((v, i) => v - maps[step - 1][i]) : map));
  const track = new Track(chunks, 2, new Cache(4));
  const [first, second] = [track.load(0), track.load(1)];
  assert.equal(first, second);
  await first;
  assert.deepEqual(track.get(1), maps[1]);
  await track.load(3);
  assert.deepEqual(track.get(2), maps[2]);
  assert.equal(track.get(0), undefined);
  assert.equal(track.get(1), undefined);
});

test("positions become neighbours and weights, clamped to the grid", () => {
  const bytes = new Uint8Array(Float32Array.of(-0.25, 0.5, 1.75, 2.5).buffer);
  const { low, high, weight } = axisOf(bytes, 3);
  assert.deepEqual([...low], [0, 0, 1, 1]);
  assert.deepEqual([...high], [1, 1, 2, 2]);
  assert.deepEqual([...weight], [0, 0.5, 0.75, 1]);
  const single = axisOf(new Uint8Array(Float32Array.of(-1, 0, 1).buffer), 1);
  assert.deepEqual([...single.high], [0, 0, 0]);
});

test("codes span their range in float32", () => {
  const values = valuesOf({ low: -12, high: 0 });
  assert.equal(values.length, 256);
  assert.equal(values[0], -12);
  assert.equal(values[255], 0);
  assert.equal(values[51], Math.fround(-12 + (12 / 255) * 51));
});
