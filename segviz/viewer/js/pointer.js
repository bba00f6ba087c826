// Pointers and keys on a frame: pointing, pinning, zooming and panning, by mouse, touch or keyboard.

const MOST = 24; // times
const STILL = 5; // screen pixels that a click may move
const NEAR = 9; // screen pixels within which a click means a pin that is there
const SCROLL = 250; // milliseconds for which a page that scrolls goes on to scroll

let scrolled = -Infinity; // when the page was last scrolled with the wheel

// Zoom by a factor about a point of the frame (0..1), within the photo.
function zoomed({ k, u, v }, factor, x, y) {
  const next = Math.min(Math.max(k * factor, 1), MOST);
  return within({ k: next, u: u + x / k - x / next, v: v + y / k - y / next });
}

function within({ k, u, v }) {
  const inside = (value) => Math.min(Math.max(value, 0), 1 - 1 / k);
  return { k, u: inside(u), v: inside(v) };
}

function listen(frame, model, app) {
  const { node } = frame;
  const fingers = new Map();
  let start = null; // of a press: place, zoom, and whether it has moved

  const place = (event) => {
    const box = node.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const point = (event) => {
    model.cursor = frame.pixel(model, event);
    model.pointed = frame.layers.at(-1).run;
    app.touch();
  };

  node.onpointerdown = (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, place(event));
    start = { at: place(event), zoom: model.zoom, x: event.clientX, y: event.clientY, moved: fingers.size > 1 };
    if (fingers.size === 2) start.spread = distance(fingers);
    if (event.pointerType !== "mouse") point(event);
  };
  node.onpointermove = (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place(event));
    if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL) start.moved = true;
    if (start?.spread && fingers.size === 2) {
      const [x, y] = middle(fingers);
      model.zoom = zoomed(start.zoom, distance(fingers) / start.spread, x, y);
    } else if (start?.moved && fingers.size === 1 && model.zoom.k > 1) {
      if (!node.hasPointerCapture(event.pointerId)) node.setPointerCapture(event.pointerId);
      const [x, y] = place(event);
      const { k, u, v } = start.zoom;
      model.zoom = within({ k, u: u - (x - start.at[0]) / k, v: v - (y - start.at[1]) / k });
    }
    point(event);
  };
  node.onpointerup = (event) => {
    fingers.delete(event.pointerId);
    const click = start && !start.moved && !fingers.size;
    if (!fingers.size) start = null;
    if (!click) return;
    point(event);
    pinAt(frame, model, app, event);
  };
  node.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    start = null;
  };
  node.onpointerleave = (event) => {
    if (event.pointerType !== "mouse" || fingers.size) return;
    model.cursor = null;
    app.touch();
  };
  node.ondblclick = (event) => {
    model.zoom = { k: 1, u: 0, v: 0 };
    point(event);
  };
  node.addEventListener("wheel", (event) => turn(event), { passive: false });
  const turn = (event) => {
    const closer = event.deltaY < 0;
    if (event.timeStamp - scrolled < SCROLL || (!closer && model.zoom.k === 1)) {
      scrolled = event.timeStamp;
      return;
    }
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.min(Math.max(event.deltaY * lines, -240), 240);
    model.zoom = zoomed(model.zoom, Math.exp(-amount / (event.ctrlKey ? 60 : 300)), ...place(event));
    point(event);
  };
  node.onkeydown = (event) => keys(event, model, app);
}

function pinAt(frame, model, app, event) {
  const box = frame.node.getBoundingClientRect();
  const size = (box.width * model.zoom.k) / model.head.width; // of a photo pixel on the screen
  const { x, y } = model.cursor;
  const near = model.pins.find((pin) => Math.hypot(pin.x - x, pin.y - y) * size < NEAR);
  if (near) model.unpin(near.slot);
  else if (!model.pin(x, y)) app.hint(`${model.pins.length} pixels are pinned, which is the most; unpin one first.`);
  event.stopPropagation();
  app.changed();
}

// With a frame focused: W A S D move the crosshair (with Shift by 10), Enter pins, + - 0 zoom.
function keys(event, model, app) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { head, zoom } = model;
  const moves = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };
  const move = moves[event.key.toLowerCase()];
  const cursor = model.cursor ?? { x: head.width >> 1, y: head.height >> 1 };
  if (move) {
    const far = event.shiftKey ? 10 : 1;
    const inside = (value, count) => Math.min(Math.max(value, 0), count - 1);
    model.cursor = {
      x: inside(cursor.x + far * move[0], head.width),
      y: inside(cursor.y + far * move[1], head.height),
    };
  } else if (event.key === "Enter") {
    const found = model.pins.find(({ x, y }) => x === cursor.x && y === cursor.y);
    model.cursor = cursor;
    if (found) model.unpin(found.slot);
    else model.pin(cursor.x, cursor.y);
    app.changed();
  } else if (event.key === "+" || event.key === "=" || event.key === "-") {
    const x = ((cursor.x + 0.5) / head.width - zoom.u) * zoom.k;
    const y = ((cursor.y + 0.5) / head.height - zoom.v) * zoom.k;
    model.zoom = zoomed(zoom, event.key === "-" ? 1 / 1.5 : 1.5, x, y);
  } else if (event.key === "0") {
    model.zoom = { k: 1, u: 0, v: 0 };
  } else return;
  event.preventDefault();
  event.stopPropagation();
  app.touch();
}

function distance(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return Math.max(Math.hypot(ax - bx, ay - by), 1e-3);
}

function middle(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return [(ax + bx) / 2, (ay + by) / 2];
}

// Wheels turned elsewhere scroll the page, and go on to when a frame comes under the pointer.
function watchScroll(root) {
  const note = (event) => {
    const frame = event.composedPath().some((node) => node.classList?.contains("frame"));
    if (!frame) scrolled = event.timeStamp;
  };
  window.addEventListener("wheel", note, { passive: true, capture: true });
  return () => window.removeEventListener("wheel", note, { capture: true });
}

export { listen, watchScroll };
