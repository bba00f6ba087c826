// @ts-check
// The confusion matrix of a run at the step shown; a cell lights its pixels in all panels.

import { chip, html, setAttribute, setPressed, setText } from "./dom.js";
import { percent } from "./format.js";
import { help } from "./help.js";

/** @import { Model } from "./model.js" */
/** @import { Viewer } from "./viewer.js" */

const HELP =
  "How many pixels of each true class (row) are predicted as each class (column), as a share of the row." +
  " The diagonal is right. Choose a cell to light its pixels in the panels.";

/**
 * Count pixels by class in truth and prediction: rows are truth, columns prediction.
 * @param {Uint8Array} truth
 * @param {Uint8Array} labels
 * @param {number[]} ids The classes, in the order of rows and columns; others are not counted.
 */
function confusion(truth, labels, ids) {
  const places = new Int16Array(256).fill(-1);
  ids.forEach((id, place) => {
    places[id] = place;
  });
  const counts = ids.map(() => new Uint32Array(ids.length));
  for (let i = 0; i < truth.length; i++) {
    const row = places[truth[i]];
    const column = places[labels[i]];
    if (row >= 0 && column >= 0) counts[row][column]++;
  }
  return counts;
}

class ConfusionMatrix {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.run = 0;
    this.built = "";
    this.written = "";
    /** @type {HTMLButtonElement[][]} */
    this.cells = [];
    this.select = html("select", { "aria-label": "Run of the confusion matrix" });
    this.select.onchange = () => {
      this.run = Number(this.select.value);
      viewer.requestDraw();
    };
    this.table = html("table");
    const summary = html("summary", {}, html("b", {}, "Confusion matrix"), help("Confusion matrix", HELP), this.select);
    this.node = html("details", { class: "confusion card" }, summary, html("div", { class: "scroll" }, this.table));
    this.node.open = model.cell !== null;
    this.node.ontoggle = () => viewer.requestDraw();
  }

  /** @param {number} step */
  update(step) {
    const { model } = this;
    const judged = model.runs.filter(({ info }) => info.truth !== null);
    this.node.hidden = !judged.length;
    if (!judged.length || !this.node.open) return;
    const run = judged.find(({ index }) => index === this.run) ?? judged[0];
    const labels = run.labels(step);
    if (!labels || !run.truth) return;
    const plan = JSON.stringify([model.head.classes, model.safe, judged.map(({ info }) => info.name)]);
    if (plan !== this.built) this.build(judged);
    this.built = plan;
    const written = JSON.stringify([plan, model.head.id, run.index, run.at(step), model.cell]);
    if (written === this.written) return;
    this.written = written;
    this.select.value = String(run.index);
    const ids = model.head.classes.map(({ id }) => id);
    confusion(run.truth, labels, ids).forEach((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      row.forEach((count, j) => this.write(this.cells[i][j], [ids[i], ids[j]], count, total));
    });
  }

  /**
   * @param {HTMLButtonElement} cell
   * @param {[number, number]} ids
   * @param {number} count
   * @param {number} total Pixels of the true class.
   */
  write(cell, [truth, predicted], count, total) {
    const { model } = this;
    const share = total ? count / total : 0;
    setText(cell, total ? (100 * share).toFixed(share && share < 0.1 ? 1 : 0) : "–");
    const right = truth === predicted;
    cell.style.background = `color-mix(in srgb, ${right ? "#1f8a5b" : "#c8501e"} ${Math.round(45 * share)}%, var(--bg))`;
    const names = `${model.name(truth)} predicted as ${model.name(predicted)}`;
    const text = `${names}: ${count.toLocaleString("en")} pixels, ${percent(share)}`;
    setAttribute(cell, "title", text);
    setAttribute(cell, "aria-label", text);
    setPressed(cell, model.cell?.[0] === truth && model.cell[1] === predicted);
    cell.disabled = !count && cell.ariaPressed !== "true";
  }

  /** @param {{ index: number, info: { name: string } }[]} runs */
  build(runs) {
    const { model, viewer } = this;
    this.select.hidden = runs.length < 2;
    this.select.replaceChildren(...runs.map(({ index, info }) => html("option", { value: index }, info.name)));
    const { classes } = model.head;
    this.cells = classes.map(({ id: truth }) =>
      classes.map(({ id: predicted }) => {
        const onclick = () => {
          const lit = model.cell?.[0] === truth && model.cell[1] === predicted;
          model.cell = lit ? null : [truth, predicted];
          viewer.stateChanged();
        };
        return html("button", { type: "button", class: "share", "aria-pressed": "false", onclick });
      }),
    );
    const header = html("tr", {}, html("th", { class: "muted" }, "truth \\ predicted, %"));
    header.append(...classes.map(({ id, name }) => html("th", { scope: "col" }, chip(model.colour(id), name))));
    const rows = classes.map(({ id, name }, i) => {
      const head = html("th", { scope: "row" }, chip(model.colour(id), name));
      return html("tr", {}, head, ...this.cells[i].map((cell) => html("td", {}, cell)));
    });
    this.table.replaceChildren(html("thead", {}, header), html("tbody", {}, ...rows));
  }
}

export { confusion, ConfusionMatrix };
