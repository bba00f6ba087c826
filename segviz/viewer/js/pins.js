// @ts-check
// Pinned pixels: their maps and class over the steps.

import { Chart, dashSample } from "./charts.js";
import { button, chip, html } from "./dom.js";
import { css, fixed } from "./format.js";
import { read } from "./sample.js";

/** @import { Run } from "./decode.js" */
/** @import { Model } from "./model.js" */
/** @import { MapName, Pin, Pixel } from "./types" */
/** @import { Viewer } from "./viewer.js" */
/** @typedef {{ maps: Partial<Record<MapName, Float32Array>>, labels: Int16Array }} History */

const MAX_HISTORIES = 64; // cached, of pixels that are pinned or were

class Pins {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    /** @type {Map<string, History>} */
    this.histories = new Map();
    /** @type {{ run: Run, labels: Int16Array, shown: number, label: HTMLElement, now: HTMLElement }[]} */
    this.rows = [];
    this.list = html("div", { class: "pin-list" });
    this.charts = model.recordMaps.map((name) => {
      const { title, unit, decimals } = model.map(name);
      const chart = new Chart(`${title} of the pinned pixels`, (step, done) => viewer.goTo(step, done));
      const header = html("header", {}, title, html("span", { class: "muted" }, ` ${unit}`));
      return { name, chart, decimals, card: html("div", { class: "card" }, header, chart.node) };
    });
    const cards = this.charts.map(({ card }) => card);
    this.node = html("section", { class: "pins", hidden: true, "aria-label": "Pinned pixels" }, this.list, ...cards);
  }

  /** @param {number} step */
  update(step) {
    const { model } = this;
    this.node.hidden = !model.pins.length;
    if (!model.pins.length) {
      this.built = "";
      this.rows = [];
      this.list.replaceChildren();
      return;
    }
    const plan = JSON.stringify([model.pins, model.head.id, model.last, model.safe]);
    if (plan !== this.built) {
      this.built = plan;
      this.build();
    }
    for (const { chart } of this.charts) chart.mark(step);
    for (const row of this.rows) {
      const at = row.run.at(step);
      const id = row.labels[at];
      row.now.style.left = `${((at + 0.5) / (model.last + 1)) * 100}%`;
      if (row.shown === id) continue;
      row.shown = id;
      row.label.replaceChildren(id < 0 ? "…" : chip(model.colour(id), model.name(id)));
    }
  }

  /**
   * Return the values of a pixel over the steps, filled in as steps are decoded; NaN and -1 until then.
   * @param {Run} run
   * @param {Pixel} pixel
   */
  history(run, pixel) {
    const key = `${this.model.head.id} ${run.index} ${pixel.x} ${pixel.y}`;
    const known = this.histories.get(key);
    if (known) return known;
    if (this.histories.size >= MAX_HISTORIES) this.histories.clear();
    const count = run.last + 1;
    const history = {
      maps: Object.fromEntries(this.charts.map(({ name }) => [name, new Float32Array(count).fill(NaN)])),
      labels: new Int16Array(count).fill(-1),
    };
    this.histories.set(key, history);
    this.fill(run, pixel, history);
    return history;
  }

  /**
   * @param {Run} run
   * @param {Pixel} pixel
   * @param {History} history
   */
  async fill(run, { x, y }, history) {
    await this.model.opening;
    for (let step = 0; step <= run.last; step++) {
      if (!run.labels(step)) await run.maps.load(step);
      const labels = run.labels(step);
      if (!labels) continue;
      history.labels[step] = labels[y * run.head.width + x];
      for (const { name } of this.charts) {
        const codes = run.codes(step, name);
        const values = run.values[name];
        const line = history.maps[name];
        if (codes && values && line) line[step] = read(run, codes, values, x, y);
      }
    }
    this.built = "";
    this.viewer.requestDraw();
  }

  build() {
    const { model } = this;
    this.rows = [];
    this.list.replaceChildren(...model.pins.map((pin) => this.card(pin)));
    for (const { name, chart, decimals } of this.charts) {
      const lines = model.pins.flatMap((pin) =>
        model.runs.map((run) => ({ values: this.history(run, pin).maps[name] ?? [], colour: pin.colour, dash: run.index })),
      );
      chart.draw(lines, model.last, (value) => fixed(value, decimals));
    }
  }

  /** @param {Pin} pin */
  card(pin) {
    const { model, viewer } = this;
    const onclick = () => {
      model.unpin(pin.slot);
      viewer.stateChanged();
    };
    const remove = button(`Unpin pixel ${pin.slot + 1}`, { image: "close", class: "small", onclick });
    const badge = html("span", { class: "badge", style: `background:${pin.colour}` }, String(pin.slot + 1));
    const where = html("span", { class: "muted" }, `x ${pin.x}, y ${pin.y}`);
    const strips = model.runs.map((run) => this.strip(run, pin));
    return html("div", { class: "pin card" }, html("header", {}, badge, where, remove), ...strips);
  }

  /**
   * Show the class of a pixel over the steps as a strip of colours.
   * @param {Run} run
   * @param {Pin} pin
   */
  strip(run, pin) {
    const { model } = this;
    const { labels } = this.history(run, pin);
    const now = html("i", { class: "now" });
    const cells = Array.from({ length: model.last + 1 }, (_, step) => {
      const known = step <= run.last && labels[step] >= 0;
      return html("i", { style: known ? `background:${css(model.colour(labels[step]))}` : "" });
    });
    const label = html("span", { class: "label" });
    this.rows.push({ run, labels, shown: NaN, label, now });
    const name = model.comparing ? html("span", { class: "name" }, dashSample(run.index), run.info.name) : null;
    return html("div", { class: "history" }, name, label, html("div", { class: "strip" }, ...cells, now));
  }
}

export { Pins };
