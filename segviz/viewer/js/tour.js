// @ts-check
// A tour of five steps, offered on the first visit, that can be left at any time and called again.

import { button, html, setText } from "./dom.js";
import { placeBeside } from "./help.js";
import { store, stored } from "./model.js";

/** @import { Viewer } from "./viewer.js" */
/** @typedef {{ title: string, text: string, target: () => Element | null | undefined }} Stop */

const SEEN = "segviz tour"; // the key of the browser's storage
const MENU = 66; // CSS pixels at the top that stay free: the app's menu, which may not be there yet

/**
 * @param {Viewer} viewer
 * @returns {Stop[]}
 */
function stops(viewer) {
  const outside = (/** @type {string} */ id) => document.querySelector(`[data-testid=${id}]`);
  return [
    {
      title: "A photo and settings",
      text: "Choose a photo and what adapts the network; Run starts it. The question marks explain each setting.",
      target: () => outside("stSidebar"),
    },
    {
      title: "Steps",
      text: "Step 0 is the plain prediction; each step is one update. Space plays, the arrow keys step, F fills the screen.",
      target: () => viewer.playback.node,
    },
    {
      title: "Pictures",
      text: "Point at a pixel to read its class, probability, entropy and sigma; click to pin it, turn the wheel to zoom.",
      target: () => viewer.grid.node,
    },
    {
      title: "Numbers",
      text: "IoU tells how right the prediction is, entropy how unsure: lower is surer, not better. A chart goes to a step.",
      target: () => viewer.numbers.node,
    },
    {
      title: "Other pages",
      text: "Compare methods, scales and settings on one photo; Benchmark tells what happens on average.",
      target: () => outside("stTopNav"),
    },
  ];
}

class Tour {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.at = 0;
    /** @type {Stop[]} */
    this.stops = [];
    this.outline = html("div", { class: "tour-outline", popover: "manual" });
    this.title = html("b");
    this.text = html("p");
    this.count = html("span", { class: "muted" });
    this.back = button("Back", { text: "Back", onclick: () => this.go(this.at - 1) });
    this.next = button("Next", { text: "Next", class: "play", onclick: () => this.go(this.at + 1) });
    const leave = button("Leave the tour", { text: "Leave", onclick: () => this.end() });
    const buttons = html("footer", {}, this.count, leave, this.back, this.next);
    this.card = html("div", { class: "tour", popover: "manual", role: "dialog", "aria-label": "Tour" });
    this.card.append(this.title, this.text, buttons);
    this.card.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.end();
    };
    this.nodes = [this.outline, this.card];
    this.elsewhere = (/** @type {Event} */ event) => {
      if (!event.composedPath().includes(this.card)) this.end();
    };
  }

  /** Start the tour unless it was seen in this browser. */
  offer() {
    store(SEEN, stored(SEEN) ?? "");
    if (stored(SEEN) === "") this.start(); // a browser that keeps nothing would offer it for ever
  }

  start() {
    this.stops = stops(this.viewer).filter(({ target }) => target()?.getClientRects().length);
    if (!this.card.isConnected) this.viewer.root.append(...this.nodes);
    for (const node of this.nodes) if (!node.matches(":popover-open")) node.showPopover();
    // Whoever clicks on something else has begun to work: the tour gives way.
    document.addEventListener("pointerdown", this.elsewhere, { capture: true });
    this.go(0);
    this.next.focus({ preventScroll: true });
  }

  /** @param {number} at */
  go(at) {
    if (at >= this.stops.length) {
      this.end();
      return;
    }
    this.at = Math.max(at, 0);
    const { title, text, target } = this.stops[this.at];
    setText(this.title, title);
    setText(this.text, text);
    setText(this.count, `${this.at + 1} of ${this.stops.length}`);
    this.back.disabled = this.at === 0;
    setText(this.next, this.at === this.stops.length - 1 ? "Done" : "Next");
    const node = target();
    if (!node) return;
    node.scrollIntoView({ block: "nearest" });
    const box = node.getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, 2), Math.min(box.bottom, window.innerHeight - 2)];
    this.outline.style.cssText = `left:${box.left}px;top:${top}px;width:${box.width}px;height:${Math.max(bottom - top, 0)}px`;
    placeBeside(this.card, this.outline);
    if (this.card.offsetTop < MENU) this.card.style.top = `${MENU}px`;
  }

  end() {
    document.removeEventListener("pointerdown", this.elsewhere, { capture: true });
    for (const node of this.nodes) if (node.matches(":popover-open")) node.hidePopover();
    store(SEEN, "done");
  }

  destroy() {
    document.removeEventListener("pointerdown", this.elsewhere, { capture: true });
    for (const node of this.nodes) node.remove();
  }
}

export { Tour };
