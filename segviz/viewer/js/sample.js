// @ts-check
// Bilinear interpolation of feature maps at the photo's pixels, in float32 steps that round as the
// record's own pictures do: rows first, then columns.

/** @import { Run } from "./decode.js" */
/** @import { Axis, MapName, Reading } from "./types" */
/** @typedef {{ rows: Axis, columns: Axis, width: number }} Sampled A run, as far as interpolation goes. */

const fround = Math.fround;
const ZERO_ONE = Float32Array.of(0, 1);

/**
 * Interpolate as torch.lerp does with a fused multiply-add: from the nearer end.
 * @param {number} a
 * @param {number} b
 * @param {number} weight
 */
function lerp(a, b, weight) {
  const difference = fround(b - a);
  return weight < 0.5 ? fround(weight * difference + a) : fround(fround(weight - 1) * difference + b);
}

/**
 * Return the value of a map at a photo pixel.
 * @param {Sampled} run
 * @param {Uint8Array} codes The map.
 * @param {Float32Array} values The value of every code.
 * @param {number} x
 * @param {number} y
 */
function read({ rows, columns, width }, codes, values, x, y) {
  const top = rows.low[y] * width;
  const bottom = rows.high[y] * width;
  const left = columns.low[x];
  const right = columns.high[x];
  const vertical = rows.weight[y];
  return lerp(
    lerp(values[codes[top + left]], values[codes[bottom + left]], vertical),
    lerp(values[codes[top + right]], values[codes[bottom + right]], vertical),
    columns.weight[x],
  );
}

/**
 * Write a whole map at the photo's resolution into `target`, and return it.
 * @param {Sampled} run
 * @param {Uint8Array} codes
 * @param {Float32Array} values
 * @param {Float32Array} target
 */
function upsample({ rows, columns, width: w }, codes, values, target) {
  const height = rows.low.length;
  const width = columns.low.length;
  const row = new Float32Array(w);
  // The columns' half of `lerp`, decided once: base + coefficient * difference.
  const { low, high, weight } = columns;
  const near = new Uint8Array(width);
  const coefficient = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    near[x] = weight[x] < 0.5 ? 1 : 0;
    coefficient[x] = near[x] ? weight[x] : weight[x] - 1;
  }
  for (let y = 0, i = 0; y < height; y++) {
    const top = rows.low[y] * w;
    const bottom = rows.high[y] * w;
    for (let j = 0; j < w; j++) {
      row[j] = lerp(values[codes[top + j]], values[codes[bottom + j]], rows.weight[y]);
    }
    for (let x = 0; x < width; x++, i++) {
      const a = row[low[x]];
      const b = row[high[x]];
      target[i] = coefficient[x] * fround(b - a) + (near[x] ? a : b);
    }
  }
  return target;
}

/**
 * Return the receptive field size for a sigma, both in input pixels.
 * @param {{ sigmas: number[], sizes: number[] }} points At least two; linear in between and beyond.
 * @param {number} sigma
 */
function fieldSize({ sigmas, sizes }, sigma) {
  let i = 1;
  while (i < sigmas.length - 1 && sigma > sigmas[i]) i++;
  const slope = (sizes[i] - sizes[i - 1]) / (sigmas[i] - sigmas[i - 1]);
  return sizes[i - 1] + slope * (sigma - sigmas[i - 1]);
}

/**
 * Return what the record knows of a pixel at a step; null until its maps are decoded.
 * @param {Run} run
 * @param {number} step
 * @param {number} x
 * @param {number} y
 * @returns {Reading | null}
 */
function inspect(run, step, x, y) {
  const labels = run.labels(step);
  const selected = run.selected(step);
  /** @param {MapName} name */
  const value = (name) => {
    const codes = run.codes(step, name);
    const values = run.values[name];
    return codes && values ? read(run, codes, values, x, y) : null;
  };
  const entropy = value("entropy");
  if (!labels || entropy === null || !selected) return null;
  const pixel = y * run.head.width + x;
  const sigma = value("sigma");
  return {
    label: labels[pixel],
    entropy,
    sigma,
    size: sigma === null ? null : fieldSize(run.info.receptiveField, sigma),
    scale: value("sizes"),
    selected: read(run, selected, ZERO_ONE, x, y) > 0.5,
    truth: run.truth ? run.truth[pixel] : null,
    ranking: rank(run, step, x, y, labels[pixel]),
  };
}

/**
 * Return class probabilities at a pixel, the predicted class first, then falling; null until decoded.
 * @param {Run} run
 * @param {number} step
 * @param {number} x
 * @param {number} y
 * @param {number} label
 */
function rank(run, step, x, y, label) {
  const codes = run.probabilities.get(run.at(step));
  if (!codes) return null;
  const odds = run.likely.map((id, k) => {
    const map = codes.subarray(k * run.features, (k + 1) * run.features);
    return { id, odds: Math.exp(read(run, map, run.logs, x, y)) };
  });
  const total = odds.reduce((sum, entry) => sum + entry.odds, 0);
  const first = (/** @type {{ id: number }} */ { id }) => (id === label ? 1 : 0);
  return odds
    .map(({ id, odds: value }) => ({ id, probability: value / total }))
    .sort((a, b) => first(b) - first(a) || b.probability - a.probability);
}

export { fieldSize, inspect, lerp, read, upsample, ZERO_ONE };
