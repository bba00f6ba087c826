// Keys for the whole page: Space, arrows, Home and End, unless somebody types or another control
// has use for them. Of several viewers on a page, the one last touched hears them.

const ACTIVE = Symbol.for("segviz viewer that hears keys");
const TYPING = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=option], [role=menuitem], [role=listbox], [role=combobox], [role=spinbutton]";
const PRESSED = "button, a[href], summary, [role=button], [role=switch], [role=checkbox]";

function listenKeys(root, model, app) {
  const activate = () => (window[ACTIVE] = root);
  if (!window[ACTIVE]?.isConnected) activate();
  root.addEventListener("pointerdown", activate, true);
  root.addEventListener("focusin", activate, true);

  const steps = (event) => {
    const far = event.shiftKey ? 10 : 1;
    return {
      ArrowLeft: model.step - far,
      ArrowRight: model.step + far,
      Home: event.shiftKey ? undefined : 0,
      End: event.shiftKey ? undefined : model.last,
    }[event.key];
  };

  const hear = (event) => {
    if (!window[ACTIVE]?.isConnected) activate();
    if (window[ACTIVE] !== root || event.defaultPrevented || !root.getClientRects().length) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath();
    const own = target.classList?.contains("scrubber");
    if (!own && target.closest?.(TYPING)) return;
    if (event.key === " ") {
      if (!own && target.closest?.(PRESSED)) return;
      if (!event.repeat) app.play(!model.playing);
    } else {
      const step = steps(event);
      if (step === undefined) return;
      app.go(step, true);
    }
    event.preventDefault();
  };
  document.addEventListener("keydown", hear);
  return () => document.removeEventListener("keydown", hear);
}

export { listenKeys };
