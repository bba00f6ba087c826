// Bilinear interpolation of feature maps at the photo's pixels, in float32 steps that round as the
// record's own pictures do: rows first, then columns.

const fround = Math.fround;

// torch.lerp with a fused multiply-add: from the nearer end.
function lerp(a, b, weight) {
  const difference = fround(b - a);
  return weight < 0.5
    ? fround(weight * difference + a)
    : fround(fround(weight - 1) * difference + b);
}

// One value at a photo pixel (x, y) of a map of codes.
function read(run, codes, values, x, y) {
  const { rows, columns, w } = run;
  const top = rows.low[y] * w;
  const bottom = rows.high[y] * w;
  const left = columns.low[x];
  const right = columns.high[x];
  const vertical = rows.weight[y];
  return lerp(
    lerp(values[codes[top + left]], values[codes[bottom + left]], vertical),
    lerp(values[codes[top + right]], values[codes[bottom + right]], vertical),
    columns.weight[x],
  );
}

// A whole map at the photo's resolution: calls take(pixel, value) for every pixel.
function spread(run, codes, values, target) {
  const { rows, columns, w } = run;
  const height = rows.low.length;
  const width = columns.low.length;
  const line = new Float32Array(w);
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
      line[j] = lerp(values[codes[top + j]], values[codes[bottom + j]], rows.weight[y]);
    }
    for (let x = 0; x < width; x++, i++) {
      const a = line[low[x]];
      const b = line[high[x]];
      target[i] = coefficient[x] * fround(b - a) + (near[x] ? a : b);
    }
  }
  return target;
}

// What the record knows of a pixel at a step; null while its maps are still being decoded.
function inspect(run, step, x, y) {
  const labels = run.labels(step);
  if (!labels) return null;
  const { facts, head } = run;
  const pixel = y * head.width + x;
  const sigma = read(run, run.codes(step, "sigma"), run.sigma, x, y);
  return {
    label: labels[pixel],
    entropy: read(run, run.codes(step, "entropy"), run.entropy, x, y),
    sigma,
    size: extent(sigma, facts.stride),
    selected: read(run, run.selected(step), ZERO_ONE, x, y) > 0.5,
    truth: run.truth ? run.truth[pixel] : null,
    ranking: rank(run, step, x, y, labels[pixel]),
  };
}

const ZERO_ONE = Float32Array.of(0, 1);

// Receptive field size in input pixels for sigma in input pixels: r (2 d + 4 sigma + 1).
function extent(sigma, stride) {
  const inFeatures = sigma / stride;
  return stride * (2 * Math.max(1, inFeatures) + 4 * inFeatures + 1);
}

// Class probabilities at a pixel, the predicted class first, then falling; null until decoded.
function rank(run, step, x, y, label) {
  const codes = run.probabilities.get(run.at(step));
  if (!codes) return null;
  const odds = run.likely.map((id, k) => {
    const map = codes.subarray(k * run.features, (k + 1) * run.features);
    return { id, odds: Math.exp(read(run, map, run.logs, x, y)) };
  });
  const total = odds.reduce((sum, one) => sum + one.odds, 0);
  const first = (one) => (one.id === label ? 1 : 0);
  return odds
    .map(({ id, odds: value }) => ({ id, probability: value / total }))
    .sort((a, b) => first(b) - first(a) || b.probability - a.probability);
}

export { extent, inspect, read, spread, ZERO_ONE };
