// @ts-check
// Decode the message's chunks to the maps of every step.

/** @import { Cache } from "./cache.js" */
/** @import { Axis, CodeRange, Head, MapName, Place, RunInfo } from "./types" */

const BUDGET = 256 * 2 ** 20; // bytes of decoded steps, over all runs

/** @param {Uint8Array} chunk */
async function inflate(chunk) {
  const stream = blob(chunk).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {Uint8Array} chunk A PNG. */
async function pixelsOf(chunk) {
  const bitmap = await createImageBitmap(blob(chunk, "image/png"), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

/**
 * @param {Uint8Array} chunk
 * @param {string} [type]
 */
function blob(chunk, type = "") {
  return new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (chunk)], { type });
}

let tracks = 0;

// A chunk per step. Steps come in groups that begin with a step coded by itself; a group is decoded
// as a whole, since each step is stored as the difference from the one before.
class Track {
  /**
   * @param {Uint8Array[]} chunks
   * @param {number} every Steps to a group.
   * @param {Cache<Uint8Array[]>} cache
   */
  constructor(chunks, every, cache) {
    this.chunks = chunks;
    this.every = every;
    this.cache = cache;
    this.name = String(++tracks);
    /** @type {Map<number, Promise<void>>} */
    this.pending = new Map();
  }

  /**
   * Return a step's bytes, or undefined until they are decoded.
   * @param {number} step
   */
  get(step) {
    return this.group(Math.floor(step / this.every))?.[step % this.every];
  }

  /**
   * Decode the group of a step, unless it is decoded.
   * @param {number} step
   * @returns {Promise<void>}
   */
  load(step) {
    const number = Math.floor(step / this.every);
    if (this.group(number)) return Promise.resolve();
    const pending = this.pending.get(number) ?? this.decode(number);
    this.pending.set(number, pending);
    return pending;
  }

  /** @param {number} number */
  group(number) {
    return this.cache.get(`${this.name} ${number}`);
  }

  /** @param {number} number */
  async decode(number) {
    const start = number * this.every;
    const group = await Promise.all(this.chunks.slice(start, start + this.every).map(inflate));
    for (let step = 1; step < group.length; step++) {
      const before = group[step - 1];
      const values = group[step];
      for (let i = 0; i < values.length; i++) values[i] += before[i]; // modulo 256
    }
    this.pending.delete(number);
    this.cache.set(`${this.name} ${number}`, group, group.length * (group[0]?.length ?? 0));
  }
}

/**
 * Read positions on the feature grid, float32, as neighbours and the weight of the farther one.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} count Feature pixels along this axis.
 * @returns {Axis}
 */
function axisOf(bytes, count) {
  const values = new Float32Array(bytes.buffer);
  const low = new Int32Array(values.length);
  const high = new Int32Array(values.length);
  const weight = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const position = Math.min(Math.max(values[i], 0), count - 1);
    low[i] = Math.min(Math.floor(position), Math.max(count - 2, 0));
    high[i] = Math.min(low[i] + 1, count - 1);
    weight[i] = position - low[i];
  }
  return { low, high, weight };
}

// One run: its facts, what does not change over the steps, and its maps of every step.
class Run {
  /**
   * @param {RunInfo} info
   * @param {number} index
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Cache<Uint8Array[]>} cache
   */
  constructor(info, index, head, frames, cache) {
    this.info = info;
    this.index = index;
    this.head = head;
    /** @type {(place: Place) => Uint8Array} */
    this.chunk = ([offset, length]) => frames.subarray(offset, offset + length);
    this.last = info.steps.length - 1;
    this.height = info.grid[0];
    this.width = info.grid[1];
    this.pixels = head.width * head.height;
    this.features = this.height * this.width;
    this.maps = new Track(info.steps.map(this.chunk), head.keyEvery, cache);
    const { steps, classes } = info.probabilities;
    this.probabilities = new Track(steps.map(this.chunk), head.keyEvery, cache);
    this.likely = classes;
    /** @type {Partial<Record<MapName, Float32Array>>} */
    this.values = Object.fromEntries(Object.entries(info.maps).map(([name, range]) => [name, valuesOf(range)]));
    this.order = Object.keys(info.maps);
    this.logs = valuesOf(info.probabilities);
    // Filled by `open`.
    this.photo = new Uint8ClampedArray();
    /** @type {Uint8Array | null} */
    this.truth = null;
    /** @type {Axis} */
    this.rows = axisOf(new Uint8Array(), 1);
    this.columns = this.rows;
  }

  /**
   * Decode what does not change over the steps.
   * @param {Map<string, Promise<any>>} shared What runs have in common is decoded once.
   */
  async open(shared) {
    /**
     * @template T
     * @param {string} name
     * @param {Place} place
     * @param {(chunk: Uint8Array) => Promise<T>} decode
     * @returns {Promise<T>}
     */
    const once = (name, place, decode) => {
      const key = `${name} ${place}`;
      if (!shared.has(key)) shared.set(key, decode(this.chunk(place)));
      return /** @type {Promise<T>} */ (shared.get(key));
    };
    /** @param {number} count */
    const axis = (count) => async (/** @type {Uint8Array} */ chunk) => axisOf(await inflate(chunk), count);
    const { photo, truth, rows, columns } = this.info;
    [this.photo, this.truth, this.rows, this.columns] = await Promise.all([
      once("photo", photo, pixelsOf),
      truth && once("truth", truth, inflate),
      once(`rows ${this.height}`, rows, axis(this.height)),
      once(`columns ${this.width}`, columns, axis(this.width)),
    ]);
  }

  /**
   * Return the step to show for a step of the shared cursor: a shorter run stays at its last.
   * @param {number} step
   */
  at(step) {
    return Math.min(step, this.last);
  }

  /**
   * Return the class ids of a step, photo pixels row by row; undefined until decoded.
   * @param {number} step
   */
  labels(step) {
    return this.maps.get(this.at(step))?.subarray(0, this.pixels);
  }

  /**
   * Return the codes of a map, feature pixels row by row; undefined until decoded, or without it.
   * @param {number} step
   * @param {MapName} name
   */
  codes(step, name) {
    const place = this.order.indexOf(name);
    if (place < 0) return undefined;
    const start = this.pixels + place * this.features;
    return this.maps.get(this.at(step))?.subarray(start, start + this.features);
  }

  /**
   * Return whether feature pixels are in S, as 0 and 1; undefined until decoded.
   * @param {number} step
   */
  selected(step) {
    const bits = this.maps.get(this.at(step))?.subarray(this.pixels + this.order.length * this.features);
    return bits && Uint8Array.from({ length: this.features }, (_, i) => (bits[i >> 3] >> (7 - (i & 7))) & 1);
  }
}

/**
 * Return the value of every code, in float32 as the record gives them.
 * @param {CodeRange} range
 */
function valuesOf({ low, high }) {
  return Float32Array.from({ length: 256 }, (_, code) => low + ((high - low) / 255) * code);
}

export { axisOf, BUDGET, inflate, Run, Track, valuesOf };
