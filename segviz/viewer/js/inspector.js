// The pixel inspector: what every run says of the pixel pointed at.

import { chip, fixed, make, say } from "./dom.js";
import { colourOf } from "./model.js";
import { inspect } from "./sample.js";

const TOP = 5;
const COLUMNS = ["Class", "Probability", "Runner-up", "Entropy, nats", "Sigma, input px", "Receptive field, input px", "In S"];

class Inspector {
  constructor(model) {
    this.model = model;
    this.where = make("span", { class: "where" });
    this.truth = make("span", { class: "truth" });
    this.body = make("tbody");
    this.first = make("th", { scope: "col" }, "Run");
    const names = COLUMNS.map((name) => make("th", { scope: "col" }, name));
    const table = make("table", {}, make("thead", {}, make("tr", {}, this.first, ...names)), this.body);
    this.top = make("ol", { class: "top" });
    this.whose = make("header", { class: "quiet" });
    const head = make("header", {}, make("b", {}, "Pixel"), this.where, this.truth);
    const left = make("div", { class: "readings" }, head, make("div", { class: "scroll" }, table));
    this.node = make("section", { class: "inspector card", "aria-label": "Pixel inspector" }, left, make("div", {}, this.whose, this.top));
    this.shown = "";
  }

  update(step) {
    const { model } = this;
    const { cursor } = model;
    const readings = cursor && model.runs.map((run) => inspect(run, step, cursor.x, cursor.y));
    const shown = JSON.stringify([cursor, readings, model.pointed, model.head.id, model.runs.length]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.node.classList.toggle("idle", !cursor);
    this.first.hidden = !model.many;
    say(this.where, cursor ? `x ${cursor.x}, y ${cursor.y}` : "Point at a picture to read it; click to pin the pixel.");
    const truth = readings?.map((one) => one?.truth ?? null).find((one) => one !== null) ?? null;
    this.truth.replaceChildren(...(truth === null ? [] : ["truth ", this.chip(truth)]));
    this.body.replaceChildren(...model.runs.map((run, i) => this.row(run, readings?.[i])));
    const run = Math.min(model.pointed, model.runs.length - 1);
    say(this.whose, `Most probable classes${model.many ? `, ${model.runs[run].facts.name}` : ""}`);
    this.rank(readings?.[run]?.ranking);
  }

  chip(id) {
    return chip(this.model.colour(id), this.model.name(id));
  }

  row(run, reading) {
    const cell = (name, content) => make("td", { "data-name": name }, content ?? "–");
    const name = make("th", { scope: "row", hidden: !this.model.many });
    name.append(make("i", { class: "dot", style: `background:${colourOf(run.index)}` }), run.facts.name);
    const [own, next] = reading?.ranking ?? [];
    const known = own && own.id === reading.label;
    return make(
      "tr",
      {},
      name,
      cell("class", reading && this.chip(reading.label)),
      cell("probability", known ? percent(own.probability) : null),
      cell("runner-up", next && make("span", {}, this.chip(next.id), ` ${percent(next.probability)}`)),
      cell("entropy", reading && fixed(reading.entropy, 3)),
      cell("sigma", reading && fixed(reading.sigma, 1)),
      cell("receptive-field", reading && fixed(reading.size, 0)),
      cell("selected", reading && (reading.selected ? "yes" : "no")),
    );
  }

  // The most probable classes of the run pointed at as bars; always as many lines.
  rank(ranking) {
    const lines = Array.from({ length: TOP }, (_, i) => {
      const one = ranking?.[i];
      if (!one) return make("li", { class: "empty" }, " ");
      const bar = make("span", { class: "meter" }, make("i", { style: `width:${100 * one.probability}%` }));
      return make("li", {}, this.chip(one.id), bar, make("span", {}, percent(one.probability)));
    });
    this.top.replaceChildren(...lines);
  }
}

function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}

export { Inspector };
