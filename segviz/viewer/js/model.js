// @ts-check
// The runs, the state that the reader changes, and what follows from both.

import { Cache } from "./cache.js";
import { BUDGET, Run } from "./decode.js";
import { Painter } from "./paint.js";

/** @import { Colour, Display, Head, MapName, PanelInfo, Pin, Pixel, ViewState, Zoom } from "./types" */

const SAFE = "segviz safe colours"; // the key of the browser's storage

const RUN_COLOURS = ["#3d8fd6", "#e8833a", "#2fa36b", "#b86bd3", "#d64a6a", "#9a8c2c", "#35aebd", "#8a8f98"];
const PIN_COLOURS = ["#ff5c7a", "#ffd166", "#2ee6a8", "#58c9ff", "#f9a1ff"];

/** @type {Zoom} */
const WHOLE = { k: 1, u: 0, v: 0 };

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
    /** @type {{ at: number, sides: string[] } | null} Where the divider stands, and "panel:run" of both sides. */
    this.wipe = null;
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
    this.decoded = new Cache(BUDGET, 2);
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

  get visiblePanels() {
    const names = this.chosenPanels.length ? this.chosenPanels : this.head.defaultPanels;
    return this.head.panels.filter(({ id }) => names.includes(id));
  }

  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   */
  has(run, panel) {
    return (!panel.needsTruth || run.info.truth !== null) && (!panel.map || panel.map in run.info.maps);
  }

  /**
   * Return the range of a map's colours: over all steps and runs, or of the step shown.
   * @param {MapName} name
   * @param {number} step
   * @returns {[number, number]}
   */
  limits(name, step) {
    const whole = this.head.maps[name]?.limits ?? [0, 1];
    if (!this.rangePerStep) return whole;
    const tops = this.runs.map((run) => run.info.maps[name]?.tops[run.at(step)] ?? whole[0]);
    return [whole[0], Math.max(...tops)];
  }

  /**
   * @param {number} step
   * @returns {Display}
   */
  display(step) {
    const { isolated, outline } = this;
    const names = /** @type {MapName[]} */ (Object.keys(this.head.maps));
    const limits = Object.fromEntries(names.map((name) => [name, this.limits(name, step)]));
    return { opacity: this.opacity, isolated, outline, limits };
  }

  /**
   * Return the facts of a map that some run has.
   * @param {MapName} name
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
   * Return whether all that the panels need of a step is decoded.
   * @param {number} step
   */
  ready(step) {
    const first = this.visiblePanels.some(({ draws, changes }) => draws === "outcomes" || !changes);
    const steps = first ? [step, 0] : [step];
    return this.opened && this.runs.every((run) => steps.every((needed) => run.labels(needed)));
  }

  /** @param {number} step */
  fetch(step) {
    return Promise.all(this.runs.flatMap((run) => [run.maps.load(run.at(step)), run.maps.load(0)]));
  }

  /** @returns {ViewState} */
  state() {
    return {
      step: this.step === this.last ? null : this.step,
      pins: this.pins.map(({ x, y }) => [x, y]),
      panels: this.chosenPanels,
    };
  }

  /** @param {Partial<ViewState>} state */
  restore({ step = null, pins = [], panels = [] }) {
    this.following = step === null;
    this.step = step === null ? this.last : Math.min(step, this.last);
    for (const [x, y] of pins) this.pin(x, y);
    this.chosenPanels = [...panels];
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
