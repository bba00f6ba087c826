// @ts-check
// Pictures of panels, pixel by pixel as segviz/pictures draws them, in a bounded cache.

import { Cache } from "./cache.js";
import { Probabilities } from "./probability.js";
import { upsample, ZERO_ONE } from "./sample.js";

/** @import { Run } from "./decode.js" */
/** @import { ColourMapName, Display, Head, PanelInfo } from "./types" */
/**
 * A picture; `share` is the part of the pixels that it is about: above a threshold, or different.
 * @typedef {{ key: string, image: ImageData, share: number | null }} Picture
 */

const BUDGET = 96 * 2 ** 20; // bytes of pictures
const EVEN = 6755399441055744; // adding and subtracting it rounds half to even
const WHITE = pack(255, 255, 255);
const OUTLINE = pack(190, 196, 204);
const DARK = 30; // luminance, of 255, below which a class is outlined

// How an outcome is looked up in the head's `outcomes`.
const [STILL_RIGHT, STILL_WRONG, WRONG_TO_RIGHT, RIGHT_TO_WRONG, IGNORED] = [0, 1, 2, 3, 4];

/**
 * Pack a colour as ImageData has it, read as uint32 with the low byte first.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
function pack(red, green, blue) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * Pack a table of up to 256 colours; the rest is black.
 * @param {number[]} colours Red, green and blue in turn.
 */
function packTable(colours) {
  const table = new Uint32Array(256).fill(pack(0, 0, 0));
  for (let i = 0; 3 * i < colours.length; i++) {
    table[i] = pack(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]);
  }
  return table;
}

let painters = 0;

class Painter {
  /**
   * @param {Head} head
   * @param {number[]} [palette] The colours of all classes.
   */
  constructor(head, palette = head.palette) {
    this.head = head;
    this.name = ++painters; // part of the keys: pictures of other messages have other ones
    /** @type {Cache<Picture>} */
    this.cache = new Cache(BUDGET);
    this.count = head.width * head.height;
    this.values = new Float32Array(this.count);
    this.colours = palette;
    this.palette = packTable(palette);
    this.palette[head.ignore.id] = pack(...head.ignore.colour);
    this.probabilities = new Probabilities(this.count);
    /** @type {Partial<Record<ColourMapName, Uint32Array>>} */
    this.tables = Object.fromEntries(Object.entries(head.maps).map(([name, { table }]) => [name, packTable(table)]));
    this.outcomes = packTable(head.outcomes.flatMap(({ colour }) => colour));
  }

  /**
   * Return the picture of a panel at a step; null while its maps are being decoded.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   * @param {Display} display
   */
  picture(run, panel, step, display) {
    const at = panel.changes ? run.at(step) : 0;
    const key = [this.name, run.index, panel.id, at, ...dependencies(run, panel, at, display)].join(" ");
    const found = this.cache.get(key);
    if (found) return found;
    const image = new ImageData(this.head.width, this.head.height);
    /** @type {Picture} */
    const picture = { key, image, share: null };
    if (!this.paint(run, panel, at, display, picture)) return null;
    this.cache.set(key, picture, image.data.length);
    return picture;
  }

  /**
   * Paint a panel; returns whether its maps are there.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  paint(run, panel, step, display, picture) {
    const { image } = picture;
    switch (panel.draws) {
      case "photo":
        image.data.set(run.photo);
        return true;
      case "overlay":
        return this.overlay(run, step, display, image);
      case "labels":
        return this.labels(run.labels(step), display, image);
      case "truth":
        return this.labels(run.truth, display, image);
      case "map":
        return panel.map !== null && this.map(run, step, panel.map, display, image);
      case "outcomes":
        return this.outcome(run, step, image);
      case "probability":
        return this.probability(run, step, display, image);
      case "confident":
        return this.confident(run, step, display, picture);
      case "difference":
        return this.difference(run, step, display, picture);
    }
  }

  /**
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {ImageData} image
   */
  overlay(run, step, { opacity, isolated }, { data }) {
    const labels = run.labels(step);
    if (!labels) return false;
    const { background, ignore } = this.head;
    const palette = this.colours;
    data.set(run.photo);
    for (let i = 0; i < this.count; i++) {
      const label = labels[i];
      if (label === background ? isolated !== background : label === ignore.id) continue;
      if (isolated !== null && label !== isolated) continue;
      for (let c = 0; c < 3; c++) {
        const j = 4 * i + c;
        data[j] = (1 - opacity) * data[j] + opacity * palette[3 * label + c]; // rounds to even
      }
    }
    return true;
  }

