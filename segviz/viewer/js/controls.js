// @ts-check
// The controls: playback with the step slider, how panels are drawn, and the legend.

import { button, chip, html, icon, setAttribute, setPressed, setText, toggle } from "./dom.js";
import { css } from "./format.js";
import { WHOLE } from "./model.js";
import { ReferenceControl, ThresholdControl } from "./panel_controls.js";

/** @import { Model } from "./model.js" */
/** @import { Viewer } from "./viewer.js" */

const SPEEDS = [0.5, 1, 2, 4];

class PlaybackControls {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    /** @type {(label: string, image: string, key: string, step: () => number) => HTMLButtonElement} */
    const move = (label, image, key, step) => {
      return button(`${label} (${key})`, { image, onclick: () => viewer.goTo(step(), true) });
    };
    this.play = button("Play", { class: "play", onclick: () => viewer.play(!model.playing) });
    const scrubber = html("input", { type: "range", class: "scrubber", min: 0, step: 1, "aria-label": "Step" });
    scrubber.oninput = () => viewer.goTo(scrubber.valueAsNumber, false);
    scrubber.onchange = () => viewer.goTo(scrubber.valueAsNumber, true);
    this.scrubber = scrubber;
    this.label = html("output", { class: "step" });
    const options = SPEEDS.map((speed) => html("option", { value: speed, selected: speed === 1 }, `${speed}×`));
    const speed = html("select", { "aria-label": "Speed", title: "Speed" }, ...options);
    speed.onchange = () => (model.speed = Number(speed.value));
    const flip = () => {
      model.loop = !model.loop;
      viewer.requestDraw();
    };
    this.loop = toggle("Loop", { image: "loop", onclick: flip });
    const full = button("Full screen (F)", { image: "full", onclick: () => viewer.toggleFullScreen() });
    this.node = html(
      "div",
      { class: "playback", role: "group", "aria-label": "Playback" },
      move("First step", "first", "Home", () => 0),
      move("Previous step", "previous", "Left", () => model.step - 1),
      this.play,
      move("Next step", "next", "Right", () => model.step + 1),
      move("Last step", "last", "End", () => model.last),
      scrubber,
      this.label,
      speed,
      this.loop,
      full,
    );
    /** @type {boolean | null} */
    this.playing = null;
  }

  /** @param {number} step */
  update(step) {
    const { model, scrubber } = this;
    setAttribute(scrubber, "max", model.last);
    if (scrubber.valueAsNumber !== model.step) scrubber.value = String(model.step);
    const text = `step ${step} of ${model.last}`;
    setAttribute(scrubber, "aria-valuetext", text);
    setText(this.label, text);
    setPressed(this.loop, model.loop);
    if (this.playing === model.playing) return;
    this.playing = model.playing;
    const name = model.playing ? "Pause" : "Play";
    this.play.replaceChildren(icon(name.toLowerCase()), name);
    this.play.title = `${name} (Space)`;
    setAttribute(this.play, "aria-label", name);
  }
}

