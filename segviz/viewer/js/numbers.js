// The numbers of the runs: headlines of the step shown, and a chart of each over the steps.

import { Chart } from "./charts.js";
import { fixed, make, say, signed } from "./dom.js";
import { colourOf } from "./model.js";

class Numbers {
  constructor(model, app) {
    Object.assign(this, { model, app, plan: "", cards: [] });
    this.node = make("section", { class: "numbers", "aria-label": "Numbers over the steps" });
  }

  update(step) {
    this.build();
    for (const { chart, rows, key, decimals } of this.cards) {
      chart.mark(step);
      rows.forEach(({ value, change }, index) => {
        const run = this.model.runs[index];
        const values = run.facts.numbers[key];
        const at = run.at(step);
        say(value, fixed(values[at], decimals));
        const known = at && values[at] !== null && values[0] !== null;
        say(change, known ? signed(values[at] - values[0], decimals) : "");
      });
    }
  }

  build() {
    const { model, app } = this;
    if (this.plan === model.head) return;
    this.plan = model.head;
    this.cards = model.head.numbers.map(({ key, title, unit, decimals }) => {
      const chart = new Chart(`${title} over the steps`, (step, done) => app.go(step, done));
      const lines = model.runs.map(({ facts, index }) => ({ values: facts.numbers[key], colour: colourOf(index) }));
      chart.draw(lines, model.last, (value) => fixed(value, decimals));
      const rows = model.runs.map(({ facts, index }) => {
        const value = make("b", { "data-number": key, "data-run": index });
        const change = make("span", { class: "quiet", title: "change from step 0" });
        const dot = make("i", { class: "dot", style: `background:${colourOf(index)}` });
        const name = model.many ? make("span", { class: "name" }, dot, facts.name) : null;
        return { value, change, node: make("div", { class: "row" }, name, value, change) };
      });
      const head = make("header", {}, title, unit && make("span", { class: "quiet" }, ` ${unit}`));
      const card = make("div", { class: "card" }, head, ...rows.map((row) => row.node), chart.node);
      return { key, decimals, chart, rows, card };
    });
    this.node.replaceChildren(...this.cards.map(({ card }) => card));
  }
}

export { Numbers };
