// Pinned pixels: their entropy, sigma and class over the steps.

import { Chart, sample } from "./charts.js";
import { button, chip, css, fixed, make } from "./dom.js";
import { read } from "./sample.js";

class Pins {
  constructor(model, app) {
    Object.assign(this, { model, app, plan: "", histories: new Map(), rows: [] });
    this.list = make("div", { class: "pin-list" });
    const jump = (step, done) => app.go(step, done);
    this.charts = [
      { name: "entropy", title: "Entropy", unit: "nats", chart: new Chart("Entropy of the pinned pixels", jump) },
      { name: "sigma", title: "Sigma", unit: "input px", chart: new Chart("Sigma of the pinned pixels", jump) },
    ];
    const cards = this.charts.map(({ title, unit, chart }) =>
      make("div", { class: "card" }, make("header", {}, title, make("span", { class: "quiet" }, ` ${unit}`)), chart.node),
    );
    this.node = make("section", { class: "pins", hidden: true, "aria-label": "Pinned pixels" }, this.list, ...cards);
  }

  update(step) {
    const { model } = this;
    this.node.hidden = !model.pins.length;
    if (!model.pins.length) {
      this.plan = "";
      this.rows = [];
      this.list.replaceChildren();
      return;
    }
    const plan = JSON.stringify([model.pins, model.head.id, model.last]);
    if (plan !== this.plan) {
      this.plan = plan;
      this.build();
    }
    for (const { chart } of this.charts) chart.mark(step);
    for (const { run, pin, label, now } of this.rows) {
      const history = this.history(run, pin);
      const id = history.labels[run.at(step)];
      now.style.left = `${((run.at(step) + 0.5) / (model.last + 1)) * 100}%`;
      if (label.id !== id) {
        label.id = id;
        label.node.replaceChildren(id === undefined || id < 0 ? "…" : chip(model.colour(id), model.name(id)));
      }
    }
  }

  // Values of a pixel over the steps, filled in as far as steps are decoded; NaN and -1 elsewhere.
  history(run, { x, y }) {
    const key = `${this.model.head.id} ${run.index} ${x} ${y}`;
    if (!this.histories.has(key)) {
      if (this.histories.size > 64) this.histories.clear();
      const count = run.last + 1;
      const history = {
        entropy: new Float32Array(count).fill(NaN),
        sigma: new Float32Array(count).fill(NaN),
        labels: new Int16Array(count).fill(-1),
      };
      this.histories.set(key, history);
      this.fill(run, x, y, history);
    }
    return this.histories.get(key);
  }

  async fill(run, x, y, history) {
    const { model } = this;
    for (let step = 0; step <= run.last; step++) {
      if (!run.labels(step)) await run.maps.want(step);
      const labels = run.labels(step);
      if (!labels || !run.rows) continue;
      history.labels[step] = labels[y * model.head.width + x];
      history.entropy[step] = read(run, run.codes(step, "entropy"), run.entropy, x, y);
      history.sigma[step] = read(run, run.codes(step, "sigma"), run.sigma, x, y);
    }
    this.plan = "";
    this.app.touch();
  }

  build() {
    const { model, app } = this;
    this.rows = [];
    this.list.replaceChildren(
      ...model.pins.map((pin) => {
        const remove = button(`Unpin pixel ${pin.slot + 1}`, {
          image: "close",
          class: "small",
          onclick: () => {
            model.unpin(pin.slot);
            app.changed();
          },
        });
        const badge = make("span", { class: "badge", style: `background:${pin.colour}` }, String(pin.slot + 1));
        const where = make("span", { class: "quiet" }, `x ${pin.x}, y ${pin.y}`);
        const strips = model.runs.map((run) => this.strip(run, pin));
        return make("div", { class: "pin card" }, make("header", {}, badge, where, remove), ...strips);
      }),
    );
    for (const { name, chart } of this.charts) {
      const lines = model.pins.flatMap((pin) =>
        model.runs.map((run) => ({ values: this.history(run, pin)[name], colour: pin.colour, dash: run.index })),
      );
      chart.draw(lines, model.last, (value) => fixed(value, name === "sigma" ? 1 : 3));
    }
  }

  // The class of a pixel over the steps as a strip of colours.
  strip(run, pin) {
    const { model } = this;
    const { labels } = this.history(run, pin);
    const now = make("i", { class: "now" });
    const cells = Array.from({ length: model.last + 1 }, (_, step) => {
      const id = labels[step];
      const known = id !== undefined && id >= 0;
      return make("i", { style: known ? `background:${css(model.colour(id))}` : "" });
    });
    const label = { node: make("span", { class: "label" }), id: null };
    this.rows.push({ run, pin, label, now });
    const name = model.many ? make("span", { class: "name" }, sample(run.index), run.facts.name) : null;
    return make("div", { class: "history" }, name, label.node, make("div", { class: "strip" }, ...cells, now));
  }
}

export { Pins };
