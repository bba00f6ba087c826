// @ts-check
// What the pixel pointed at has, beside the pointer.

import { chip, html, setText } from "./dom.js";
import { fixed, percent } from "./format.js";
import { inspect } from "./sample.js";

/** @import { Model } from "./model.js" */

const AWAY = 14; // CSS pixels between pointer and text

class Tooltip {
  /**
   * @param {Model} model
   * @param {HTMLElement} root What it stays within.
   */
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.head = html("div", { class: "tooltip-class" });
    this.numbers = html("div");
    this.node = html("div", { class: "tooltip", hidden: true, "aria-hidden": "true" }, this.head, this.numbers);
    this.written = "";
  }

  /** @param {number} step */
  update(step) {
    const { model } = this;
    const { cursor, pointer } = model;
    const run = model.runs[Math.min(model.hoveredRun, model.runs.length - 1)];
    const reading = cursor && pointer ? inspect(run, step, cursor.x, cursor.y) : null;
    this.node.hidden = !reading;
    if (!reading || !pointer) return;
    const [own] = reading.ranking ?? [];
    const share = own?.id === reading.label ? ` ${percent(own.probability)}` : "";
    const { entropy, sigma } = model.head.maps;
    const values = [`${entropy.title.toLowerCase()} ${fixed(reading.entropy, entropy.decimals)} ${entropy.unit}`];
    if (sigma && reading.sigma !== null) {
      values.push(`${sigma.title.toLowerCase()} ${fixed(reading.sigma, sigma.decimals)} ${sigma.unit}`);
    }
    const written = JSON.stringify([model.safe, reading.label, share, values]);
    if (written !== this.written) {
      this.written = written;
      this.head.replaceChildren(chip(model.colour(reading.label), model.name(reading.label)), share);
      setText(this.numbers, values.join(" · "));
    }
    const box = this.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const [x, y] = [pointer.x - box.left, pointer.y - box.top];
    const left = x + AWAY + width > box.width ? x - AWAY - width : x + AWAY;
    const below = pointer.y + AWAY + height < window.innerHeight;
    const top = below ? y + AWAY : y - AWAY - height;
    this.node.style.transform = `translate(${Math.max(left, 0)}px, ${top}px)`;
  }
}

export { Tooltip };
