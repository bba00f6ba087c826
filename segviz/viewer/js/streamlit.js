// The viewer as a Streamlit component: bytes in, the view out.

import { mount } from "./mount.js";

const viewers = new WeakMap(); // element -> its viewer, and what undoes the latest message

// A message is the length of the head (uint32, little end first), the head as JSON, the frames.
function open(data) {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return [head, data.subarray(4 + length)];
}

function component({ data, parentElement, setStateValue }) {
  const [head, frames] = open(data);
  const { live, view } = head;
  const options = { live, report: (now) => setStateValue("view", now) };
  let viewer = viewers.get(parentElement)?.viewer;
  if (viewer) viewer.update(head, frames, options);
  else viewer = mount(parentElement, head, frames, { ...options, view });
  // Streamlit undoes a message late, if the next came while it waited for this module: by then the
  // viewer belongs to that one.
  const undo = () => {
    if (viewers.get(parentElement)?.undo !== undo) return;
    viewer.destroy();
    viewers.delete(parentElement);
  };
  viewers.set(parentElement, { viewer, undo });
  return undo;
}
