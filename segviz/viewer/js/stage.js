// The stage: all panels of all runs in a grid of equal frames, and the wipe above it.

import { css, fixed, make, say, set, signed } from "./dom.js";
import { Frame } from "./frame.js";
import { colourOf } from "./model.js";
import { listen } from "./pointer.js";
import { Wipe } from "./wipe.js";

const SCALED = { entropy: "entropy", "receptive-field": "sigma" };
const WIDTH = 264; // CSS pixels that a panel of one run has at least, if the photo is 4 x 3
const NARROW = 150; // and one of several runs

class Stage {
  constructor(model, app) {
    Object.assign(this, { model, app, frames: new Map(), bars: [], plan: "" });
    this.grid = make("div", { class: "grid" });
    this.wipe = new Wipe(model, app);
    this.node = make("div", { class: "stage" }, this.wipe.node, this.grid);
    this.columns = 0;
  }

  update(step) {
    this.build();
    this.wipe.update(step);
    for (const frame of this.everyFrame()) {
      frame.draw(this.model, step);
      frame.mark(this.model, step);
    }
    for (const bar of this.bars) bar(step);
  }

  // Only the marks: while maps of another step are still on their way.
  mark(step) {
    this.build();
    for (const frame of this.everyFrame()) frame.mark(this.model, step);
  }

  everyFrame() {
    return [...(this.wipe.frame ? [this.wipe.frame] : []), ...this.frames.values()];
  }

  build() {
    const { model } = this;
    const { width, height } = model.head;
    const plan = JSON.stringify([model.chosen, width, height, model.runs.map(({ facts }) => [facts.name, Boolean(facts.truth)])]);
    if (plan !== this.plan) {
      this.plan = plan;
      this.frames.clear();
      this.bars = [];
      this.grid.replaceChildren(...(model.many ? this.together() : this.alone()));
      this.node.parentElement?.classList.toggle("many", model.many);
      this.columns = 0;
    }
    this.arrange();
  }

  // The number of columns: as many as fit, in rows of equal length where that can be.
  arrange() {
    const { model } = this;
    const room = this.node.clientWidth || 900;
    let columns = this.across;
    if (!model.many) {
      const { width, height } = model.head;
      const least = WIDTH * Math.min(Math.max((0.75 * width) / height, 0.6), 1.25);
      const most = Math.max(1, Math.floor((room + 12) / (least + 12)));
      columns = Math.ceil(this.frames.size / Math.ceil(this.frames.size / most));
    }
    if (columns === this.columns) return;
    this.columns = columns;
    const least = model.many ? `${NARROW}px` : "0";
    this.grid.style.gridTemplateColumns = `repeat(${columns}, minmax(${least}, 1fr))`;
  }

  // One run: a card per panel.
  alone() {
    const { model } = this;
    return model.chosen.map((panel) => {
      const frame = this.frame(0, panel, model.title(panel));
      const title = make("figcaption", {}, make("b", {}, model.title(panel)));
      return make("figure", { class: "cell" }, title, frame.node, this.foot(panel));
    });
  }

  // Several runs: a column per run, a row per panel, and before them what all share.
  together() {
    const { model } = this;
    const rows = model.chosen.filter((panel) => !["photo", "truth"].includes(panel));
    const shared = model.chosen.filter((panel) => ["photo", "truth"].includes(panel));
    this.across = model.runs.length + (shared.length ? 1 : 0);
    const cells = [];
    for (let row = 0; row < Math.max(rows.length, shared.length); row++) {
      const panel = rows[row];
      const offset = shared.length ? 1 : 0;
      const line = `grid-row:${row + 1};grid-column:`;
      if (shared[row]) {
        const owner = model.runs.find((run) => model.has(run, shared[row]));
        const title = model.title(shared[row]);
        const frame = this.frame(owner.index, shared[row], title);
        const caption = make("figcaption", {}, make("b", {}, title));
        cells.push(make("figure", { class: "cell", style: `${line}1` }, caption, frame.node, make("footer")));
      }
      model.runs.forEach((run, index) => {
        if (!panel) return;
        const style = `${line}${index + 1 + offset}`;
        const { name } = run.facts;
        if (!model.has(run, panel)) {
          cells.push(make("div", { class: "cell none", style }, "no truth"));
          return;
        }
        const frame = this.frame(index, panel, `${model.title(panel)}, ${name}`);
        cells.push(
          make("figure", { class: "cell", style }, this.caption(run, panel), frame.node, this.foot(panel, index > 0)),
        );
      });
    }
    return cells;
  }

  // Name of a run and panel, the number that the panel is about, the step if the run is shorter.
  caption({ facts, index }, panel) {
    const { model } = this;
    const where = make("span", { class: "quiet" });
    this.bars.push((step) => {
      const { numbers } = model.head;
      const { key, decimals, title } = numbers.find((one) => one.key === SCALED[panel]) ?? numbers[0];
      const run = model.runs[index];
      const at = panel === "feedforward" ? 0 : run.at(step);
      const values = run.facts.numbers[key];
      const change = at ? ` (${signed(values[at] - values[0], decimals)})` : "";
      const late = run.last < step && panel !== "feedforward" ? `step ${at} · ` : "";
      say(where, `${late}${title} ${fixed(values[at], decimals)}${change}`);
    });
    const dot = make("i", { class: "dot", style: `background:${colourOf(index)}` });
    const head = make("span", { class: "run", title: facts.title }, dot, make("b", {}, facts.name));
    return make("figcaption", {}, head, make("span", { class: "quiet" }, model.title(panel)), where);
  }

  frame(run, panel, label) {
    const frame = new Frame(this.model, [[run, panel]], label);
    listen(frame, this.model, this.app);
    this.frames.set(`${panel}:${run}`, frame);
    return frame;
  }

  // Below a panel: its colour bar with range and unit, or what its colours mean.
  foot(panel, quiet = false) {
    const { model } = this;
    const name = SCALED[panel];
    if (panel === "right-wrong") return make("footer", { class: "fates" }, ...(quiet ? [] : this.fates()));
    if (!name) return make("footer");
    const { table, unit } = model.head.maps[name];
    const stops = Array.from({ length: 17 }, (_, i) => Math.min(i * 16, 255));
    const colours = stops.map((i) => css(table.slice(3 * i, 3 * i + 3))).join(",");
    const [low, high] = [make("span"), make("span")];
    const strip = make("div", { class: "bar", style: `background:linear-gradient(to right,${colours})` });
    const foot = make("footer", { class: "scale" }, low, strip, high);
    this.bars.push((step) => {
      const [from, to] = model.limits(name, step);
      const decimals = to >= 10 ? 1 : 2;
      say(low, fixed(from, from ? decimals : 0));
      say(high, `${fixed(to, decimals)} ${unit}`);
      const range = model.perStep ? "of this step" : "of all steps";
      set(strip, "title", `colour range ${range}: ${low.textContent} to ${high.textContent}`);
    });
    return foot;
  }

  fates() {
    return this.model.head.outcomes.map(({ name, colour }) =>
      make("span", { class: "chip" }, make("i", { style: `background:${css(colour)}` }), name),
    );
  }
}

export { Stage };
