// Small charts over the steps: lines, a cursor at the step shown, a click that jumps there.

import { make, set } from "./dom.js";

const W = 200;
const H = 56;
const DASHES = ["", "5 3", "1.5 2.5", "8 3 2 3"];

class Chart {
  // jump(step, done): the reader points at a step, and has let go of it if done.
  constructor(label, jump) {
    this.lines = make("g");
    this.cursor = make("line", { class: "now", y1: 0, y2: H });
    const attributes = { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", class: "plot" };
    this.plot = make("svg", attributes, this.lines, this.cursor);
    this.high = make("span", { class: "high" });
    this.low = make("span", { class: "low" });
    const range = make("div", { class: "range", "aria-hidden": "true" }, this.high, this.low);
    this.node = make("div", { class: "chart", role: "img", "aria-label": label }, range, this.plot);
    this.last = 0;
    const at = (event) => {
      const box = this.plot.getBoundingClientRect();
      const place = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      return Math.round(place * this.last);
    };
    this.plot.onpointerdown = (event) => {
      this.plot.setPointerCapture(event.pointerId);
      jump(at(event), false);
    };
    this.plot.onpointermove = (event) => {
      if (this.plot.hasPointerCapture(event.pointerId)) jump(at(event), false);
    };
    this.plot.onpointerup = (event) => jump(at(event), true);
  }

  // lines: {values, colour, dash}, a value per step or null.
  draw(lines, last, show) {
    this.last = last;
    const all = lines.flatMap(({ values }) => Array.from(values)).filter(Number.isFinite);
    let low = Math.min(...all);
    let high = Math.max(...all);
    if (!all.length) [low, high] = [0, 1];
    this.high.textContent = all.length ? show(high) : "";
    this.low.textContent = all.length ? show(low) : "";
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    const x = (step) => (last ? (step / last) * W : W / 2);
    const y = (value) => 4 + (H - 8) * (1 - (value - low) / (high - low));
    this.lines.replaceChildren(
      ...lines.map(({ values, colour, dash = 0 }) => {
        let path = "";
        let pen = "M";
        Array.from(values).forEach((value, step) => {
          if (!Number.isFinite(value)) pen = "M";
          else {
            path += `${pen}${x(step).toFixed(2)} ${y(value).toFixed(2)}`;
            // A single point shows as a dash.
            if (values.length === 1) path = `M0 ${y(value).toFixed(2)}H${W}`;
            pen = "L";
          }
        });
        return make("path", { d: path, class: "line", style: `stroke:${colour}`, "stroke-dasharray": DASHES[dash % 4] });
      }),
    );
  }

  mark(step) {
    const x = this.last ? (step / this.last) * W : W / 2;
    set(this.cursor, "x1", x);
    set(this.cursor, "x2", x);
  }
}

// How the lines of a run are dashed where colours tell something else.
function sample(dash) {
  const line = make("line", { x1: 0, y1: 4, x2: 22, y2: 4, "stroke-dasharray": DASHES[dash % 4] });
  return make("svg", { viewBox: "0 0 22 8", class: "dash", "aria-hidden": "true" }, line);
}

export { Chart, sample };
