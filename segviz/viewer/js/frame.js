// @ts-check
// A frame: a picture of a panel, or two to wipe between, under the shared zoom and cursor.

import { html, setAttribute, svg } from "./dom.js";
import { runColour } from "./model.js";
import { moveCanvas, Shade } from "./shade.js";
import { fieldSize, read } from "./sample.js";

/** @import { Model } from "./model.js" */
/** @import { Run } from "./decode.js" */
/** @import { Head, PanelInfo, Pixel, Zoom } from "./types" */
/**
 * What a layer shows; of another step than the one shown, if it has one.
 * @typedef {{ run: Run, panel: PanelInfo, step?: number | null }} Source
 */

const CRISP = 3; // magnification from which the photo's pixels are drawn as squares

class Layer {
  /**
   * @param {Head} head
   * @param {Source} source
   */
  constructor(head, { run, panel, step = null }) {
    this.run = run.index;
    this.step = step;
    this.panel = panel;
    this.key = "";
    this.canvas = html("canvas", { width: head.width, height: head.height });
    this.context = /** @type {CanvasRenderingContext2D} */ (
      this.canvas.getContext("2d", { alpha: false, willReadFrequently: true })
    );
    this.node = html("div", { class: "layer", "data-panel": panel.id, "data-run": run.index }, this.canvas);
  }

  /**
   * @param {Model} model
   * @param {number} step
   */
  draw(model, step) {
    const run = model.runs[this.run];
    const at = this.step ?? step;
    const picture = model.painter.picture(run, this.panel, at, model.display(at));
    if (!picture) return;
    setAttribute(this.node, "data-step", run.at(at));
    if (picture.key === this.key) return;
    this.context.putImageData(picture.image, 0, 0);
    this.key = picture.key;
  }

  /** @param {Zoom} zoom */
  move(zoom) {
    moveCanvas(this.canvas, zoom);
    // Maps are always drawn in squares, the photo once its pixels can be told apart.
    this.canvas.classList.toggle("crisp", !showsPhoto(this.panel) || zoom.k >= CRISP);
  }
}

class Frame {
  /**
   * @param {Model} model
   * @param {Source[]} sources
   * @param {string} label
   */
  constructor(model, sources, label) {
    const { width, height } = model.head;
    this.layers = sources.map((source) => new Layer(model.head, source));
    this.marks = svg("svg", { class: "marks", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.lines = ["back", "back", "front", "front"].map((kind) => svg("line", { class: kind }));
    this.fields = svg("g");
    this.marks.append(...this.lines, this.fields);
    this.badges = html("div", { class: "badges" });
    this.shade = new Shade(model.head);
    this.node = html(
      "div",
      {
        class: "frame",
        tabindex: "0",
        role: "img",
        "aria-label": label,
        title: "",
        style: `aspect-ratio: ${width} / ${height}`,
      },
      ...this.layers.map((layer) => layer.node),
      this.shade.canvas,
      this.marks,
      this.badges,
    );
    this.marked = "";
  }

  /**
   * @param {Model} model
   * @param {number} step
   */
  draw(model, step) {
    for (const layer of this.layers) layer.draw(model, step);
    const { run, step: own } = this.layers[0];
    this.shade.draw(model, run, own ?? step);
  }

  /**
   * Draw zoom, crosshair, the extent of the receptive field and pins, if they have changed.
   * @param {Model} model
   * @param {number} step
   */
  mark(model, step) {
    const { zoom, cursor, pins, head } = model;
    const fields = showsPhoto(this.layers[0].panel) && cursor ? fieldsAt(model, step, cursor) : [];
    const marked = JSON.stringify([zoom, cursor, pins, fields]);
    if (marked === this.marked) return;
    this.marked = marked;
    for (const layer of this.layers) layer.move(zoom);
    this.shade.move(zoom);
    this.node.classList.toggle("zoomed", zoom.k > 1);
    const { width, height } = head;
    const [left, top] = [zoom.u * width, zoom.v * height];
    setAttribute(this.marks, "viewBox", `${left} ${top} ${width / zoom.k} ${height / zoom.k}`);
    this.lines.forEach((line, i) => {
      line.style.display = cursor ? "" : "none";
      if (!cursor) return;
      const horizontal = i % 2 === 0;
      const [x, y] = [cursor.x + 0.5, cursor.y + 0.5];
      const [x1, y1, x2, y2] = horizontal ? [left, y, left + width, y] : [x, top, x, top + height];
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, String(value));
    });
    this.fields.replaceChildren(
      ...fields.flatMap(({ x, y, radius, colour }) => {
        const circle = { cx: x + 0.5, cy: y + 0.5, r: radius };
        return [
          svg("circle", { ...circle, class: "field back" }),
          svg("circle", { ...circle, class: "field front", style: `stroke:${colour}` }),
        ];
      }),
    );
    this.badges.replaceChildren(
      ...pins.map(({ x, y, slot, colour }) => {
        const across = 100 * zoom.k * ((x + 0.5) / width - zoom.u);
        const down = 100 * zoom.k * ((y + 0.5) / height - zoom.v);
        const outside = Math.min(across, down) < 0 || Math.max(across, down) > 100;
        const style = `left:${across}%;top:${down}%;background:${colour}`;
        return html("span", { class: "badge", style, hidden: outside }, String(slot + 1));
      }),
    );
  }

  /**
   * Return the photo pixel under a pointer.
   * @param {Model} model
   * @param {MouseEvent} event
   * @returns {Pixel}
   */
  pixel({ zoom, head }, { clientX, clientY }) {
    const box = this.node.getBoundingClientRect();
    /** @type {(part: number, from: number, count: number) => number} */
    const index = (part, from, count) => {
      return Math.min(Math.max(Math.floor((from + part / zoom.k) * count), 0), count - 1);
    };
    return {
      x: index((clientX - box.left) / box.width, zoom.u, head.width),
      y: index((clientY - box.top) / box.height, zoom.v, head.height),
    };
  }
}

/** @param {PanelInfo} panel */
function showsPhoto({ draws }) {
  return draws === "photo" || draws === "overlay";
}

/**
 * Return the true extent of every run's receptive field at a pixel, as a radius in photo pixels.
 * @param {Model} model
 * @param {number} step
 * @param {Pixel} pixel
 */
function fieldsAt(model, step, { x, y }) {
  return model.runs.flatMap((run) => {
    const codes = run.codes(step, "sigma");
    if (!codes || !run.values.sigma) return [];
    const size = fieldSize(run.info.receptiveField, read(run, codes, run.values.sigma, x, y));
    const colour = model.comparing ? runColour(run.index) : "#fff";
    return [{ x, y, radius: size / run.info.scale / 2, colour }];
  });
}

export { Frame };