  /**
   * @param {Uint8Array | null | undefined} labels
   * @param {Display} display
   * @param {ImageData} image
   */
  labels(labels, { isolated }, { data }) {
    if (!labels) return false;
    const table = isolated === null ? this.palette : this.isolatingPalette(isolated);
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) target[i] = table[labels[i]];
    if (isolated === null) this.outlineDark(labels, target);
    return true;
  }

  /**
   * Outline classes whose colour is hardly told from black, such as VOC's cat, inside of them.
   * @param {Uint8Array} labels
   * @param {Uint32Array} target
   */
  outlineDark(labels, target) {
    const { background, classes, width, height } = this.head;
    const dark = new Set(classes.map(({ id }) => id).filter((id) => id !== background && this.isDark(id)));
    if (!dark.size) return;
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const label = labels[i];
        if (!dark.has(label)) continue;
        const border =
          (y > 0 && labels[i - width] !== label) ||
          (y < height - 1 && labels[i + width] !== label) ||
          (x > 0 && labels[i - 1] !== label) ||
          (x < width - 1 && labels[i + 1] !== label);
        if (border) target[i] = OUTLINE;
      }
    }
  }

  /** @param {number} id */
  isDark(id) {
    const [red, green, blue] = this.colours.slice(3 * id, 3 * id + 3);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < DARK;
  }

  /**
   * Return colours that show one class: all else dark, the background darkest.
   * @param {number} id
   */
  isolatingPalette(id) {
    const table = new Uint32Array(256).fill(pack(58, 62, 70));
    const { background } = this.head;
    if (background !== null) table[background] = pack(24, 26, 30);
    table[id] = id === background ? pack(210, 214, 220) : this.palette[id];
    return table;
  }

  /**
   * @param {Run} run
   * @param {number} step
   * @param {ColourMapName} name
   * @param {Display} display
   * @param {ImageData} image
   */
  map(run, step, name, display, image) {
    if (name === "probability") return this.probability(run, step, display, image);
    const codes = run.codes(step, name);
    const known = run.values[name];
    if (!codes || !known) return false;
    const values = upsample(run, codes, known, this.values);
    if (!this.colour(values, name, display, image)) return false;
    if (name === "entropy" && display.outline) this.outline(run, step, image);
    return true;
  }

  /**
   * Colour values over the range of a map.
   * @param {Float32Array} values
   * @param {ColourMapName} name
   * @param {Display} display
   * @param {ImageData} image
   */
  colour(values, name, display, image) {
    const table = this.tables[name];
    const limits = display.limits[name];
    if (!table || !limits) return false;
    const target = new Uint32Array(image.data.buffer);
    const [low, high] = limits;
    const start = Math.fround(low);
    const factor = Math.fround(255 / (high - low));
    for (let i = 0; i < this.count; i++) {
      const place = Math.fround(Math.fround(values[i] - start) * factor);
      const index = place + EVEN - EVEN;
      target[i] = table[index < 0 ? 0 : index > 255 ? 255 : index];
    }
    return true;
  }

  /**
   * Draw the probability of the isolated class, or of the predicted one.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {ImageData} image
   */
  probability(run, step, display, image) {
    const values = this.probabilities.map(run, step, display.isolated);
    return values !== null && this.colour(values, "probability", display, image);
  }

  /**
   * Draw the labels of pixels that are sure enough.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  confident(run, step, display, picture) {
    const values = this.probabilities.map(run, step, null);
    if (!values || !this.labels(run.labels(step), display, picture.image)) return false;
    const target = new Uint32Array(picture.image.data.buffer);
    const below = pack(...this.head.belowThreshold);
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (values[i] < display.threshold) target[i] = below;
      else kept++;
    }
    picture.share = kept / this.count;
    return true;
  }

  /**
   * Draw what differs from the reference in the colours of this step, and the rest dark.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  difference(run, step, display, picture) {
    const labels = run.labels(step);
    const { labels: others } = display.reference(run, step);
    if (!labels || !others) return false;
    const { background, differentBackground } = this.head;
    const table = this.palette.slice();
    if (background !== null) table[background] = pack(...differentBackground);
    const target = new Uint32Array(picture.image.data.buffer);
    const { photo } = run;
    let different = 0;
    for (let i = 0; i < this.count; i++) {
      if (labels[i] !== others[i]) {
        target[i] = table[labels[i]];
        different++;
      } else {
        const grey = Math.floor((photo[4 * i] + photo[4 * i + 1] + photo[4 * i + 2]) / 9);
        target[i] = pack(grey, grey, grey);
      }
    }
    picture.share = different / this.count;
    return true;
  }

  /**
   * Draw the border of S, inside of it, in white.
   * @param {Run} run
   * @param {number} step
   * @param {ImageData} image
   */
  outline(run, step, { data }) {
    const selected = run.selected(step);
    if (!selected) return;
    const { width, height } = this.head;
    const values = upsample(run, selected, ZERO_ONE, this.values);
    const target = new Uint32Array(data.buffer);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (values[i] <= 0.5) continue;
        const border =
          (y > 0 && values[i - width] <= 0.5) ||
          (y < height - 1 && values[i + width] <= 0.5) ||
          (x > 0 && values[i - 1] <= 0.5) ||
          (x < width - 1 && values[i + 1] <= 0.5);
        if (border) target[i] = WHITE;
      }
    }
  }

  /**
   * @param {Run} run
   * @param {number} step
   * @param {ImageData} image
   */
  outcome(run, step, { data }) {
    const labels = run.labels(step);
    const first = run.labels(0);
    const { truth } = run;
    if (!labels || !first || !truth) return false;
    const { ignore } = this.head;
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) {
      const right = labels[i] === truth[i];
      let outcome = right ? WRONG_TO_RIGHT : STILL_WRONG;
      if (first[i] === truth[i]) outcome = right ? STILL_RIGHT : RIGHT_TO_WRONG;
      target[i] = this.outcomes[truth[i] === ignore.id ? IGNORED : outcome];
    }
    return true;
  }
}

/**
 * Return what of the display a panel's picture depends on.
 * @param {Run} run
 * @param {PanelInfo} panel
 * @param {number} step
 * @param {Display} display
 */
function dependencies(run, { draws, map }, step, { opacity, isolated, outline, limits, threshold, reference }) {
  if (draws === "overlay") return [opacity, isolated];
  if (draws === "labels" || draws === "truth" || draws === "probability") return [isolated];
  if (draws === "confident") return [isolated, threshold];
  if (draws === "difference") return [reference(run, step).key];
  return map ? [...(limits[map] ?? []), map === "entropy" && outline] : [];
}

export { pack, packTable, Painter };
