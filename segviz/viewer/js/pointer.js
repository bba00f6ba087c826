// @ts-check
// Pointers and keys on a frame: pointing, pinning, zooming and panning, by mouse, touch or keyboard.

import { WHOLE } from "./model.js";

/** @import { Frame } from "./frame.js" */
/** @import { Model } from "./model.js" */
/** @import { Pixel, Zoom } from "./types" */
/** @import { Viewer } from "./viewer.js" */
/** @typedef {[x: number, y: number]} Point */
/** @typedef {{ at: Point, zoom: Zoom, x: number, y: number, moved: boolean, spread: number }} Press */

const MAX_ZOOM = 24; // times
const STILL = 5; // screen pixels that a click may move
const NEAR = 9; // screen pixels within which a click means a pin that is there
const SCROLLING = 250; // milliseconds for which a page that scrolls goes on to scroll

let lastScroll = -Infinity; // when the page was last scrolled with the wheel

/**
 * Zoom by a factor about a point of the frame (0..1), within the photo.
 * @param {Zoom} zoom
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {Zoom}
 */
function zoomBy({ k, u, v }, factor, x, y) {
  const next = Math.min(Math.max(k * factor, 1), MAX_ZOOM);
  return clampZoom({ k: next, u: u + x / k - x / next, v: v + y / k - y / next });
}

/**
 * Move what is visible back onto the photo.
 * @param {Zoom} zoom
 * @returns {Zoom}
 */
function clampZoom({ k, u, v }) {
  const inside = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1 - 1 / k);
  return { k, u: inside(u), v: inside(v) };
}

/**
 * Let a frame answer to pointers and keys.
 * @param {Frame} frame
 * @param {Model} model
 * @param {Viewer} viewer
 */
function listen(frame, model, viewer) {
  const { node } = frame;
  /** @type {Map<number, Point>} */
  const fingers = new Map();
  /** @type {Press | null} */
  let press = null;

  /** @type {(event: MouseEvent) => Point} */
  const place = (event) => {
    const box = node.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const point = (/** @type {MouseEvent} */ event) => {
    model.cursor = frame.pixel(model, event);
    model.pointer = { x: event.clientX, y: event.clientY };
    model.hoveredRun = frame.layers[frame.layers.length - 1].run;
    viewer.requestDraw();
  };

  node.onpointerdown = (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, place(event));
    const { clientX: x, clientY: y } = event;
    const spread = fingers.size === 2 ? distance(fingers) : 0;
    press = { at: place(event), zoom: model.zoom, x, y, moved: fingers.size > 1, spread };
    if (event.pointerType !== "mouse") point(event);
  };
  node.onpointermove = (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place(event));
    if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL) press.moved = true;
    if (press?.spread && fingers.size === 2) {
      model.zoom = zoomBy(press.zoom, distance(fingers) / press.spread, ...middle(fingers));
    } else if (press?.moved && fingers.size === 1 && model.zoom.k > 1) {
      if (!node.hasPointerCapture(event.pointerId)) node.setPointerCapture(event.pointerId);
      const [x, y] = place(event);
      const { k, u, v } = press.zoom;
      model.zoom = clampZoom({ k, u: u - (x - press.at[0]) / k, v: v - (y - press.at[1]) / k });
    }
    point(event);
  };
  node.onpointerup = (event) => {
    fingers.delete(event.pointerId);
    const click = press && !press.moved && !fingers.size;
    if (!fingers.size) press = null;
    if (!click) {
      viewer.stateChanged(); // of a zoom that was moved
      return;
    }
    point(event);
    pinAt(frame, model, viewer, frame.pixel(model, event));
    event.stopPropagation();
  };
  node.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    press = null;
  };
  node.onpointerleave = (event) => {
    if (event.pointerType !== "mouse" || fingers.size) return;
    model.cursor = null;
    model.pointer = null;
    viewer.requestDraw();
  };
  node.ondblclick = (event) => {
    model.zoom = WHOLE;
    point(event);
    viewer.stateChanged();
  };
  const onWheel = (/** @type {WheelEvent} */ event) => {
    const closer = event.deltaY < 0;
    if (event.timeStamp - lastScroll < SCROLLING || (!closer && model.zoom.k === 1)) {
      lastScroll = event.timeStamp;
      return;
    }
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.min(Math.max(event.deltaY * lines, -240), 240);
    model.zoom = zoomBy(model.zoom, Math.exp(-amount / (event.ctrlKey ? 60 : 300)), ...place(event));
    point(event);
    viewer.stateChanged();
  };
  node.addEventListener("wheel", onWheel, { passive: false });
  node.onkeydown = (event) => onKeyDown(event, model, viewer);
}

