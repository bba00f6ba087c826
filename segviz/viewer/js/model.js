// What a viewer shows: the runs, the state that controls change, and what follows from both.

import { Run, Shelf } from "./decode.js";
import { Painter } from "./paint.js";

const RUN_COLOURS = ["#3d8fd6", "#e8833a", "#2fa36b", "#b86bd3", "#d64a6a", "#9a8c2c", "#35aebd", "#8a8f98"];
const PIN_COLOURS = ["#ff5c7a", "#ffd166", "#2ee6a8", "#58c9ff", "#f9a1ff"];
const PINS = 5;

const TITLES = {
  photo: "Photo",
  feedforward: "Prediction, step 0",
  prediction: "Prediction",
  entropy: "Entropy",
  "receptive-field": "Receptive field",
  truth: "Truth",
  "right-wrong": "Right and wrong",
};
const SHARED = new Set(["photo", "truth"]); // one for all runs
const JUDGED = new Set(["truth", "right-wrong"]);
const ALONE = ["photo", "prediction", "entropy", "receptive-field", "truth", "right-wrong"];
const TOGETHER = ["photo", "prediction", "entropy", "truth"];

const colourOf = (run) => RUN_COLOURS[run % RUN_COLOURS.length];

class Model {
  constructor(head, frames) {
    this.shown = null; // the step of the pictures on the screen
    this.cursor = null; // {x, y}: the photo pixel pointed at
    this.pointed = 0; // the run whose panel is pointed at
    this.playing = false;
    this.following = true;
    Object.assign(this, { step: 0, speed: 1, loop: false, opacity: 0.6, isolated: null });
    Object.assign(this, { perStep: false, outline: false, wipe: null, pins: [], asked: [] });
    this.zoom = { k: 1, u: 0, v: 0 };
    this.load(head, frames);
  }

  // Take other frames: those of a run that has grown, or of other runs.
  load(head, frames) {
    this.head = head;
    const shelf = new Shelf();
    this.runs = head.runs.map((facts, index) => Object.assign(new Run(facts, head, frames, shelf), { index }));
    this.shelf = shelf;
    this.last = Math.max(...this.runs.map((run) => run.last));
    this.step = this.following ? this.last : Math.min(this.step, this.last);
    this.classes = new Map(head.classes.map((one) => [one.id, one]));
    this.pins = this.pins.filter(({ x, y }) => x < head.width && y < head.height);
    this.judged = this.runs.some((run) => run.facts.truth);
    this.painter = new Painter(head);
    const shared = new Map();
    const opening = Promise.all(this.runs.map((run) => run.open(shared)));
    this.opening = opening.then(() => {
      this.opening = this.head === head ? null : this.opening;
    });
  }

  get many() {
    return this.runs.length > 1;
  }

  // The panels there is data for, in their order.
  get panels() {
    return Object.keys(TITLES).filter((name) => this.judged || !JUDGED.has(name));
  }

  // The panels shown.
  get chosen() {
    const wanted = this.asked.length ? this.asked : this.many ? TOGETHER : ALONE;
    return this.panels.filter((name) => wanted.includes(name));
  }

  has(run, panel) {
    return !JUDGED.has(panel) || Boolean(run.facts.truth);
  }

  title(panel) {
    return panel === "photo" && !this.many ? "Photo and prediction" : TITLES[panel];
  }

  // The range of colours of a map: over all steps and runs, or of the step shown.
  limits(name, step) {
    const whole = this.head.maps[name].limits;
    if (!this.perStep) return whole;
    return [whole[0], Math.max(...this.runs.map((run) => run.facts[name].tops[run.at(step)]))];
  }

  look(step, panel) {
    const { opacity, isolated, outline } = this;
    const limits = { entropy: this.limits("entropy", step), sigma: this.limits("sigma", step) };
    return { opacity: this.many && panel === "photo" ? 0 : opacity, isolated, outline, limits };
  }

  number(run, key, step) {
    return this.runs[run].facts.numbers[key][this.runs[run].at(step)];
  }

  name(id) {
    return id === this.head.ignore.id ? "ignored" : this.head.names[id] ?? `class ${id}`;
  }

  colour(id) {
    return id === this.head.ignore.id ? this.head.ignore.colour : this.head.palette.slice(3 * id, 3 * id + 3);
  }

  // Pin a pixel with a colour and a number that are free; false if there is none.
  pin(x, y) {
    const slot = [...Array(PINS).keys()].find((i) => this.pins.every((pin) => pin.slot !== i));
    if (slot === undefined) return false;
    this.pins = [...this.pins, { x, y, slot, colour: PIN_COLOURS[slot] }];
    return true;
  }

  unpin(slot) {
    this.pins = this.pins.filter((pin) => pin.slot !== slot);
  }

  // The maps of a step, of all runs; false while some are still being decoded.
  ready(step) {
    const needed = this.chosen.includes("right-wrong") || this.chosen.includes("feedforward");
    const steps = needed ? [step, 0] : [step];
    return !this.opening && this.runs.every((run) => steps.every((one) => run.labels(one)));
  }

  fetch(step) {
    return Promise.all(this.runs.flatMap((run) => [run.maps.want(run.at(step)), run.maps.want(0)]));
  }

  // What an address can hold.
  view() {
    return {
      step: this.step === this.last ? null : this.step,
      pins: this.pins.map(({ x, y }) => [x, y]),
      panels: this.asked,
    };
  }

  show({ step = null, pins = [], panels = [] }) {
    this.following = step === null;
    this.step = step === null ? this.last : Math.min(step, this.last);
    for (const [x, y] of pins) this.pin(x, y);
    this.asked = [...panels];
  }
}

export { colourOf, Model, PINS };
