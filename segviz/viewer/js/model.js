// @ts-check
// The runs, the state that the reader changes, and what follows from both.

import { Cache } from "./cache.js";
import { BUDGET, Run } from "./decode.js";
import { Painter } from "./paint.js";

/** @import { Colour, ColourMapName, Display, Head, PanelInfo, Pin, Pixel, Reference, Side, ViewState, Zoom } from "./types" */

const SAFE = "segviz safe colours"; // the key of the browser's storage

const RUN_COLOURS = ["#3d8fd6", "#e8833a", "#2fa36b", "#b86bd3", "#d64a6a", "#9a8c2c", "#35aebd", "#8a8f98"];
const PIN_COLOURS = ["#ff5c7a", "#ffd166", "#2ee6a8", "#58c9ff", "#f9a1ff"];

/** @type {Zoom} */
const WHOLE = { k: 1, u: 0, v: 0 };

/** @type {Reference} */
const FIRST = { run: null, step: 0 }; // step 0 of the same run

/** @param {number} run */
const runColour = (run) => RUN_COLOURS[run % RUN_COLOURS.length];

class Model {
  // Set by `load`.
  /** @type {Head} */
  head;
  /** @type {Run[]} */
  runs;
  /** @type {number} */
  last;
  /** @type {Cache<Uint8Array[]>} */
  decoded;
  /** @type {Painter} */
  painter;
  /** Whether what does not change over the steps is decoded. */
  opened = false;
  /** @type {Promise<void>} */
  opening;

  /**
   * @param {Head} head
   * @param {Uint8Array} frames
   */
  constructor(head, frames) {
    this.step = 0;
    /** @type {number | null} The step of the pictures on the screen. */
    this.drawnStep = null;
    /** Whether the step stays the last one when runs grow. */
    this.following = true;
    this.playing = false;
    this.speed = 1;
    this.loop = false;
    /** @type {Pixel | null} The photo pixel pointed at. */
    this.cursor = null;
    /** @type {Pixel | null} Where the pointer is on the screen, if it is over a picture. */
    this.pointer = null;
    /** The run whose panel is pointed at. */
    this.hoveredRun = 0;
    this.opacity = head.opacity;
    /** @type {number | null} */
    this.isolated = null;
    this.outline = false;
    this.rangePerStep = false;
    /** @type {{ at: number, sides: Side[] } | null} Where the divider stands, 0 to 1, and both pictures. */
    this.wipe = null;
    this.threshold = head.threshold;
    /** What the panel difference compares with. */
    this.against = FIRST;
    /** @type {[truth: number, predicted: number] | null} The classes whose pixels are lit. */
    this.cell = null;
    /** @type {string | null} The panel that is shown alone. */
    this.solo = null;
    this.zoom = WHOLE;
    /** @type {Pin[]} */
    this.pins = [];
    /** @type {string[]} Empty: the default panels. */
    this.chosenPanels = [];
    this.safe = stored(SAFE) === "on";
    this.load(head, frames);
  }

  /** Return the colours of all classes: red, green and blue in turn. */
  get palette() {
    return this.safe ? this.head.safePalette : this.head.palette;
  }

  /**
   * Choose between the classes' own colours and those that every reader tells apart.
   * @param {boolean} on
   */
  useSafeColours(on) {
    this.safe = on;
    this.painter = new Painter(this.head, this.palette);
    store(SAFE, on ? "on" : "");
  }

  /**
   * Take another message: of runs that have grown, or of other runs.
   * @param {Head} head
   * @param {Uint8Array} frames
   */
  load(head, frames) {
    this.head = head;
    this.decoded = new Cache(BUDGET, 4 * head.runs.length); // what one drawing needs stays
    this.runs = head.runs.map((info, index) => new Run(info, index, head, frames, this.decoded));
    this.last = Math.max(...this.runs.map((run) => run.last));
    this.step = this.following ? this.last : Math.min(this.step, this.last);
    this.drawnStep = this.drawnStep === null ? null : Math.min(this.drawnStep, this.last);
    this.pins = this.pins.filter(({ x, y }) => x < head.width && y < head.height);
    this.painter = new Painter(head, this.palette);
    this.opened = false;
    const shared = new Map();
    this.opening = Promise.all(this.runs.map((run) => run.open(shared))).then(() => {
      if (this.head === head) this.opened = true;
    });
  }

  get comparing() {
    return this.runs.length > 1;
  }

  /** Return the panels that are chosen; of these, one may be shown alone. */
  get panels() {
    const names = this.chosenPanels.length ? this.chosenPanels : this.head.defaultPanels;
    return this.head.panels.filter(({ id }) => names.includes(id));
  }

  get visiblePanels() {
    const alone = this.head.panels.filter(({ id }) => id === this.solo);
    return alone.length ? alone : this.panels;
  }

  /**
   * Return whether a panel that draws something is on the screen, in the wipe or by itself.
   * @param {PanelInfo["draws"][]} kinds
   */
  draws(...kinds) {
    const sides = this.wipe?.sides.map(([id]) => id) ?? [];
    const panels = [...this.visiblePanels, ...this.head.panels.filter(({ id }) => sides.includes(id))];
    return panels.some(({ draws }) => kinds.includes(draws));
  }

  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   */
  has(run, panel) {
    const map = !panel.map || panel.map === "probability" || panel.map in run.info.maps;
    return map && (!panel.needsTruth || run.info.truth !== null);
  }

  /**
   * Return the range of a map's colours: over all steps and runs, or of the step shown.
   * @param {ColourMapName} name
   * @param {number} step
   * @returns {[number, number]}
   */
  limits(name, step) {
    const whole = this.head.maps[name]?.limits ?? [0, 1];
    if (!this.rangePerStep || name === "probability") return whole;
    const tops = this.runs.map((run) => run.info.maps[name]?.tops[run.at(step)] ?? whole[0]);
    return [whole[0], Math.max(...tops)];
  }

