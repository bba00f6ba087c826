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
 * Place an element of the top layer below another, or above it, within the window.
 * @param {HTMLElement} node
 * @param {Element} anchor
 */
function placeBeside(node, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const left = Math.min(Math.max(box.left, AWAY), window.innerWidth - width - AWAY);
  const below = box.bottom + AWAY + height < window.innerHeight;
  node.style.left = `${Math.max(left, AWAY)}px`;
  node.style.top = `${below ? box.bottom + AWAY : Math.max(box.top - AWAY - height, AWAY)}px`;
}

export { help, placeBeside };
