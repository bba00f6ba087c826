// @ts-check
// A viewer in an element: its parts, its clock, and the loop that draws what has changed.

import { ConfusionMatrix } from "./confusion.js";
import { DisplayControls, Legend, PlaybackControls } from "./controls.js";
import { html, setAttribute, setText } from "./dom.js";
import { PanelGrid } from "./grid.js";
import { Inspector } from "./inspector.js";
import { listenKeys } from "./keys.js";
import { Model } from "./model.js";
import { Numbers } from "./numbers.js";
import { Pins } from "./pins.js";
import { watchScroll } from "./pointer.js";
import { Tooltip } from "./tooltip.js";
import { Tour } from "./tour.js";

/** @import { Head, Options } from "./types" */

const PACE = 5; // steps a second at speed 1
const REST = 350; // milliseconds without a change after which the state is reported
const NOTICE = 4000; // milliseconds for which a notice stays
const FULL = 0.7; // of the cache: beyond that, steps are decoded when they are shown

/**
 * Draw a viewer in an element.
 * @param {Element} parent
 * @param {Head} head
 * @param {Uint8Array} frames
 * @param {Options} [options]
 */
function mount(parent, head, frames, options = {}) {
  const root = html("div", { class: "segviz" });
  parent.append(root);
  return new Viewer(root, head, frames, options);
}

class Viewer {
  /**
   * @param {HTMLElement} root
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Options} options
   */
  constructor(root, head, frames, options) {
    this.root = root;
    this.options = options;
    const model = (this.model = new Model(head, frames));
    model.restore(options.view ?? {});
    this.playback = new PlaybackControls(model, this);
    this.display = new DisplayControls(model, this);
    this.grid = new PanelGrid(model, this);
    this.legend = new Legend(model, this);
    this.inspector = new Inspector(model);
    this.pins = new Pins(model, this);
    this.numbers = new Numbers(model, this);
    this.confusion = new ConfusionMatrix(model, this);
    this.notice = html("div", { class: "notice", role: "status" });
    this.tooltip = new Tooltip(model, root);
    this.tour = new Tour(this);
    this.body = html("div", { class: "body" }, this.grid.node, this.legend.node, this.numbers.node);
    const above = [this.playback.node, this.display.node];
    const below = [this.inspector.node, this.pins.node, this.confusion.node];
    root.append(...above, this.body, ...below, this.notice, this.tooltip.node);
    this.reported = JSON.stringify(model.state());
    const sizes = new ResizeObserver(() => this.requestDraw());
    sizes.observe(root);
    const onResize = () => this.requestDraw();
    window.addEventListener("resize", onResize);
    const onFullScreen = () => {
      root.classList.toggle("full", root.matches(":fullscreen"));
      this.requestDraw();
    };
    root.addEventListener("fullscreenchange", onFullScreen);
    this.cleanups = [
      () => sizes.disconnect(),
      () => window.removeEventListener("resize", onResize),
      watchScroll(),
      listenKeys(root, model, this),
    ];
    this.destroyed = false;
    this.loading = false;
    /** @type {number | null} The animation frame asked for. */
    this.pending = null;
    this.moved = 0; // when the step last changed while playing
    this.resting = 0;
    this.fading = 0;
    this.load();
  }

  // Decode the step shown first, then the other steps, then the probabilities.
  async load() {
    const { model } = this;
    const { head } = model;
    const current = () => model.head === head && !this.destroyed;
    this.loading = true;
    this.requestDraw();
    try {
      await model.opening;
      await model.fetch(model.step);
      this.requestDraw();
      for (const kind of /** @type {const} */ (["maps", "probabilities"])) {
        for (let step = 0; step <= model.last; step += head.keyEvery) {
          for (const run of model.runs) {
            if (!current()) return;
            const fits = model.decoded.size <= FULL * model.decoded.budget;
            if (step <= run.last && (step === 0 || fits)) await run[kind].load(step);
          }
        }
        this.requestDraw();
      }
    } catch (error) {
      console.error(error);
      this.notify("The pictures could not be read; load the page again.", Infinity);
    }
    if (!current()) return;
    this.loading = false;
    this.requestDraw();
    if (this.options.tour && !this.options.growing) requestAnimationFrame(() => this.tour.offer());
  }

  /**
   * Return the space for panels in CSS pixels: the width, and the height to the end of the window
   * before the page is scrolled.
   */
  space() {
    let scrolled = 0;
    const full = this.root.classList.contains("full");
    for (let node = full ? null : parentOf(this.root); node; node = parentOf(node)) scrolled += node.scrollTop;
    const top = this.body.getBoundingClientRect().top + scrolled;
    return { width: this.body.clientWidth || 900, height: window.innerHeight - top };
  }

