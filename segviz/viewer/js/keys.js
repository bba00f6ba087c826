// @ts-check
// Keys for the whole page: Space, arrows, Home and End, F for the full screen, unless the reader types or another control
// has use for them. Of several viewers on a page, the one last touched takes them.

/** @import { Model } from "./model.js" */
/** @import { Viewer } from "./viewer.js" */

const TYPING = [
  "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=option]",
  "[role=menuitem], [role=listbox], [role=combobox], [role=spinbutton]",
].join();
const PRESSED = "button, a[href], summary, [role=button], [role=switch], [role=checkbox]";

// Streamlit may load this module several times, so the window holds the active viewer.
const ACTIVE = Symbol.for("the segviz viewer that takes keys");
/** @type {{ [ACTIVE]?: HTMLElement }} */
const page = typeof window === "undefined" ? {} : /** @type {any} */ (window);

/**
 * @param {HTMLElement} root
 * @param {Model} model
 * @param {Viewer} viewer
 * @returns {() => void} Stops it.
 */
function listenKeys(root, model, viewer) {
  const activate = () => {
    page[ACTIVE] = root;
  };
  if (!page[ACTIVE]?.isConnected) activate();
  root.addEventListener("pointerdown", activate, true);
  root.addEventListener("focusin", activate, true);

  /** @param {KeyboardEvent} event */
  const target = (event) => {
    const far = event.shiftKey ? 10 : 1;
    /** @type {Record<string, number | undefined>} */
    const steps = {
      ArrowLeft: model.step - far,
      ArrowRight: model.step + far,
      Home: event.shiftKey ? undefined : 0,
      End: event.shiftKey ? undefined : model.last,
    };
    return steps[event.key];
  };

  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (!page[ACTIVE]?.isConnected) activate();
    if (page[ACTIVE] !== root || event.defaultPrevented || !root.getClientRects().length) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [origin] = event.composedPath();
    const element = origin instanceof Element ? origin : null;
    const own = element?.classList.contains("scrubber");
    if (!own && element?.closest(TYPING)) return;
    if (event.key === "f" || event.key === "F") {
      if (!event.repeat) viewer.toggleFullScreen();
    } else if (event.key === " ") {
      if (!own && element?.closest(PRESSED)) return;
      if (!event.repeat) viewer.play(!model.playing);
    } else {
      const step = target(event);
      if (step === undefined) return;
      viewer.goTo(step, true);
    }
    event.preventDefault();
  };
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}

export { listenKeys };
