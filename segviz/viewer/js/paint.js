// Pictures of panels, pixel by pixel as the record's own, and a bounded store of them.

import { spread, ZERO_ONE } from "./sample.js";

const PICTURES = 96 * 2 ** 20; // bytes of pictures kept
const EVEN = 6755399441055744; // adding and subtracting it rounds half to even

const rgba = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
const WHITE = rgba(255, 255, 255);

function packed(colours) {
  const table = new Uint32Array(256).fill(rgba(0, 0, 0));
  for (let i = 0; 3 * i < colours.length; i++) {
    table[i] = rgba(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]);
  }
  return table;
}

let painters = 0;

class Painter {
  constructor(head) {
    this.head = head;
    this.name = ++painters; // tells pictures of other frames apart
    this.kept = new Map();
    this.size = 0;
    this.count = head.width * head.height;
    this.values = new Float32Array(this.count);
    this.palette = packed(head.palette);
    this.palette[head.ignore.id] = rgba(...head.ignore.colour);
    this.tables = { entropy: packed(head.maps.entropy.table), sigma: packed(head.maps.sigma.table) };
    this.outcomes = packed(head.outcomes.flatMap(({ colour }) => colour));
  }

  // The picture of a panel at a step, as ImageData with its key; null while maps are missing.
  picture(run, panel, step, look) {
    const at = TIMELESS.has(panel) ? 0 : run.at(step);
    const detail = (DETAILS[panel] ?? (() => ""))(look);
    const key = `${this.name} ${run.index} ${panel} ${at} ${detail}`;
    const found = this.kept.get(key);
    if (found) {
      this.kept.delete(key);
      this.kept.set(key, found);
      return found;
    }
    const image = new ImageData(this.head.width, this.head.height);
    if (!this[PAINT[panel]](run, at, look, image)) return null;
    const entry = { key, image };
    this.kept.set(key, entry);
    this.size += image.data.length;
    for (const [old, { image: gone }] of this.kept) {
      if (this.size <= PICTURES || this.kept.size <= 1) break;
      this.kept.delete(old);
      this.size -= gone.data.length;
    }
    return entry;
  }

  overlay(run, step, { opacity, isolated }, { data }) {
    const labels = run.labels(step);
    if (!labels) return false;
    const { palette, ignore } = this.head;
    data.set(run.photo);
    for (let i = 0; i < this.count; i++) {
      const label = labels[i];
      if (label === 0 ? isolated !== 0 : label === ignore.id) continue;
      if (isolated !== null && label !== isolated) continue;
      for (let c = 0; c < 3; c++) {
        const j = 4 * i + c;
        data[j] = (1 - opacity) * data[j] + opacity * palette[3 * label + c]; // rounds to even
      }
    }
    return true;
  }

  prediction(run, step, look, image) {
    return this.labels(run.labels(step), look, image);
  }

  truth(run, step, look, image) {
    return this.labels(run.truth, look, image);
  }

  labels(labels, { isolated }, { data }) {
    if (!labels) return false;
    const table = isolated === null ? this.palette : this.alone(isolated);
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) target[i] = table[labels[i]];
    return true;
  }

  // Colours that leave one class: all else dark, the background darkest.
  alone(id) {
    const table = new Uint32Array(256).fill(rgba(58, 62, 70));
    table[0] = rgba(24, 26, 30);
    table[id] = id === 0 ? rgba(210, 214, 220) : this.palette[id];
    return table;
  }

  entropy(run, step, look, image) {
    const codes = run.codes(step, "entropy");
    if (!codes) return false;
    this.coloured(run, codes, run.entropy, look.limits.entropy, this.tables.entropy, image);
    if (look.outline) this.outline(run, step, image);
    return true;
  }

  sigma(run, step, look, image) {
    const codes = run.codes(step, "sigma");
    if (!codes) return false;
    this.coloured(run, codes, run.sigma, look.limits.sigma, this.tables.sigma, image);
    return true;
  }

  coloured(run, codes, values, [low, high], table, { data }) {
    const target = new Uint32Array(data.buffer);
    const spreadOut = spread(run, codes, values, this.values);
    const start = Math.fround(low);
    const factor = Math.fround(255 / (high - low));
    for (let i = 0; i < this.count; i++) {
      const place = Math.fround(Math.fround(spreadOut[i] - start) * factor);
      const index = place + EVEN - EVEN;
      target[i] = table[index < 0 ? 0 : index > 255 ? 255 : index];
    }
  }

  // The border of S, inside of it, in white.
  outline(run, step, { data }) {
    const { width, height } = this.head;
    const values = spread(run, run.selected(step), ZERO_ONE, this.values);
    const target = new Uint32Array(data.buffer);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (values[i] <= 0.5) continue;
        const out =
          (y > 0 && values[i - width] <= 0.5) ||
          (y < height - 1 && values[i + width] <= 0.5) ||
          (x > 0 && values[i - 1] <= 0.5) ||
          (x < width - 1 && values[i + 1] <= 0.5);
        if (out) target[i] = WHITE;
      }
    }
  }

  outcome(run, step, look, { data }) {
    const labels = run.labels(step);
    const first = run.labels(0);
    if (!labels || !first) return false;
    const { truth } = run;
    const { ignore } = this.head;
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) {
      const right = labels[i] === truth[i];
      const fate = first[i] === truth[i] ? (right ? 0 : 3) : right ? 2 : 1;
      target[i] = this.outcomes[truth[i] === ignore.id ? 4 : fate];
    }
    return true;
  }
}

const PAINT = {
  photo: "overlay",
  feedforward: "prediction",
  prediction: "prediction",
  entropy: "entropy",
  "receptive-field": "sigma",
  truth: "truth",
  "right-wrong": "outcome",
};
const TIMELESS = new Set(["feedforward", "truth"]);

// What of the look a picture depends on.
const DETAILS = {
  photo: ({ opacity, isolated }) => `${opacity} ${isolated}`,
  feedforward: ({ isolated }) => isolated,
  prediction: ({ isolated }) => isolated,
  truth: ({ isolated }) => isolated,
  entropy: ({ limits, outline }) => `${limits.entropy} ${outline}`,
  "receptive-field": ({ limits }) => limits.sigma.join(),
};

export { Painter };
