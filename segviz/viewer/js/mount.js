// A viewer in an element: parts, clock, and the loop that draws what has changed.

import { Legend, Look, Transport } from "./controls.js";
import { make, say } from "./dom.js";
import { Inspector } from "./inspector.js";
import { listenKeys } from "./keys.js";
import { Model } from "./model.js";
import { Numbers } from "./numbers.js";
import { Pins } from "./pins.js";
import { watchScroll } from "./pointer.js";
import { Stage } from "./stage.js";

const PACE = 5; // steps a second at speed 1
const QUIET = 350; // milliseconds without a change after which the view is reported

// Mounts a viewer and returns {update, destroy}. `head` and `frames` are a payload's; options:
// view {step, pins, panels}, live (the runs still grow), report(view) (called when it has changed).
function mount(parent, head, frames, options = {}) {
  const root = make("div", { class: "segviz" });
  parent.append(root);
  return new Viewer(root, head, frames, options);
}

class Viewer {
  constructor(root, head, frames, options) {
    this.root = root;
    this.options = options;
    const model = (this.model = new Model(head, frames));
    model.show(options.view ?? {});
    this.transport = new Transport(model, this);
    this.look = new Look(model, this);
    this.stage = new Stage(model, this);
    this.legend = new Legend(model, this);
    this.inspector = new Inspector(model);
    this.pins = new Pins(model, this);
    this.numbers = new Numbers(model, this);
    this.note = make("div", { class: "note", role: "status" });
    const parts = [this.transport, this.look, this.stage, this.legend, this.inspector, this.pins, this.numbers];
    root.append(...parts.map((part) => part.node), this.note);
    this.reported = JSON.stringify(model.view());
    const sizes = new ResizeObserver(() => this.touch());
    sizes.observe(root);
    this.undo = [() => sizes.disconnect(), watchScroll(root), listenKeys(root, model, this)];
    root.segviz = handle(this);
    this.loaded = false;
    this.load();
  }

  // Decode the step shown first, then the others, then the probabilities.
  async load() {
    const { model } = this;
    const { head } = model;
    this.loaded = false;
    const current = () => model.head === head && !this.gone;
    try {
      await model.opening;
      await model.fetch(model.step);
      this.touch();
      for (const kind of ["maps", "probabilities"]) {
        for (let step = 0; step <= model.last; step += head.keyEvery) {
          for (const run of model.runs) {
            if (!current()) return;
            if (step <= run.last && (step === 0 || !model.shelf.full())) await run[kind].want(step);
          }
        }
        this.touch();
      }
      if (current()) this.loaded = true;
    } catch (error) {
      console.error(error);
      this.hint("The pictures could not be read; load the page again.", Infinity);
    }
  }

  // Draw soon: any number of changes, one drawing.
  touch() {
    this.frame ??= requestAnimationFrame((time) => {
      this.frame = null;
      if (!this.gone) this.draw(time);
    });
  }

  draw(time) {
    const { model } = this;
    this.tick(time);
    if (model.ready(model.step)) model.shown = model.step;
    else if (!model.opening) model.fetch(model.step).then(() => this.touch());
    const step = model.shown;
    this.transport.update(step ?? model.step);
    this.look.update();
    this.legend.update();
    if (step === null || !model.ready(step)) this.stage.mark(model.step);
    else {
      this.stage.update(step);
      this.inspector.update(step);
      this.pins.update(step);
      if (model.cursor) this.probabilities(step);
    }
    this.numbers.update(step ?? model.step);
    if (model.playing) this.touch();
  }

  // What the inspector reads may have been given up for want of room.
  probabilities(step) {
    for (const run of this.model.runs) {
      const at = run.at(step);
      if (this.loaded && !run.probabilities.get(at)) run.probabilities.want(at).then(() => this.touch());
    }
  }

  tick(time) {
    const { model } = this;
    if (!model.playing) return;
    const wait = 1000 / (PACE * model.speed);
    if (model.shown !== model.step) this.moved = time; // wait for the pictures
    if (time - this.moved < wait) return;
    // Late frames do not hurry the ones to come.
    this.moved = time - this.moved < 2 * wait ? this.moved + wait : time;
    if (model.step < model.last) model.step += 1;
    else if (model.loop) model.step = 0;
    else if (!this.options.live) this.play(false); // else wait for the next
  }

  play(on) {
    const { model } = this;
    if (on && model.step === model.last && !this.options.live) model.step = 0;
    model.playing = on;
    model.following = !on && model.step === model.last;
    this.moved = performance.now();
    this.touch();
    if (!on) this.changed();
  }

  // Show a step; `done` when the reader has let go.
  go(step, done) {
    const { model } = this;
    model.step = Math.min(Math.max(step, 0), model.last);
    model.playing = false;
    model.following = model.step === model.last;
    this.touch();
    if (done) this.changed();
  }

  // Report the view once it rests.
  changed() {
    this.touch();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { model } = this;
      if (model.playing || this.gone) return;
      const view = model.view();
      const text = JSON.stringify(view);
      if (text === this.reported) return;
      this.reported = text;
      this.options.report?.(view);
    }, QUIET);
  }

  hint(text, seconds = 4) {
    say(this.note, text);
    clearTimeout(this.fading);
    if (Number.isFinite(seconds)) this.fading = setTimeout(() => say(this.note, ""), 1000 * seconds);
  }

  // Other frames of the same runs, or other runs; what the reader chose stays.
  update(head, frames, options) {
    this.options = { ...this.options, ...options };
    const { model } = this;
    if (head.id !== undefined && head.id === model.head.id) return;
    model.load(head, frames);
    model.shown = model.shown === null ? null : Math.min(model.shown, model.last);
    this.load();
    this.touch();
  }

  destroy() {
    this.gone = true;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
    clearTimeout(this.fading);
    for (const undo of this.undo) undo();
    this.root.remove();
  }
}

// What tests and benchmarks may read.
function handle(viewer) {
  const { model, stage } = viewer;
  return {
    get step() {
      return model.shown;
    },
    get steps() {
      return model.last + 1;
    },
    get settled() {
      return model.shown === model.step && viewer.frame === null && !model.playing;
    },
    get loaded() {
      return viewer.loaded;
    },
    get view() {
      return model.view();
    },
    get zoom() {
      return { ...model.zoom };
    },
    panels: () => [...stage.frames.keys()],
    pixel(panel, x, y) {
      const [layer] = stage.frames.get(panel).layers;
      return [...layer.context.getImageData(x, y, 1, 1).data.slice(0, 3)];
    },
    pixels(panel) {
      const [layer] = stage.frames.get(panel).layers;
      return layer.context.getImageData(0, 0, layer.canvas.width, layer.canvas.height).data;
    },
  };
}

export { mount };
