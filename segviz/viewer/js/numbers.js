// @ts-check
// The numbers of the runs: their values at the step shown, and a chart of each over the steps.

import { Chart } from "./charts.js";
import { html, setText } from "./dom.js";
import { fixed, signed } from "./format.js";
import { help } from "./help.js";
import { runColour } from "./model.js";

/** @import { Model } from "./model.js" */
/** @import { Head, NumberInfo } from "./types" */
/** @import { Viewer } from "./viewer.js" */

class Numbers {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    /** @type {Head | null} */
    this.built = null;
    /** @type {ReturnType<Numbers["card"]>[]} */
    this.cards = [];
    this.node = html("section", { class: "numbers", "aria-label": "Numbers over the steps" });
  }

  /** @param {number} step */
  update(step) {
    const { model } = this;
    if (this.built !== model.head) {
      this.built = model.head;
      this.cards = model.head.numbers.map((number) => this.card(number));
      this.node.replaceChildren(...this.cards.map(({ node }) => node));
    }
    for (const { chart, rows, key, decimals } of this.cards) {
      chart.mark(step);
      rows.forEach(({ value, change }, index) => {
        const run = model.runs[index];
        const values = run.info.numbers[key];
        const at = run.at(step);
        const [first, now] = [values[0], values[at]];
        setText(value, fixed(now, decimals));
        setText(change, at && first !== null && now !== null ? signed(now - first, decimals) : "");
      });
    }
  }

  /** @param {NumberInfo} number */
  card({ key, title, unit, decimals, help: text }) {
    const { model, viewer } = this;
    const chart = new Chart(`${title} over the steps`, (step, done) => viewer.goTo(step, done));
    const lines = model.runs.map(({ info, index }) => ({ values: info.numbers[key], colour: runColour(index) }));
    chart.draw(lines, model.last, (value) => fixed(value, decimals));
    const rows = model.runs.map(({ info, index }) => {
      const value = html("b", { "data-number": key, "data-run": index });
      const change = html("span", { class: "muted", title: "change from step 0" });
      const dot = html("i", { class: "dot", style: `background:${runColour(index)}` });
      const name = model.comparing ? html("span", { class: "name" }, dot, info.name) : null;
      return { value, change, node: html("div", { class: "row" }, name, value, change) };
    });
    const label = html("span", { class: "title" }, title, unit ? html("span", { class: "muted" }, ` ${unit}`) : null);
    const header = html("header", {}, label, help(title, text));
    const node = html("div", { class: "card" }, header, ...rows.map((row) => row.node), chart.node);
    return { key, decimals, chart, rows, node };
  }
}

export { Numbers };
