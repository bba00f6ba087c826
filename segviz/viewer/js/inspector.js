// @ts-check
// The pixel inspector: what every run has for the pixel pointed at.

import { chip, html, setText } from "./dom.js";
import { fixed, percent } from "./format.js";
import { runColour } from "./model.js";
import { inspect } from "./sample.js";

/** @import { Run } from "./decode.js" */
/** @import { Model } from "./model.js" */
/** @import { Reading } from "./types" */

const TOP = 5; // classes in the ranking

class Inspector {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.where = html("span", { class: "where" });
    this.truth = html("span", { class: "truth" });
    this.body = html("tbody");
    this.runHeader = html("th", { scope: "col" }, "Run");
    this.header = html("tr");
    this.headed = "";
    const table = html("table", {}, html("thead", {}, this.header), this.body);
    this.ranking = html("ol", { class: "ranking" });
    this.owner = html("header", { class: "muted" });
    const head = html("header", {}, html("b", {}, "Pixel"), this.where, this.truth);
    this.node = html(
      "section",
      { class: "inspector card", "aria-label": "Pixel inspector" },
      html("div", {}, head, html("div", { class: "scroll" }, table)),
      html("div", {}, this.owner, this.ranking),
    );
    this.written = "";
  }

  /** Write the header of the table: the maps of runs in progress may still become more. */
  head() {
    const { entropy, sigma, sizes } = this.model.head.maps;
    const names = [
      "Class",
      "Probability",
      "Runner-up",
      `${entropy.title}, ${entropy.unit}`,
      ...(sigma ? [`${sigma.title}, ${sigma.unit}`, `Receptive field, ${sigma.unit}`] : []),
      ...(sizes ? [`${sizes.title}, ${sizes.unit}`] : []),
      "In S",
    ];
    const written = names.join();
    if (written === this.headed) return;
    this.headed = written;
    this.header.replaceChildren(this.runHeader, ...names.map((name) => html("th", { scope: "col" }, name)));
  }

  /** @param {number} step */
  update(step) {
    const { model } = this;
    const { cursor } = model;
    const readings = model.runs.map((run) => (cursor ? inspect(run, step, cursor.x, cursor.y) : null));
    const names = model.runs.map(({ info }) => info.name);
    const content = JSON.stringify([model.safe, cursor, readings, model.hoveredRun, names, Object.keys(model.head.maps)]);
    if (content === this.written) return;
    this.written = content;
    this.head();
    this.node.classList.toggle("idle", !cursor);
    this.runHeader.hidden = !model.comparing;
    setText(this.where, cursor ? `x ${cursor.x}, y ${cursor.y}` : "Point at a picture to read it; click to pin the pixel.");
    const truth = readings.map((reading) => reading?.truth ?? null).find((id) => id !== null) ?? null;
    this.truth.replaceChildren(...(truth === null ? [] : ["truth ", this.chip(truth)]));
    this.body.replaceChildren(...model.runs.map((run, i) => this.row(run, readings[i])));
    const run = Math.min(model.hoveredRun, model.runs.length - 1);
    setText(this.owner, `Most probable classes${model.comparing ? `, ${names[run]}` : ""}`);
    this.rank(readings[run]?.ranking ?? []);
  }

  /** @param {number} id */
  chip(id) {
    return chip(this.model.colour(id), this.model.name(id));
  }

  /**
   * @param {Run} run
   * @param {Reading | null} reading
   */
  row(run, reading) {
    const { entropy, sigma, sizes } = this.model.head.maps;
    /** @type {(value: number | null | undefined, decimals: number) => string | null} */
    const number = (value, decimals) => (value === null || value === undefined ? null : fixed(value, decimals));
    /** @type {(name: string, content: Node | string | null | undefined) => HTMLElement} */
    const cell = (name, content) => html("td", { "data-name": name }, content ?? "–");
    const name = html("th", { scope: "row", hidden: !this.model.comparing });
    name.append(html("i", { class: "dot", style: `background:${runColour(run.index)}` }), run.info.name);
    const [own, next] = reading?.ranking ?? [];
    const known = own && own.id === reading?.label;
    return html(
      "tr",
      {},
      name,
      cell("class", reading && this.chip(reading.label)),
      cell("probability", known ? percent(own.probability) : null),
      cell("runner-up", next && html("span", {}, this.chip(next.id), ` ${percent(next.probability)}`)),
      cell("entropy", reading && fixed(reading.entropy, entropy.decimals)),
      ...(sigma ? [cell("sigma", number(reading?.sigma, sigma.decimals))] : []),
      ...(sigma ? [cell("receptive-field", number(reading?.size, 0))] : []),
      ...(sizes ? [cell("scale-read", number(reading?.scale, sizes.decimals))] : []),
      cell("selected", reading && (reading.selected ? "yes" : "no")),
    );
  }

  /**
   * Write the most probable classes of the run pointed at as bars; always as many lines.
   * @param {{ id: number, probability: number }[]} ranking
   */
  rank(ranking) {
    const lines = Array.from({ length: TOP }, (_, i) => {
      const entry = ranking[i];
      if (!entry) return html("li", {}, " ");
      const bar = html("span", { class: "meter" }, html("i", { style: `width:${100 * entry.probability}%` }));
      return html("li", {}, this.chip(entry.id), bar, html("span", {}, percent(entry.probability)));
    });
    this.ranking.replaceChildren(...lines);
  }
}

export { Inspector };