  // Show the pictures alone on the whole screen, or no longer.
  toggleFullScreen() {
    const { root } = this;
    const done = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    done.catch(() => this.notify("This browser allows no full screen here."));
  }

  // Draw soon: any number of changes, one drawing.
  requestDraw() {
    if (this.destroyed) return;
    setAttribute(this.root, "aria-busy", "true");
    this.pending ??= requestAnimationFrame((time) => {
      this.pending = null;
      this.draw(time);
    });
  }

  /** @param {number} time */
  draw(time) {
    const { model } = this;
    this.tick(time);
    if (model.ready(model.step)) model.drawnStep = model.step;
    else if (model.opened) model.fetch(model.step).then(() => this.requestDraw());
    const step = model.drawnStep ?? model.step;
    this.playback.update(step);
    this.display.update();
    this.legend.update();
    if (model.drawnStep === null || !model.ready(step)) this.grid.mark(model.step);
    else {
      this.grid.update(step);
      this.inspector.update(step);
      this.tooltip.update(step);
      this.pins.update(step);
      this.confusion.update(step);
      const shown = model.draws("probability", "confident");
      if (shown || (model.cursor && !this.loading)) this.loadProbabilities(step);
    }
    this.numbers.update(step);
    setAttribute(this.root, "aria-busy", String(this.loading || model.drawnStep !== model.step));
    if (model.playing) this.requestDraw();
  }

  /**
   * Decode the probabilities that panels and the inspector read, unless they are decoded.
   * @param {number} step
   */
  loadProbabilities(step) {
    for (const run of this.model.runs) {
      for (const at of new Set(this.model.stepsWith(step).map((needed) => run.at(needed)))) {
        if (!run.probabilities.get(at)) run.probabilities.load(at).then(() => this.requestDraw());
      }
    }
  }

  /** @param {number} time */
  tick(time) {
    const { model } = this;
    if (!model.playing) return;
    const wait = 1000 / (PACE * model.speed);
    if (model.drawnStep !== model.step) this.moved = time; // wait for the pictures
    if (time - this.moved < wait) return;
    // Late frames do not hurry the ones to come.
    this.moved = time - this.moved < 2 * wait ? this.moved + wait : time;
    if (model.step < model.last) model.step += 1;
    else if (model.loop) model.step = 0;
    else if (!this.options.growing) this.play(false); // else wait for the next step
  }

  /** @param {boolean} on */
  play(on) {
    const { model } = this;
    if (on && model.step === model.last && !this.options.growing) model.step = 0;
    model.playing = on;
    model.following = !on && model.step === model.last;
    this.moved = performance.now();
    this.requestDraw();
    if (!on) this.stateChanged();
  }

  /**
   * Show a step.
   * @param {number} step
   * @param {boolean} done Whether the reader has let go of it.
   */
  goTo(step, done) {
    const { model } = this;
    model.step = Math.min(Math.max(step, 0), model.last);
    model.playing = false;
    model.following = model.step === model.last;
    this.requestDraw();
    if (done) this.stateChanged();
  }

  // Draw, and report the state once it rests.
  stateChanged() {
    this.requestDraw();
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => {
      const { model } = this;
      if (model.playing || this.destroyed) return;
      const state = model.state();
      const text = JSON.stringify(state);
      if (text === this.reported) return;
      this.reported = text;
      this.options.report?.(state);
    }, REST);
  }

  /**
   * Show a notice over the panels.
   * @param {string} text
   * @param {number} [milliseconds]
   */
  notify(text, milliseconds = NOTICE) {
    setText(this.notice, text);
    clearTimeout(this.fading);
    if (!Number.isFinite(milliseconds)) return;
    this.fading = window.setTimeout(() => setText(this.notice, ""), milliseconds);
  }

  /**
   * Take another message; what the reader chose stays.
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Options} options
   */
  update(head, frames, options) {
    this.options = { ...this.options, ...options };
    const { model } = this;
    if (head.id !== undefined && head.id === model.head.id) return;
    model.load(head, frames);
    this.load();
  }

  destroy() {
    this.destroyed = true;
    if (this.pending !== null) cancelAnimationFrame(this.pending);
    clearTimeout(this.resting);
    clearTimeout(this.fading);
    this.tour.destroy();
    for (const cleanup of this.cleanups) cleanup();
    this.root.remove();
  }
}

/**
 * Return the element around an element, out of shadow trees, too.
 * @param {Element} node
 * @returns {Element | null}
 */
function parentOf(node) {
  const root = node.getRootNode();
  return node.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

export { mount, Viewer };
