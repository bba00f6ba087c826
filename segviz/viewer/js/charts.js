// @ts-check
// Small charts over the steps: lines, a cursor at the step shown, a click that goes there.

import { html, setAttribute, svg } from "./dom.js";

/** @typedef {{ values: ArrayLike<number | null>, colour: string, dash?: number }} Line A value for each step. */

const W = 200;
const H = 56;
const MARGIN = 4;
const DASHES = ["", "5 3", "1.5 2.5", "8 3 2 3"];

class Chart {
  /**
   * @param {string} label
   * @param {(step: number, done: boolean) => void} goTo Called when the reader points at a step;
   *   done: they have let go of it.
   */
  constructor(label, goTo) {
    this.lines = svg("g");
    this.cursor = svg("line", { class: "now", y1: 0, y2: H });
    const attributes = { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", class: "plot" };
    const plot = svg("svg", attributes, this.lines, this.cursor);
    this.high = html("span", { class: "high" });
    this.low = html("span", { class: "low" });
    const range = html("div", { class: "range", "aria-hidden": "true" }, this.high, this.low);
    this.node = html("div", { class: "chart", role: "img", "aria-label": label }, range, plot);
    this.last = 0;
    /** @param {PointerEvent} event */
    const stepAt = (event) => {
      const box = plot.getBoundingClientRect();
      const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      return Math.round(part * this.last);
    };
    plot.onpointerdown = (event) => {
      plot.setPointerCapture(event.pointerId);
      goTo(stepAt(event), false);
    };
    plot.onpointermove = (event) => {
      if (plot.hasPointerCapture(event.pointerId)) goTo(stepAt(event), false);
    };
    plot.onpointerup = (event) => goTo(stepAt(event), true);
  }

  /**
   * @param {Line[]} lines
   * @param {number} last The last step.
   * @param {(value: number) => string} format
   */
  draw(lines, last, format) {
    this.last = last;
    const range = rangeOf(lines);
    this.high.textContent = range ? format(range[1]) : "";
    this.low.textContent = range ? format(range[0]) : "";
    this.lines.replaceChildren(
      ...lines.map(({ values, colour, dash = 0 }) => {
        const d = pathOf(values, last, range ?? [0, 1]);
        const dashes = DASHES[dash % DASHES.length];
        return svg("path", { d, class: "line", style: `stroke:${colour}`, "stroke-dasharray": dashes });
      }),
    );
  }

  /** @param {number} step */
  mark(step) {
    const x = this.last ? (step / this.last) * W : W / 2;
    setAttribute(this.cursor, "x1", x);
    setAttribute(this.cursor, "x2", x);
  }
}

/**
 * Return the smallest and the largest value; null if there is none.
 * @param {Line[]} lines
 * @returns {[number, number] | null}
 */
function rangeOf(lines) {
  const all = lines.flatMap(({ values }) => Array.from(values)).filter((value) => value !== null && Number.isFinite(value));
  const numbers = /** @type {number[]} */ (all);
  return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
}

/**
 * Return the path of a line, with gaps where there is no value.
 * @param {ArrayLike<number | null>} values
 * @param {number} last
 * @param {[number, number]} range
 */
function pathOf(values, last, [low, high]) {
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const x = (/** @type {number} */ step) => (last ? (step / last) * W : W / 2).toFixed(2);
  const y = (/** @type {number} */ value) =>
    (MARGIN + (H - 2 * MARGIN) * (1 - (value - low) / (high - low))).toFixed(2);
  let path = "";
  let pen = "M";
  Array.from(values).forEach((value, step) => {
    if (value === null || !Number.isFinite(value)) {
      pen = "M";
      return;
    }
    // A single point is drawn as a level line.
    path += values.length === 1 ? `M0 ${y(value)}H${W}` : `${pen}${x(step)} ${y(value)}`;
    pen = "L";
  });
  return path;
}

/**
 * Show how the lines of a run are dashed, where colours tell something else.
 * @param {number} dash
 */
function dashSample(dash) {
  const line = svg("line", { x1: 0, y1: 4, x2: 22, y2: 4, "stroke-dasharray": DASHES[dash % DASHES.length] });
  return svg("svg", { viewBox: "0 0 22 8", class: "dash", "aria-hidden": "true" }, line);
}

export { Chart, dashSample, pathOf, rangeOf };
