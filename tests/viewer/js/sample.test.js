// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { Cache } from "../../../segviz/viewer/js/cache.js";
import { axisOf, inflate, Run } from "../../../segviz/viewer/js/decode.js";
import { fieldSize, inspect, lerp, read, upsample } from "../../../segviz/viewer/js/sample.js";
import { HEIGHT, message, truth, WIDTH } from "./message.js";

/** A run without its photo, which only a browser decodes. */
async function opened() {
  const { head, frames } = message();
  const run = new Run(head.runs[0], 0, head, frames, new Cache(1e6));
  run.rows = axisOf(await inflate(run.chunk(run.info.rows)), run.height);
  run.columns = axisOf(await inflate(run.chunk(run.info.columns)), run.width);
  run.truth = truth;
  await run.maps.load(0);
  return run;
}

test("interpolation begins at the nearer end", () => {
  assert.equal(lerp(1, 3, 0), 1);
  assert.equal(lerp(1, 3, 0.25), 1.5);
  assert.equal(lerp(1, 3, 1), 3);
  assert.equal(lerp(0.1, 0.7, 1), Math.fround(0.7));
});

test("a single pixel is that of the whole map", async () => {
  const run = await opened();
  const codes = run.codes(0, "entropy");
  const known = run.values.entropy;
  assert.ok(codes && known);
  const whole = upsample(run, codes, known, new Float32Array(WIDTH * HEIGHT));
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      assert.equal(read(run, codes, known, x, y), whole[y * WIDTH + x]);
    }
  }
  // Between 0 and 51, halfway to the row of 153 and 204: (25.5 + 178.5) / 2 = 102 of 255.
  assert.ok(Math.abs(whole[WIDTH + 1] - 0.4) < 1e-6);
});

test("receptive field sizes are linear between the points and beyond", () => {
  const points = { sigmas: [0, 16, 32], sizes: [48, 112, 208] };
  for (const [sigma, size] of [[0, 48], [8, 80], [16, 112], [24, 160], [32, 208], [64, 400]]) {
    assert.equal(fieldSize(points, sigma), size);
  }
});

test("a pixel is read with its class, numbers and truth", async () => {
  const run = await opened();
  const reading = inspect(run, 0, 0, 0);
  assert.ok(reading);
  assert.equal(reading.label, 2);
  assert.equal(reading.truth, 255);
  assert.equal(reading.entropy, 0);
  assert.equal(reading.sigma, 51);
  assert.equal(reading.size, 112 + (51 - 16) * 6);
  assert.equal(reading.selected, true);
  assert.equal(reading.ranking, null);
});

test("probabilities are renormalised, the predicted class first", async () => {
  const run = await opened();
  await run.probabilities.load(0);
  const ranking = inspect(run, 0, 2, 2)?.ranking ?? [];
  assert.deepEqual(ranking.map(({ id }) => id), [2, 0]);
  const total = ranking.reduce((sum, { probability }) => sum + probability, 0);
  assert.ok(Math.abs(total - 1) < 1e-9);
  // Logs of classes 0 and 2 between the last two columns of the last row.
  const [zero, two] = [-4 + (4 * 229.5) / 255, -4 + (4 * 25.5) / 255];
  assert.ok(Math.abs(ranking[0].probability - Math.exp(two) / (Math.exp(zero) + Math.exp(two))) < 1e-6);
});

test("what is not decoded is not read", () => {
  const { head, frames } = message();
  assert.equal(inspect(new Run(head.runs[0], 0, head, frames, new Cache(1e6)), 0, 0, 0), null);
});

test("maps that a run lacks are not read, others have their place", async () => {
  const { head, frames } = message();
  const [info] = head.runs;
  const { sigma, entropy } = info.maps;
  assert.ok(sigma && entropy);
  const other = new Run({ ...info, maps: { entropy, sizes: sigma } }, 0, head, frames, new Cache(1e6));
  [other.rows, other.columns] = [(await opened()).rows, (await opened()).columns];
  await other.maps.load(0);
  assert.equal(other.codes(0, "sigma"), undefined);
  const reading = inspect(other, 0, 2, 2);
  const whole = inspect(await opened(), 0, 2, 2);
  assert.ok(reading && whole);
  assert.deepEqual([reading.sigma, reading.size, reading.scale], [null, null, whole.sigma]);
  assert.equal(reading.entropy, whole.entropy);
});
