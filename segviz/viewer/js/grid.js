// @ts-check
// All panels of all runs in a grid of equal frames, and the wipe above it.

import { button, html, setAttribute, setText } from "./dom.js";
import { css, fixed, percent, signed } from "./format.js";
import { Frame } from "./frame.js";
import { help } from "./help.js";
import { arrange, GAP } from "./layout.js";
import { runColour } from "./model.js";
import { listen } from "./pointer.js";
import { Wipe } from "./wipe.js";

/** @import { Run } from "./decode.js" */
/** @import { Model } from "./model.js" */
/** @import { Colour, ColourMapName, PanelInfo } from "./types" */
/** @import { Viewer } from "./viewer.js" */

const WIDTH = 264; // CSS pixels of a panel where not all fit the window, if the photo is 4 x 3
const NARROW = 112; // CSS pixels that a panel of several runs has at least
const MARGIN = 12; // CSS pixels below the panels
const ONE_RUN = { chrome: 44, side: 224 }; // CSS pixels, see layout.js
const SEVERAL_RUNS = { chrome: 62, side: 132 };
const ALONE = 120; // CSS pixels of the window that one panel alone leaves to menu and player
const NUMBERS = 72; // CSS pixels that the numbers of one run take above the panels

class PanelGrid {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    /** @type {Frame[]} */
    this.frames = [];
    /** @type {((step: number) => void)[]} What writes the captions and ranges of a step. */
    this.texts = [];
    this.built = "";
    this.arranged = "";
    this.grid = html("div", { class: "grid" });
    this.wipe = new Wipe(model, viewer);
    this.node = html("div", { class: "main" }, this.wipe.node, this.grid);
  }

  /** @param {number} step */
  update(step) {
    this.build();
    this.wipe.update(step);
    for (const frame of this.frames) frame.draw(this.model, step);
    for (const write of this.texts) write(step);
    this.mark(step);
  }

  /**
   * Draw only the marks: while maps of another step are still being decoded.
   * @param {number} step
   */
  mark(step) {
    this.build();
    for (const frame of this.frames) frame.mark(this.model, step);
    this.wipe.frame?.mark(this.model, step);
  }

  build() {
    const { model } = this;
    const { width, height } = model.head;
    const panels = model.visiblePanels.map(({ id }) => id);
    const runs = model.runs.map(({ info }) => [info.name, info.truth !== null]);
    const plan = JSON.stringify([panels, model.solo, width, height, runs]);
    if (plan !== this.built) {
      this.built = plan;
      this.frames = [];
      this.texts = [];
      this.grid.replaceChildren(...(model.comparing ? this.sideBySide() : this.cards()));
      this.viewer.root.classList.toggle("comparing", model.comparing);
      this.arranged = "";
    }
    this.arrange();
  }

  // Panels as large as they can be with all of them in the window, or else as the width allows.
  arrange() {
    const { model, viewer } = this;
    const { width, height } = model.head;
    const space = viewer.space();
    // One panel alone fills the window once the page is scrolled to it, below the player.
    if (model.solo !== null) space.height = Math.max(space.height, window.innerHeight - ALONE);
    const arranged = `${space.width} ${space.height} ${this.frames.length} ${model.head.classes.length}`;
    if (arranged === this.arranged) return;
    this.arranged = arranged;
    const aspect = width / height;
    const given = model.comparing ? model.runs.length + (this.sharedPanels.length ? 1 : 0) : undefined;
    const count = given ? given * this.rows : this.frames.length;
    const sizes = model.comparing ? SEVERAL_RUNS : ONE_RUN;
    const above = viewer.legend.height(space.width) + (model.comparing ? 0 : NUMBERS);
    const layout = arrange(count, { width: space.width, height: space.height - MARGIN, aspect, columns: given, above, ...sizes });
    const { columns, side, fits } = layout;
    viewer.root.classList.toggle("beside", side && fits);
    viewer.root.classList.toggle("slim", fits && !side && !model.comparing);
    if (fits) this.grid.style.gridTemplateColumns = `repeat(${columns}, ${layout.width}px)`;
    else if (given) this.grid.style.gridTemplateColumns = `repeat(${given}, minmax(${NARROW}px, 1fr))`;
    else this.grid.style.gridTemplateColumns = `repeat(${this.byWidth(space.width, aspect)}, minmax(0, 1fr))`;
  }

  /**
   * Return as many columns as fit a width, in rows of equal length where that can be.
   * @param {number} width
   * @param {number} aspect
   */
  byWidth(width, aspect) {
    const least = WIDTH * Math.min(Math.max(0.75 * aspect, 0.6), 1.25);
    const most = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    return Math.ceil(this.frames.length / Math.ceil(this.frames.length / most));
  }

  get rows() {
    const shared = this.sharedPanels.length;
    return Math.max(shared, this.model.visiblePanels.length - shared);
  }

  get sharedPanels() {
    return this.model.visiblePanels.filter((panel) => panel.shared);
  }

  // One run: a card for each panel.
  cards() {
    const [run] = this.model.runs;
    return this.model.visiblePanels.map((panel) => {
      const frame = this.frame(run, panel, panel.title);
      const title = html("figcaption", {}, html("b", {}, panel.title), help(panel.title, panel.help), this.solo(panel));
      return html("figure", { class: "cell" }, title, frame.node, this.foot(panel, run.index));
    });
  }

  // Several runs: a column for each run, a row for each panel, and before them what all share.
  sideBySide() {
    const { model } = this;
    const shared = this.sharedPanels;
    const own = model.visiblePanels.filter((panel) => !panel.shared);
    const rows = Array.from({ length: this.rows }, (_, row) => row);
    return rows.flatMap((row) => {
      const column = (/** @type {number} */ number) => `grid-row:${row + 1};grid-column:${number}`;
      const first = shared[row] ? [this.sharedCell(shared[row], column(1))] : [];
      const runs = own[row] ? model.runs : [];
      const offset = shared.length ? 2 : 1;
      return [...first, ...runs.map((run) => this.runCell(run, own[row], column(run.index + offset)))];
    });
  }

  /**
   * @param {PanelInfo} panel
   * @param {string} style
   */
  sharedCell(panel, style) {
    const { model } = this;
    const owner = model.runs.find((run) => model.has(run, panel)) ?? model.runs[0];
    const frame = this.frame(owner, panel, panel.title);
    const caption = html("figcaption", {}, html("b", {}, panel.title), help(panel.title, panel.help), this.solo(panel));
    return html("figure", { class: "cell", style }, caption, frame.node, html("footer"));
  }

  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {string} style
   */
  runCell(run, panel, style) {
    if (!this.model.has(run, panel)) return html("div", { class: "cell none", style }, "no truth");
    const frame = this.frame(run, panel, `${panel.title}, ${run.info.name}`);
    return html("figure", { class: "cell", style }, this.caption(run.index, panel), frame.node, this.foot(panel, run.index));
  }

  /**
   * Return the number that a panel is about: its title, its value at a step, and its change.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   */
  number(run, panel, step) {
    const { numbers } = this.model.head;
    const { key, decimals, title } = numbers.find((number) => number.key === panel.map) ?? numbers[0];
    const at = panel.changes ? run.at(step) : 0;
    const values = run.info.numbers[key];
    const [first, value] = [values[0], values[at]];
    const change = at && first !== null && value !== null ? ` (${signed(value - first, decimals)})` : "";
    return [title, fixed(value, decimals), change];
  }

  /**
   * Name of a run and panel, the number that the panel is about, the step if the run is shorter.
   * @param {number} index
   * @param {PanelInfo} panel
   */
  caption(index, panel) {
    const { model } = this;
    const { info } = model.runs[index];
    const text = html("span", { class: "muted" });
    this.texts.push((step) => {
      const run = model.runs[index];
      const [title, value, change] = this.number(run, panel, step);
      const late = run.last < step && panel.changes ? `step ${run.at(step)} · ` : "";
      setText(text, `${late}${title} ${value}${change}`);
    });
    const dot = html("i", { class: "dot", style: `background:${runColour(index)}` });
    const name = html("span", { class: "run", title: info.title }, dot, html("b", {}, info.name));
    const buttons = index ? [] : [help(panel.title, panel.help), this.solo(panel)];
    const title = html("span", { class: "muted title" }, panel.title, ...buttons);
    return html("figcaption", {}, name, title, text);
  }

  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {string} label
   */
  frame(run, panel, label) {
    const frame = new Frame(this.model, [{ run, panel }], label);
    if (panel.changes) {
      this.texts.push((step) => {
        const [title, value] = this.number(run, panel, step);
        setAttribute(frame.node, "aria-label", `${label}, step ${run.at(step)}: ${title} ${value}`);
      });
    }
    listen(frame, this.model, this.viewer);
    this.frames.push(frame);
    return frame;
  }

  /**
   * Make the button that shows a panel alone, or all of them again.
   * @param {PanelInfo} panel
   */
  solo({ id, title }) {
    const { model, viewer } = this;
    const alone = model.solo === id;
    const onclick = () => {
      model.solo = alone ? null : id;
      viewer.stateChanged();
    };
    const label = alone ? "Show all panels" : `Show ${title} alone`;
    return button(label, { class: "help solo", image: "full", onclick, "aria-pressed": String(alone) });
  }

  /**
   * Make what stands below a panel: its colour bar with range and unit, or the share it is about.
   * @param {PanelInfo} panel
   * @param {number} index Of the run.
   */
  foot(panel, index) {
    if (panel.map) return this.colourBar(panel.map);
    const foot = html("footer");
    if (panel.draws === "confident" || panel.draws === "difference") {
      this.texts.push((step) => {
        const text = this.share(panel, index, step);
        setText(foot, text);
        setAttribute(foot, "title", text);
      });
    }
    return foot;
  }

  /**
   * Return how many pixels a panel is about.
   * @param {PanelInfo} panel
   * @param {number} index
   * @param {number} step
   */
  share(panel, index, step) {
    const { model } = this;
    const picture = model.painter.picture(model.runs[index], panel, step, model.display(step));
    if (!picture || picture.share === null) return "";
    const share = percent(picture.share);
    if (panel.draws === "confident") return `${share} of pixels`;
    const { run, step: at } = model.against;
    const owner = run === null || !model.comparing ? "" : `${model.runs[run]?.info.name}, `;
    return `${share} differ from ${owner}step ${at ?? step}`;
  }

  /** @param {ColourMapName} name */
  colourBar(name) {
    const { model } = this;
    const { table, unit } = model.map(name);
    const stops = Array.from({ length: 17 }, (_, i) => Math.min(i * 16, 255));
    const colours = stops.map((i) => css(/** @type {Colour} */ (table.slice(3 * i, 3 * i + 3)))).join(",");
    const [low, high] = [html("span"), html("span")];
    const bar = html("div", { class: "bar", style: `background:linear-gradient(to right,${colours})` });
    this.texts.push((step) => {
      const [from, to] = model.limits(name, step);
      const decimals = to >= 10 ? 1 : 2;
      setText(low, fixed(from, from ? decimals : 0));
      setText(high, `${fixed(to, decimals)} ${unit}`);
      const range = model.rangePerStep ? "of this step" : "of all steps";
      setAttribute(bar, "title", `colour range ${range}: ${low.textContent} to ${high.textContent}`);
    });
    return html("footer", { class: "scale" }, low, bar, high);
  }
}

export { PanelGrid };
