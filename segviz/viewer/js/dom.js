// Small helpers: elements, icons, numbers as text.

function make(tag, attributes = {}, ...children) {
  const svg = SVG_TAGS.has(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node[name] = value;
    else if (name === "style") node.style.cssText = value;
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG_TAGS = new Set(["svg", "path", "line", "circle", "rect", "g"]);

// Icons on a grid of 16, drawn with strokes or, for transport, filled.
const ICONS = {
  first: "M4 3v10M13 3 6 8l7 5z",
  previous: "M11 3 4.5 8l6.5 5z",
  play: "M4.5 2.5v11L13 8z",
  pause: "M5 3v10M11 3v10",
  next: "M5 3l6.5 5L5 13z",
  last: "M12 3v10M3 3l7 5-7 5z",
  loop: "M3 7.5V6.5A2.5 2.5 0 0 1 5.5 4H12M10 2l2 2-2 2M13 8.5v1A2.5 2.5 0 0 1 10.5 12H4M6 14l-2-2 2-2",
  close: "M4 4l8 8M12 4l-8 8",
  fit: "M6 3H3v3M10 3h3v3M6 13H3v-3M10 13h3v-3",
};

function icon(name) {
  return make(
    "svg",
    { viewBox: "0 0 16 16", class: `icon ${name}`, "aria-hidden": "true" },
    make("path", { d: ICONS[name] }),
  );
}

function button(label, { image, text, onclick, ...rest } = {}) {
  return make(
    "button",
    { type: "button", "aria-label": text ? null : label, title: label, onclick, ...rest },
    image ? icon(image) : null,
    text ? make("span", {}, text) : null,
  );
}

function toggle(label, { pressed = false, ...rest } = {}) {
  return button(label, { "aria-pressed": String(pressed), ...rest });
}

function press(node, pressed) {
  node.setAttribute("aria-pressed", String(pressed));
}

// Text and attributes are written only when they change, so that nothing is laid out in vain.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function fixed(value, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? Math.min(decimals, 1) : decimals);
}

function signed(value, decimals) {
  if (value === null || Number.isNaN(value)) return "";
  const text = fixed(Math.abs(value), decimals);
  return Number(text) === 0 ? `±${text}` : `${value < 0 ? "−" : "+"}${text}`;
}

const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

// A class as a small square of its colour and its name.
function chip(colour, name) {
  return make("span", { class: "chip" }, make("i", { style: `background:${css(colour)}` }), name);
}

export { button, chip, css, fixed, icon, make, press, say, set, signed, toggle };
