// @ts-check
// Explanations: a "?" that opens a sentence beside it.

import { html } from "./dom.js";

const AWAY = 6; // CSS pixels between button and text

/**
 * Make a button that shows an explanation; Escape, or a click elsewhere, closes it.
 * @param {string} name What is explained.
 * @param {string} text
 */
function help(name, text) {
  const bubble = html("span", { class: "bubble", popover: "auto" }, html("b", {}, name), ` ${text}`);
  const node = html("button", { type: "button", class: "help", "aria-label": `Explain ${name}`, title: text }, "?");
  node.onclick = () => {
    bubble.togglePopover();
    if (bubble.matches(":popover-open")) placeBeside(bubble, node);
  };
  return html("span", { class: "explained" }, node, bubble);
}

/**
 * Place an element of the top layer below another, or above or beside it, within the window.
 * @param {HTMLElement} node
 * @param {Element} anchor
 */
function placeBeside(node, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const within = (/** @type {number} */ at, /** @type {number} */ most) => Math.max(Math.min(at, most), AWAY);
  const most = { left: window.innerWidth - width - AWAY, top: window.innerHeight - height - AWAY };
  let [left, top] = [box.left, box.bottom + AWAY];
  if (top > most.top) top = box.top - AWAY - height;
  if (top < AWAY) [left, top] = [box.right + AWAY, box.top + AWAY];
  node.style.left = `${within(left, most.left)}px`;
  node.style.top = `${within(top, most.top)}px`;
}

export { help, placeBeside };
