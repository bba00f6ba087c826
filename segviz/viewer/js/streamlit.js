// @ts-check
// The viewer as a Streamlit component: bytes in, the viewer's state out.

import { mount } from "./viewer.js";

/** @import { Head, Options } from "./types" */
/** @import { Viewer } from "./viewer.js" */

/**
 * A viewer, and what undoes the latest message to its element.
 * @type {WeakMap<HTMLElement, { viewer: Viewer, undo: () => void }>}
 */
const viewers = new WeakMap();

/**
 * Take a message apart: the length of the head (uint32, little-endian), the head as JSON, the frames.
 * @param {Uint8Array} data
 * @returns {{ head: Head & Options, frames: Uint8Array }}
 */
function parse(data) {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { head, frames: data.subarray(4 + length) };
}

/**
 * Draw a message, as Streamlit calls a component for every message to it.
 * @param {{
 *   data: Uint8Array,
 *   parentElement: HTMLElement,
 *   setStateValue: (name: string, value: unknown) => void,
 * }} call
 */
function component({ data, parentElement, setStateValue }) {
  const { head, frames } = parse(data);
  const { growing, view } = head;
  /** @type {Options} */
  const options = { growing, tour: true, report: (state) => setStateValue("view", state) };
  let viewer = viewers.get(parentElement)?.viewer;
  if (viewer) viewer.update(head, frames, options);
  else viewer = mount(parentElement, head, frames, { ...options, view });
  // Streamlit undoes a message late if the next one came while it waited for this module: by then
  // the viewer belongs to that one.
  const undo = () => {
    const current = viewers.get(parentElement);
    if (current?.undo !== undo) return;
    current.viewer.destroy();
    viewers.delete(parentElement);
  };
  viewers.set(parentElement, { viewer, undo });
  return undo;
}

export { component, parse };
