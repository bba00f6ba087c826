// @ts-check
// The wipe: two panels in one frame, one left and one right of a divider that can be dragged.

import { html, setAttribute } from "./dom.js";
import { Frame } from "./frame.js";
import { listen } from "./pointer.js";

/** @import { Source } from "./frame.js" */
/** @import { Model } from "./model.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { Side } from "./types" */
/** @typedef {Source & { id: string, title: string }} Choice */

class Wipe {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    /** @type {Frame | null} */
    this.frame = null;
    this.built = "";
    this.selects = ["left", "right"].map((side, i) => {
      const select = html("select", { "aria-label": `Panel on the ${side}` });
      select.onchange = () => {
        const choice = this.choices().find(({ id }) => id === select.value);
        if (model.wipe && choice) model.wipe.sides[i] = [choice.panel.id, choice.run.index, this.step(i)];
        viewer.stateChanged();
      };
      return select;
    });
    this.steps = ["left", "right"].map((side, i) => {
      const title = "A step of its own; empty: the step shown";
      const input = html("input", { type: "number", min: 0, placeholder: "shown", title, "aria-label": `Step on the ${side}` });
      input.onchange = () => {
        if (model.wipe) model.wipe.sides[i] = [model.wipe.sides[i][0], model.wipe.sides[i][1], this.step(i)];
        viewer.stateChanged();
      };
      return input;
    });
    this.divider = this.makeDivider();
    this.place = html("div", { class: "wipe-place" });
    const [left, right] = this.selects;
    const sideOf = (/** @type {HTMLElement} */ select, /** @type {HTMLElement} */ step) =>
      html("span", { class: "wipe-side" }, select, html("label", {}, html("span", { class: "muted" }, "step "), step));
    const hint = html("span", { class: "muted" }, "drag the divider");
    const head = html("div", { class: "wipe-head" }, sideOf(left, this.steps[0]), hint, sideOf(right, this.steps[1]));
    this.node = html("div", { class: "wipe", hidden: true }, head, this.place);
  }

  /**
   * Return the step that a side has of its own.
   * @param {number} side 0 or 1.
   */
  step(side) {
    const { value, valueAsNumber } = this.steps[side];
    return value === "" ? null : Math.min(Math.max(Math.round(valueAsNumber), 0), this.model.last);
  }

  /**
   * Return all pictures there are to choose from; the id is "panel:run".
   * @returns {Choice[]}
   */
  choices() {
    const { model } = this;
    return model.head.panels.flatMap((panel) => {
      const runs = model.runs.filter((run) => model.has(run, panel));
      return (panel.shared ? runs.slice(0, 1) : runs).map((run) => {
        const owner = model.comparing && !panel.shared ? `, ${run.info.name}` : "";
        return { id: `${panel.id}:${run.index}`, title: panel.title + owner, run, panel };
      });
    });
  }

  /** @param {number} step */
  update(step) {
    const { wipe, head } = this.model;
    this.node.hidden = !wipe;
    if (!wipe) {
      this.frame = null;
      this.built = "";
      return;
    }
    const choices = this.choices();
    const sides = [0, 1].map((i) => {
      const [panel, index, own = null] = wipe.sides[i] ?? [];
      const found = choices.find((choice) => choice.id === `${panel}:${index}`) ?? this.preset(i, choices);
      return { ...found, step: found.panel.changes ? own : null };
    });
    wipe.sides = sides.map(({ panel, run, step: own }) => /** @type {Side} */ ([panel.id, run.index, own]));
    const plan = JSON.stringify([choices.map(({ id, title }) => [id, title]), wipe.sides, head.width, head.height]);
    if (!this.frame || plan !== this.built) this.frame = this.build(choices, sides);
    this.built = plan;
    const at = 100 * wipe.at;
    setAttribute(this.divider, "aria-valuenow", Math.round(at));
    this.divider.style.left = `${at}%`;
    this.frame.layers[1].node.style.clipPath = `inset(0 0 0 ${at}%)`;
    this.frame.draw(this.model, step);
  }

  /**
   * Return what a side shows at first: before and after of one run, or the last two runs.
   * @param {number} side 0 or 1.
   * @param {Choice[]} choices
   */
  preset(side, choices) {
    const { runs, comparing } = this.model;
    const id = comparing ? `prediction:${runs.length - 2 + side}` : ["feedforward:0", "prediction:0"][side];
    return choices.find((choice) => choice.id === id) ?? choices[0];
  }

  /**
   * @param {Choice[]} choices
   * @param {Choice[]} sides With the step that each has of its own.
   */
  build(choices, sides) {
    const { model, viewer } = this;
    this.selects.forEach((select, i) => {
      select.replaceChildren(...choices.map(({ id, title }) => html("option", { value: id }, title)));
      select.value = sides[i].id;
      this.steps[i].value = String(sides[i].step ?? "");
      this.steps[i].max = String(model.last);
      this.steps[i].disabled = !sides[i].panel.changes;
    });
    const names = sides.map(({ title, step }) => (typeof step === "number" ? `${title} at step ${step}` : title));
    const frame = new Frame(model, sides, `Wipe between ${names.join(" and ")}`);
    listen(frame, model, viewer);
    frame.node.append(this.divider);
    this.place.replaceChildren(frame.node);
    this.place.style.setProperty("--aspect", String(model.head.width / model.head.height));
    return frame;
  }

  makeDivider() {
    const divider = html("div", {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": "Divider between the two panels",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    });
    /** @param {number} at */
    const move = (at) => {
      if (this.model.wipe) this.model.wipe.at = Math.min(Math.max(at, 0), 1);
      this.viewer.requestDraw();
    };
    divider.onpointerdown = (event) => {
      divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    };
    divider.onpointermove = (event) => {
      event.stopPropagation();
      const box = this.frame?.node.getBoundingClientRect();
      if (box && divider.hasPointerCapture(event.pointerId)) move((event.clientX - box.left) / box.width);
    };
    divider.onpointerup = (event) => {
      event.stopPropagation();
      this.viewer.stateChanged();
    };
    divider.onkeydown = (event) => {
      const at = this.model.wipe?.at ?? 0;
      const far = event.shiftKey ? 0.1 : 0.01;
      /** @type {Record<string, number | undefined>} */
      const moves = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: 1 };
      const next = moves[event.key];
      if (next === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      move(next);
      this.viewer.stateChanged();
    };
    return divider;
  }
}

export { Wipe };
