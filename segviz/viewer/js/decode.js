// From the payload's bytes to maps: inflates chunks, undoes differences, and keeps what it made.

const BUDGET = 256 * 2 ** 20; // bytes of decoded steps, over all runs

async function inflate(chunk) {
  const stream = new Blob([chunk]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function pixelsOf(chunk) {
  const bitmap = await createImageBitmap(new Blob([chunk], { type: "image/png" }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

// Chunks of one kind, a chunk per step. Steps come in groups that begin with a step coded by
// itself; a group is decoded as a whole, since its steps build on each other.
class Track {
  constructor(chunks, every, shelf) {
    this.chunks = chunks;
    this.every = every;
    this.shelf = shelf;
    this.groups = new Map(); // number of the group -> its steps
    this.pending = new Map();
  }

  get(step) {
    const number = Math.floor(step / this.every);
    const group = this.groups.get(number);
    if (group) this.shelf.touch(this, number);
    return group?.[step % this.every];
  }

  want(step) {
    const number = Math.floor(step / this.every);
    if (this.groups.has(number)) return Promise.resolve();
    if (!this.pending.has(number)) this.pending.set(number, this.decode(number));
    return this.pending.get(number);
  }

  async decode(number) {
    const start = number * this.every;
    const group = await Promise.all(this.chunks.slice(start, start + this.every).map(inflate));
    for (let step = 1; step < group.length; step++) {
      const before = group[step - 1];
      const values = group[step];
      for (let i = 0; i < values.length; i++) values[i] += before[i]; // modulo 256
    }
    this.groups.set(number, group);
    this.pending.delete(number);
    this.shelf.add(this, number, group.length * (group[0]?.length ?? 0));
  }
}

// Bounds what all tracks keep: the group not looked at for the longest goes first.
class Shelf {
  constructor(budget = BUDGET) {
    this.budget = budget;
    this.places = new Map();
    this.size = 0;
    this.count = 0;
  }

  add(track, number, bytes) {
    this.places.set(this.name(track, number), { track, number, bytes });
    this.size += bytes;
    for (const [name, place] of this.places) {
      if (this.size <= this.budget || this.places.size <= 2) break;
      this.places.delete(name);
      place.track.groups.delete(place.number);
      this.size -= place.bytes;
    }
  }

  touch(track, number) {
    const name = this.name(track, number);
    const place = this.places.get(name);
    this.places.delete(name);
    this.places.set(name, place);
  }

  full() {
    return this.size > 0.7 * this.budget;
  }

  name(track, number) {
    track.id ??= ++this.count;
    return `${track.id} ${number}`;
  }
}

// Where the photo's pixels lie between feature pixels, along one axis.
function positions(bytes, count) {
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

// One run: its facts, its pictures without time, and its maps of every step.
class Run {
  constructor(facts, head, frames, shelf) {
    const slice = ([offset, length]) => frames.subarray(offset, offset + length);
    Object.assign(this, { facts, head, slice });
    this.last = facts.steps.length - 1;
    [this.h, this.w] = facts.grid;
    this.pixels = head.width * head.height;
    this.features = this.h * this.w;
    this.maps = new Track(facts.steps.map(slice), head.keyEvery, shelf);
    const { steps, classes } = facts.probabilities;
    this.probabilities = new Track(steps.map(slice), head.keyEvery, shelf);
    this.likely = classes;
    this.entropy = codesOf(facts.entropy);
    this.sigma = codesOf(facts.sigma);
    this.logs = codesOf(facts.probabilities);
  }

  async open(shared) {
    const once = (name, place, make) => {
      const key = `${name} ${place}`;
      if (!shared.has(key)) shared.set(key, make(this.slice(place)));
      return shared.get(key);
    };
    const { photo, truth, rows, columns } = this.facts;
    const along = (count) => async (chunk) => positions(await inflate(chunk), count);
    [this.photo, this.truth, this.rows, this.columns] = await Promise.all([
      once("photo", photo, pixelsOf),
      truth && once("truth", truth, inflate),
      once(`rows ${this.h}`, rows, along(this.h)),
      once(`columns ${this.w}`, columns, along(this.w)),
    ]);
  }

  // The step that stands for a step of the shared cursor: a shorter run stays at its last.
  at(step) {
    return Math.min(step, this.last);
  }

  labels(step) {
    return this.maps.get(this.at(step))?.subarray(0, this.pixels);
  }

  codes(step, name) {
    const start = this.pixels + (name === "sigma" ? this.features : 0);
    return this.maps.get(this.at(step))?.subarray(start, start + this.features);
  }

  // Whether feature pixels are in S, as 0 and 1.
  selected(step) {
    const bits = this.maps.get(this.at(step))?.subarray(this.pixels + 2 * this.features);
    return bits && Uint8Array.from({ length: this.features }, (_, i) => (bits[i >> 3] >> (7 - (i & 7))) & 1);
  }
}

// The value of every code, in float32 as the record gives them.
function codesOf({ low, high }) {
  return Float32Array.from({ length: 256 }, (_, code) => low + ((high - low) / 255) * code);
}

export { Run, Shelf };