class DisplayControls {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.panels = html("div", { class: "set", role: "group", "aria-label": "Panels" });
    const opacity = html("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": "Opacity of the overlay" });
    opacity.oninput = () => {
      model.opacity = opacity.valueAsNumber / 100;
      viewer.requestDraw();
    };
    opacity.onchange = () => viewer.stateChanged();
    this.opacity = opacity;
    /** @type {(text: string, help: string, change: () => void) => HTMLButtonElement} */
    const switchOf = (text, help, change) => {
      const onclick = () => {
        change();
        viewer.stateChanged();
      };
      return toggle(help, { text, onclick });
    };
    this.allSteps = switchOf("All steps", "One colour range for all steps and runs", () => {
      model.rangePerStep = false;
    });
    this.thisStep = switchOf("This step", "The colour range of the step shown", () => {
      model.rangePerStep = true;
    });
    this.outline = switchOf("Outline S", "Outline S, the pixels that entropy is minimised on", () => {
      model.outline = !model.outline;
    });
    this.wipe = switchOf("Wipe", "Compare two panels with a divider", () => {
      model.wipe = model.wipe ? null : { at: 0.5, sides: [] };
    });
    const fit = () => {
      model.zoom = WHOLE;
      viewer.stateChanged();
    };
    this.fit = button("Show the whole photo", { image: "fit", onclick: fit });
    this.times = html("span", { class: "muted times" });
    this.overlay = html("label", { class: "set" }, html("span", { class: "muted" }, "Overlay"), opacity);
    const range = html("div", { class: "set", role: "group", "aria-label": "Colour range" });
    range.append(html("span", { class: "muted" }, "Range"), html("span", { class: "joined" }, this.allSteps, this.thisStep));
    const zoom = html("div", { class: "set" }, this.fit, this.times);
    this.safe = switchOf("Safe colours", "Class colours for all kinds of colour vision", () => {
      model.useSafeColours(!model.safe);
    });
    const tour = button("Take the tour", { text: "Tour", onclick: () => viewer.tour.start() });
    this.threshold = new ThresholdControl(model, viewer);
    this.reference = new ReferenceControl(model, viewer);
    const own = [this.threshold.node, this.reference.node];
    const general = [range, this.outline, this.wipe, this.safe, zoom];
    this.node = html("div", { class: "display" }, this.panels, this.overlay, ...own, ...general);
    const copy = () => {
      const done = navigator.clipboard?.writeText(location.href) ?? Promise.reject(new Error("no clipboard"));
      done.then(
        () => viewer.notify("The link of this view is on the clipboard."),
        () => viewer.notify("This browser gives no access to the clipboard; copy the address instead."),
      );
    };
    const link = button("Copy the address of this view", { text: "Copy link", onclick: copy });
    link.hidden = !viewer.options.report; // a report has no address
    this.node.append(link, tour);
  }

  update() {
    const { model } = this;
    const plan = JSON.stringify(model.head.panels);
    if (plan !== this.built) {
      this.built = plan;
      this.buttons = model.head.panels.map(({ id, title, help }) => {
        return toggle(help, { text: title, "data-panel": id, onclick: () => this.choose(id) });
      });
      this.panels.replaceChildren(...this.buttons);
    }
    const visible = model.visiblePanels;
    for (const node of this.buttons) setPressed(node, model.panels.some(({ id }) => id === node.dataset.panel));
    this.threshold.update();
    this.reference.update();
    this.overlay.hidden = !visible.some(({ draws }) => draws === "overlay");
    this.outline.hidden = !visible.some(({ map }) => map === "entropy");
    const opacity = Math.round(100 * model.opacity);
    if (this.opacity.valueAsNumber !== opacity) this.opacity.value = String(opacity);
    setPressed(this.allSteps, !model.rangePerStep);
    setPressed(this.thisStep, model.rangePerStep);
    setPressed(this.outline, model.outline);
    setPressed(this.wipe, model.wipe !== null);
    setPressed(this.safe, model.safe);
    this.fit.disabled = model.zoom.k === 1;
    setText(this.times, `${model.zoom.k.toFixed(1)}×`);
  }

  /**
   * Add a panel, or take it away.
   * @param {string} panel
   */
  choose(panel) {
    const { model, viewer } = this;
    const visible = model.panels.map(({ id }) => id);
    const ids = model.head.panels.map(({ id }) => id);
    const next = ids.filter((id) => (id === panel) !== visible.includes(id));
    if (!next.length) {
      viewer.notify("At least one panel stays.");
      return;
    }
    model.chosenPanels = next;
    model.solo = null;
    viewer.stateChanged();
  }
}

// The classes of predictions and truth; a click shows one alone, another all of them again. Beside
// them, what the colours of the right-wrong map mean.
class Legend {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.classes = html("div", { class: "set", role: "group", "aria-label": "Classes: choose one to see it alone" });
    this.outcomes = html("div", { class: "outcomes" });
    this.node = html("div", { class: "legend" }, this.classes, this.outcomes);
  }

  /**
   * Return about how many CSS pixels it is high, with the gap to the panels, at a width.
   * @param {number} width
   */
  height(width) {
    const { classes } = this.model.head;
    const length = classes.reduce((sum, { name }) => sum + 44 + 7 * name.length, 0);
    const outcomes = this.model.visiblePanels.some(({ draws }) => draws === "outcomes");
    return 10 + 29 * Math.ceil(length / width) + (outcomes ? 24 : 0);
  }

  update() {
    const { model, viewer } = this;
    const plan = JSON.stringify([model.head.classes, model.safe]);
    if (plan !== this.built) {
      this.built = plan;
      this.buttons = model.head.classes.map(({ id, name }) => {
        const onclick = () => {
          model.isolated = model.isolated === id ? null : id;
          viewer.stateChanged();
        };
        const node = toggle(`Show ${name} alone`, { text: name, "data-class": id, onclick });
        node.prepend(html("i", { style: `background:${css(model.colour(id))}` }));
        return node;
      });
      this.classes.replaceChildren(...this.buttons);
      this.outcomes.replaceChildren(...model.head.outcomes.map(({ name, colour }) => chip(colour, name)));
    }
    this.outcomes.hidden = !model.visiblePanels.some(({ draws }) => draws === "outcomes");
    this.node.classList.toggle("isolating", model.isolated !== null);
    for (const node of this.buttons) setPressed(node, Number(node.dataset.class) === model.isolated);
  }
}

export { DisplayControls, Legend, PlaybackControls };
