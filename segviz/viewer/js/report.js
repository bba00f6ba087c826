// @ts-check
// The viewer in an HTML report, which holds the head as JSON and the frames in base64.

import { mount } from "./viewer.js";

/** Draw the viewer of the report that this script stands in. */
function openReport() {
  try {
    const bytes = Uint8Array.from(atob(element("frames").textContent ?? ""), (character) => character.charCodeAt(0));
    mount(element("viewer"), JSON.parse(element("head").textContent ?? ""), bytes);
  } catch (error) {
    const failed = element("failed");
    failed.textContent = `The viewer does not work in this browser (${error instanceof Error ? error.message : error}).`;
    failed.hidden = false;
  }
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

export { openReport };
