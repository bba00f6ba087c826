// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { Cache } from "../../../segviz/viewer/js/cache.js";
import { axisOf, inflate, Run } from "../../../segviz/viewer/js/decode.js";
import { pack, packTable, Painter } from "../../../segviz/viewer/js/paint.js";
import { inspect } from "../../../segviz/viewer/js/sample.js";
import { HEIGHT, labels, message, truth, WIDTH } from "./message.js";

// Node has no ImageData.
globalThis.ImageData = /** @type {any} */ (
  class {
    /**
     * @param {number} width
     * @param {number} height
     */
    constructor(width, height) {
      this.data = new Uint8ClampedArray(4 * width * height);
    }
  }
);

const display = {
  opacity: 0.5,
  isolated: /** @type {number | null} */ (null),
  outline: false,
  limits: {
    entropy: /** @type {[number, number]} */ ([0, 1]),
    sigma: /** @type {[number, number]} */ ([0, 51]),
    probability: /** @type {[number, number]} */ ([0, 1]),
  },
  threshold: 0.9,
  reference: (/** @type {Run} */ run) => ({ key: "0:0", labels: run.labels(0) }),
};

async function opened() {
  const { head, frames } = message();
  const run = new Run(head.runs[0], 0, head, frames, new Cache(1e6));
  run.rows = axisOf(await inflate(run.chunk(run.info.rows)), run.height);
  run.columns = axisOf(await inflate(run.chunk(run.info.columns)), run.width);
  run.truth = truth;
  run.photo = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(100);
  for (const step of [0, 2]) await run.maps.load(step);
  await run.probabilities.load(0);
  return { run, painter: new Painter(head), head };
}

/**
 * @param {Awaited<ReturnType<typeof opened>>} opened
 * @param {string} id
 * @param {number} step
 * @param {Partial<typeof display>} [changes]
 */
function colours({ run, painter, head }, id, step, changes = {}) {
  const panel = head.panels.find((known) => known.id === id);
  assert.ok(panel);
  const picture = painter.picture(run, panel, step, { ...display, ...changes });
  assert.ok(picture);
  const { data } = picture.image;
  return Array.from({ length: WIDTH * HEIGHT }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
}

test("colours are packed as ImageData has them", () => {
  assert.deepEqual([...new Uint8Array(Uint32Array.of(pack(1, 2, 3)).buffer)], [1, 2, 3, 255]);
  assert.deepEqual([...packTable([1, 2, 3]).slice(0, 2)], [pack(1, 2, 3), pack(0, 0, 0)]);
});

test("labels have the colours of their classes", async () => {
  const all = await opened();
  const want = [...labels[1]].map((id) => (id ? [20, 40, 60] : [0, 0, 0]));
  assert.deepEqual(colours(all, "prediction", 1), want);
  assert.deepEqual(colours(all, "feedforward", 1), labels[0].length ? Array(12).fill([20, 40, 60]) : []);
  assert.deepEqual(colours(all, "truth", 0)[0], [224, 224, 192]);
});

test("an isolated class stands out", async () => {
  const all = await opened();
  const picture = colours(all, "prediction", 1, { isolated: 2 });
  assert.deepEqual(picture[0], [24, 26, 30]);
  assert.deepEqual(picture[1], [20, 40, 60]);
});

test("the overlay leaves background clear and mixes the rest", async () => {
  const picture = colours(await opened(), "photo", 1);
  assert.deepEqual(picture[0], [100, 100, 100]);
  assert.deepEqual(picture[1], [60, 70, 80]);
});

test("outcomes compare step 0 and the step shown with truth", async () => {
  const picture = colours(await opened(), "right-wrong", 2);
  const index = picture.slice(0, WIDTH).map(([red]) => red);
  assert.deepEqual(index, [4, 2, 0, 0]); // ignored, wrong to right, still right
});

test("maps are interpolated, coloured over their range and outlined", async () => {
  const all = await opened();
  const picture = colours(all, "entropy", 0);
  assert.deepEqual(picture[0], [0, 0, 0]);
  assert.deepEqual(picture[WIDTH + 1], [102, 102, 102]);
  assert.deepEqual(picture[WIDTH * HEIGHT - 1], [255, 255, 255]);
  const narrow = colours(all, "entropy", 0, { limits: { ...display.limits, entropy: [0, 0.5] } });
  assert.deepEqual(narrow[WIDTH + 1], [204, 204, 204]);
  const outlined = colours(all, "entropy", 0, { outline: true });
  assert.ok(outlined.some((colour, i) => colour[0] === 255 && picture[i][0] !== 255));
});

test("pictures are painted once, and only when their maps are decoded", async () => {
  const { run, painter, head } = await opened();
  const [, , prediction] = head.panels;
  const picture = painter.picture(run, prediction, 1, display);
  assert.equal(painter.picture(run, prediction, 1, { ...display, opacity: 0.9 }), picture);
  const fresh = new Run(head.runs[0], 0, head, new Uint8Array(), new Cache(1e6));
  assert.equal(new Painter(head).picture(fresh, prediction, 1, display), null);
});

test("the probability of a class, or of the predicted one, at every pixel", async () => {
  const all = await opened();
  const { run } = all;
  const ranked = (/** @type {number} */ i, /** @type {number} */ id) =>
    inspect(run, 1, i % WIDTH, Math.floor(i / WIDTH))?.ranking?.find((entry) => entry.id === id)?.probability ?? NaN;
  for (const isolated of [0, 2, null]) {
    const picture = colours(all, "probability", 1, { isolated });
    for (const i of [0, 5, 11]) {
      const want = 255 * ranked(i, isolated ?? labels[1][i]);
      assert.ok(Math.abs(picture[i][0] - want) < 1, `${picture[i][0]} for ${want}`);
    }
  }
});

test("pixels below the threshold are grey, and the others counted", async () => {
  const all = await opened();
  const panel = all.head.panels.find(({ id }) => id === "confident");
  assert.ok(panel);
  const values = all.painter.probabilities.map(all.run, 1, null);
  assert.ok(values);
  const threshold = [...values].sort()[4];
  const picture = colours(all, "confident", 1, { threshold });
  picture.forEach((colour, i) => {
    assert.deepEqual(colour, values[i] < threshold ? [1, 2, 3] : labels[1][i] ? [20, 40, 60] : [0, 0, 0]);
  });
  const kept = values.filter((value) => value >= threshold).length;
  assert.equal(all.painter.picture(all.run, panel, 1, { ...display, threshold })?.share, kept / values.length);
});

test("differences have the colours of the step shown, the rest a third of the photo's grey", async () => {
  const picture = colours(await opened(), "difference", 1);
  assert.deepEqual(picture[0], [7, 8, 9]); // has become background
  assert.deepEqual(picture[1], [33, 33, 33]);
});

test("pictures of probabilities wait until these are decoded", async () => {
  const { run, painter, head } = await opened();
  for (const id of ["probability", "confident"]) {
    const panel = head.panels.find((known) => known.id === id);
    assert.ok(panel);
    assert.equal(painter.picture(run, panel, 2, display), null);
  }
});