  /**
   * @param {number} step
   * @returns {Display}
   */
  display(step) {
    const { opacity, isolated, outline, threshold } = this;
    const names = /** @type {ColourMapName[]} */ (Object.keys(this.head.maps));
    const limits = Object.fromEntries(names.map((name) => [name, this.limits(name, step)]));
    /** @type {Display["reference"]} */
    const reference = (run, shown) => {
      const other = this.runs[this.against.run ?? run.index] ?? run;
      // A run that ends early is compared at the step that others show, not at its own last.
      const at = other.at(this.against.step ?? (other === run ? shown : step));
      return { key: `${other.index}:${at}`, labels: other.labels(at) };
    };
    return { opacity, isolated, outline, limits, threshold, reference };
  }

  /** Return the maps that some record holds. */
  get recordMaps() {
    const names = /** @type {ColourMapName[]} */ (Object.keys(this.head.maps));
    return names.filter((name) => name !== "probability");
  }

  /**
   * Return the facts of a map that some run has.
   * @param {ColourMapName} name
   */
  map(name) {
    const info = this.head.maps[name];
    if (!info) throw new Error(`no run has the map ${name}`);
    return info;
  }

  /** @param {number} id */
  name(id) {
    return id === this.head.ignore.id ? "ignored" : (this.head.names[id] ?? `class ${id}`);
  }

  /**
   * @param {number} id
   * @returns {Colour}
   */
  colour(id) {
    if (id === this.head.ignore.id) return this.head.ignore.colour;
    const [red, green, blue] = this.palette.slice(3 * id, 3 * id + 3);
    return [red, green, blue];
  }

  /**
   * Pin a pixel with a colour and a number that are free; returns whether there was one.
   * @param {number} x
   * @param {number} y
   */
  pin(x, y) {
    const slots = [...Array(this.head.maxPins).keys()];
    const slot = slots.find((number) => this.pins.every((pin) => pin.slot !== number));
    if (slot === undefined) return false;
    this.pins = [...this.pins, { x, y, slot, colour: PIN_COLOURS[slot % PIN_COLOURS.length] }];
    return true;
  }

  /** @param {number} slot */
  unpin(slot) {
    this.pins = this.pins.filter((pin) => pin.slot !== slot);
  }

  /**
   * Return the steps that are drawn with a step: itself, and those that it is compared with.
   * @param {number} step
   */
  stepsWith(step) {
    const first = this.draws("outcomes") || this.visiblePanels.some(({ changes }) => !changes);
    const reference = this.draws("difference") ? [this.against.step ?? step] : [];
    const sides = this.wipe?.sides.map(([, , at]) => at ?? step) ?? [];
    return [...new Set([step, ...(first ? [0] : []), ...reference, ...sides])];
  }

  /**
   * Return whether all that the panels need of a step is decoded.
   * @param {number} step
   */
  ready(step) {
    const steps = this.stepsWith(step);
    return this.opened && this.runs.every((run) => steps.every((needed) => run.labels(needed)));
  }

  /** @param {number} step */
  fetch(step) {
    const steps = [0, ...this.stepsWith(step)];
    return Promise.all(this.runs.flatMap((run) => steps.map((needed) => run.maps.load(run.at(needed)))));
  }

  /** @returns {ViewState} */
  state() {
    const { wipe, against, zoom, head } = this;
    const part = (/** @type {number} */ value) => Math.floor(1000 * value) / 1000;
    const percent = (/** @type {number} */ value, /** @type {number} */ usual) =>
      value === usual ? null : Math.round(100 * value);
    return {
      step: this.step === this.last ? null : this.step,
      pins: this.pins.map(({ x, y }) => [x, y]),
      panels: this.chosenPanels,
      solo: this.solo,
      overlay: percent(this.opacity, head.opacity),
      zoom: zoom.k > 1.005 ? [Math.round(100 * zoom.k) / 100, part(zoom.u), part(zoom.v)] : null,
      isolated: this.isolated,
      threshold: percent(this.threshold, head.threshold),
      against: against.run === FIRST.run && against.step === FIRST.step ? null : [against.run, against.step],
      wipe: wipe?.sides.length ? [Math.round(100 * wipe.at), wipe.sides[0], wipe.sides[1]] : null,
      cell: this.cell,
    };
  }

  /** @param {Partial<ViewState>} state */
  restore({ step = null, pins = [], panels = [], solo, overlay, zoom, isolated, threshold, against, wipe, cell }) {
    const { head } = this;
    this.following = step === null;
    this.step = step === null ? this.last : Math.min(step, this.last);
    for (const [x, y] of pins) this.pin(x, y);
    this.chosenPanels = [...panels];
    this.solo = solo ?? null;
    this.opacity = typeof overlay === "number" ? overlay / 100 : head.opacity;
    this.zoom = zoom ? { k: zoom[0], u: Math.min(zoom[1], 1 - 1 / zoom[0]), v: Math.min(zoom[2], 1 - 1 / zoom[0]) } : WHOLE;
    this.isolated = isolated ?? null;
    this.threshold = typeof threshold === "number" ? threshold / 100 : head.threshold;
    this.against = against ? { run: against[0], step: against[1] } : FIRST;
    this.wipe = wipe ? { at: wipe[0] / 100, sides: [wipe[1], wipe[2]] } : null;
    this.cell = cell ?? null;
  }
}

/** @param {string} key */
function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // a page without an origin has no storage
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice lasts as long as the page.
  }
}

export { Model, runColour, store, stored, WHOLE };
