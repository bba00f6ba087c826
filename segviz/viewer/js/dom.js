// @ts-check
// Helpers to make and change elements.

import { css } from "./format.js";

/** @import { Colour } from "./types" */
/** @typedef {Record<string, string | number | boolean | Function | null | undefined>} Attributes */
/** @typedef {Node | string | null | undefined} Child */

const SVG = "http://www.w3.org/2000/svg";

// Icons on a grid of 16, drawn with strokes or, for playback, filled.
/** @type {Record<string, string>} */
const ICONS = {
  first: "M4 3v10M13 3 6 8l7 5z",
  previous: "M11 3 4.5 8l6.5 5z",
  play: "M4.5 2.5v11L13 8z",
  pause: "M5 3v10M11 3v10",
  next: "M5 3l6.5 5L5 13z",
  last: "M12 3v10M3 3l7 5-7 5z",
  loop: "M3 7.5V6.5A2.5 2.5 0 0 1 5.5 4H12M10 2l2 2-2 2M13 8.5v1A2.5 2.5 0 0 1 10.5 12H4M6 14l-2-2 2-2",
  close: "M4 4l8 8M12 4l-8 8",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  fit: "M6 3H3v3M10 3h3v3M6 13H3v-3M10 13h3v-3",
};

/**
 * Make an HTML element. Attributes that are false, null or undefined are left out; names that
 * begin with "on" are event handlers.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Make an SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {HTMLElement | SVGElement} E
 * @param {E} node
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") Object.assign(node, { [name]: value });
    else if (name === "style") node.style.cssText = String(value); // as the policy of reports allows
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/** @param {string} name One of `ICONS`. */
function icon(name) {
  const attributes = { viewBox: "0 0 16 16", class: `icon ${name}`, "aria-hidden": "true" };
  return svg("svg", attributes, svg("path", { d: ICONS[name] }));
}

/**
 * Make a button. With a text, the label becomes the tooltip; without, the name as well.
 * @param {string} label
 * @param {Attributes & { image?: string, text?: string }} [attributes]
 */
function button(label, { image, text, ...rest } = {}) {
  return html(
    "button",
    { type: "button", "aria-label": text ? null : label, title: label, ...rest },
    image ? icon(image) : null,
    text ? html("span", {}, text) : null,
  );
}

/**
 * Make a button that is pressed or not; `setPressed` changes it.
 * @param {string} label
 * @param {Attributes & { image?: string, text?: string }} [attributes]
 */
function toggle(label, attributes = {}) {
  return button(label, { "aria-pressed": "false", ...attributes });
}

/**
 * @param {Element} node
 * @param {boolean} pressed
 */
function setPressed(node, pressed) {
  setAttribute(node, "aria-pressed", String(pressed));
}

// Text and attributes are written only when they change, so that nothing is laid out in vain.

/**
 * @param {Element} node
 * @param {string} text
 */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string | number} value
 */
function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/**
 * Make a square of a colour and a name beside it.
 * @param {Colour} colour
 * @param {string} name
 */
function chip(colour, name) {
  return html("span", { class: "chip" }, html("i", { style: `background:${css(colour)}` }), name);
}

export { button, chip, html, icon, setAttribute, setPressed, setText, svg, toggle };
