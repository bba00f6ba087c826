// @ts-check
// A shade over a panel that leaves the pixels of one cell of the confusion matrix clear.

import { html } from "./dom.js";

/** @import { Model } from "./model.js" */
/** @import { Head, Zoom } from "./types" */

const DARK = 0xd2180f0a; // nearly opaque, as ImageData has it

/**
 * Write a shade: clear where truth and prediction are those of a cell.
 * @param {Uint32Array} target
 * @param {Uint8Array} truth
 * @param {Uint8Array} labels
 * @param {[truth: number, predicted: number]} cell
 */
function shade(target, truth, labels, [is, as]) {
  for (let i = 0; i < target.length; i++) target[i] = truth[i] === is && labels[i] === as ? 0 : DARK;
}

/**
 * Show the part of a canvas that a zoom leaves visible.
 * @param {HTMLCanvasElement} canvas
 * @param {Zoom} zoom
 */
function moveCanvas(canvas, { k, u, v }) {
  const transform = k === 1 ? "" : `translate(${-100 * u * k}%, ${-100 * v * k}%) scale(${k})`;
  if (canvas.style.transform !== transform) canvas.style.transform = transform;
}

class Shade {
  /** @param {Head} head */
  constructor({ width, height }) {
    // It takes memory from the first draw on only.
    this.size = { width, height };
    this.canvas = html("canvas", { class: "shade crisp", width: 1, height: 1, hidden: true, "aria-hidden": "true" });
    this.key = "";
  }

  /**
   * @param {Model} model
   * @param {number} index Of the run.
   * @param {number} step
   */
  draw(model, index, step) {
    const run = model.runs[index];
    const labels = run.labels(step);
    const { cell } = model;
    this.canvas.hidden = !cell || !run.truth;
    if (!cell || !run.truth || !labels) return;
    const key = JSON.stringify([model.painter.name, index, run.at(step), cell]);
    if (key === this.key) return;
    this.key = key;
    const { width, height } = this.size;
    if (this.canvas.width !== width) Object.assign(this.canvas, { width, height });
    const image = new ImageData(width, height);
    shade(new Uint32Array(image.data.buffer), run.truth, labels, cell);
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** @param {Zoom} zoom */
  move(zoom) {
    moveCanvas(this.canvas, zoom);
  }
}

export { moveCanvas, Shade, shade };