/**
 * Pin a pixel, or unpin the pin near it.
 * @param {Frame} frame
 * @param {Model} model
 * @param {Viewer} viewer
 * @param {Pixel} pixel
 */
function pinAt(frame, model, viewer, { x, y }) {
  const box = frame.node.getBoundingClientRect();
  const size = (box.width * model.zoom.k) / model.head.width; // of a photo pixel on the screen
  const near = model.pins.find((pin) => Math.hypot(pin.x - x, pin.y - y) * size < NEAR);
  if (near) model.unpin(near.slot);
  else if (!model.pin(x, y)) warnOfPins(model, viewer);
  viewer.stateChanged();
}

/**
 * @param {Model} model
 * @param {Viewer} viewer
 */
function warnOfPins(model, viewer) {
  viewer.notify(`${model.pins.length} pixels are pinned, which is the limit; unpin one first.`);
}

/** @type {Record<string, Point | undefined>} */
const MOVES = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };

/**
 * With a frame focused: W A S D move the crosshair (with Shift by 10), Enter pins, + - 0 zoom.
 * @param {KeyboardEvent} event
 * @param {Model} model
 * @param {Viewer} viewer
 */
function onKeyDown(event, model, viewer) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { head, zoom } = model;
  const move = MOVES[event.key.toLowerCase()];
  const cursor = model.cursor ?? { x: head.width >> 1, y: head.height >> 1 };
  model.pointer = null;
  if (move) {
    const far = event.shiftKey ? 10 : 1;
    model.cursor = {
      x: Math.min(Math.max(cursor.x + far * move[0], 0), head.width - 1),
      y: Math.min(Math.max(cursor.y + far * move[1], 0), head.height - 1),
    };
  } else if (event.key === "Enter") {
    const found = model.pins.find(({ x, y }) => x === cursor.x && y === cursor.y);
    model.cursor = cursor;
    if (found) model.unpin(found.slot);
    else if (!model.pin(cursor.x, cursor.y)) warnOfPins(model, viewer);
    viewer.stateChanged();
  } else if (event.key === "+" || event.key === "=" || event.key === "-") {
    const x = ((cursor.x + 0.5) / head.width - zoom.u) * zoom.k;
    const y = ((cursor.y + 0.5) / head.height - zoom.v) * zoom.k;
    model.zoom = zoomBy(zoom, event.key === "-" ? 1 / 1.5 : 1.5, x, y);
  } else if (event.key === "0") {
    model.zoom = WHOLE;
  } else return;
  event.preventDefault();
  event.stopPropagation();
  viewer.stateChanged();
}

/** @param {Map<number, Point>} fingers */
function distance(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return Math.max(Math.hypot(ax - bx, ay - by), 1e-3);
}

/**
 * @param {Map<number, Point>} fingers
 * @returns {Point}
 */
function middle(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return [(ax + bx) / 2, (ay + by) / 2];
}

/**
 * Note when the wheel scrolls the page, which it goes on to do when a frame comes under the pointer.
 * @returns {() => void} Stops it.
 */
function watchScroll() {
  const note = (/** @type {WheelEvent} */ event) => {
    const onFrame = event.composedPath().some((node) => node instanceof Element && node.classList.contains("frame"));
    if (!onFrame) lastScroll = event.timeStamp;
  };
  window.addEventListener("wheel", note, { passive: true, capture: true });
  return () => window.removeEventListener("wheel", note, { capture: true });
}

export { clampZoom, listen, watchScroll, zoomBy };
