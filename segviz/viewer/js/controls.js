// The controls: transport with the step cursor, and how panels look.

import { button, icon, make, press, say, set, toggle } from "./dom.js";

const SPEEDS = [0.5, 1, 2, 4];

class Transport {
  constructor(model, app) {
    Object.assign(this, { model, app });
    const move = (label, image, to, keys) => button(`${label} (${keys})`, { image, onclick: () => app.go(to(), true) });
    this.play = button("Play", { class: "play", onclick: () => app.play(!model.playing) });
    this.scrubber = make("input", { type: "range", class: "scrubber", min: 0, step: 1, "aria-label": "Step" });
    this.scrubber.oninput = () => app.go(this.scrubber.valueAsNumber, false);
    this.scrubber.onchange = () => app.go(this.scrubber.valueAsNumber, true);
    this.label = make("output", { class: "step" });
    this.speed = make("select", { "aria-label": "Speed", title: "Speed" });
    for (const speed of SPEEDS) this.speed.append(make("option", { value: speed }, `${speed}×`));
    this.speed.value = "1";
    this.speed.onchange = () => (model.speed = Number(this.speed.value));
    this.loop = toggle("Loop", { image: "loop", onclick: () => {
      model.loop = !model.loop;
      app.touch();
    } });
    this.node = make(
      "div",
      { class: "transport", role: "group", "aria-label": "Playback" },
      move("First step", "first", () => 0, "Home"),
      move("Previous step", "previous", () => model.step - 1, "Left"),
      this.play,
      move("Next step", "next", () => model.step + 1, "Right"),
      move("Last step", "last", () => model.last, "End"),
      this.scrubber,
      this.label,
      this.speed,
      this.loop,
    );
    this.playing = null;
  }

  update(step) {
    const { model } = this;
    set(this.scrubber, "max", model.last);
    if (this.scrubber.valueAsNumber !== model.step) this.scrubber.value = String(model.step);
    this.scrubber.style.setProperty("--done", `${model.last ? (100 * model.step) / model.last : 100}%`);
    const text = `step ${step} of ${model.last}`;
    set(this.scrubber, "aria-valuetext", text);
    say(this.label, text);
    press(this.loop, model.loop);
    if (this.playing === model.playing) return;
    this.playing = model.playing;
    const name = model.playing ? "Pause" : "Play";
    this.play.replaceChildren(icon(name.toLowerCase()), name);
    this.play.title = `${name} (Space)`;
    set(this.play, "aria-label", name);
  }
}

class Look {
  constructor(model, app) {
    Object.assign(this, { model, app, plan: "" });
    this.panels = make("div", { class: "set", role: "group", "aria-label": "Panels" });
    this.opacity = make("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": "Opacity of the overlay" });
    this.opacity.oninput = () => {
      model.opacity = this.opacity.valueAsNumber / 100;
      app.touch();
    };
    const flip = (label, text, what) => toggle(label, { text, onclick: () => {
      what();
      app.touch();
    } });
    this.whole = flip("One colour range for all steps and runs", "All steps", () => (model.perStep = false));
    this.single = flip("The colour range of the step shown", "This step", () => (model.perStep = true));
    this.outline = flip("Outline S, the pixels that entropy is minimised on", "Outline S", () => (model.outline = !model.outline));
    this.wipe = flip("Compare two panels with a divider", "Wipe", () => {
      model.wipe = model.wipe ? null : { at: 0.5, sides: ["", ""] };
    });
    this.fit = button("Show the whole photo", { image: "fit", onclick: () => {
      model.zoom = { k: 1, u: 0, v: 0 };
      app.touch();
    } });
    this.times = make("span", { class: "quiet times" });
    this.overlay = make("label", { class: "set" }, make("span", { class: "quiet" }, "Overlay"), this.opacity);
    const range = make("div", { class: "set", role: "group", "aria-label": "Colour range" });
    range.append(make("span", { class: "quiet" }, "Range"), make("span", { class: "joined" }, this.whole, this.single));
    const zoom = make("div", { class: "set" }, this.fit, this.times);
    this.node = make("div", { class: "look" }, this.panels, this.overlay, range, this.outline, this.wipe, zoom);
  }

  update() {
    const { model, app } = this;
    const plan = JSON.stringify([model.panels, model.many]);
    if (plan !== this.plan) {
      this.plan = plan;
      this.buttons = model.panels.map((panel) => {
        const title = model.title(panel);
        return toggle(`Panel ${title}`, { text: title, "data-panel": panel, onclick: () => {
          const next = model.panels.filter((name) => (name === panel) !== model.chosen.includes(name));
          if (!next.length) return app.hint("One panel stays.");
          model.asked = next;
          app.changed();
        } });
      });
      this.panels.replaceChildren(...this.buttons);
    }
    const { chosen } = model;
    for (const one of this.buttons) press(one, chosen.includes(one.dataset.panel));
    this.overlay.hidden = model.many || !chosen.includes("photo");
    this.outline.hidden = !chosen.includes("entropy");
    if (this.opacity.valueAsNumber !== Math.round(100 * model.opacity)) this.opacity.value = String(100 * model.opacity);
    press(this.whole, !model.perStep);
    press(this.single, model.perStep);
    press(this.outline, model.outline);
    press(this.wipe, Boolean(model.wipe));
    const times = model.zoom.k.toFixed(1);
    this.fit.disabled = model.zoom.k === 1;
    say(this.times, `${times}×`);
  }
}

// The classes of prediction and truth; a click leaves one, another shows all again.
class Legend {
  constructor(model, app) {
    Object.assign(this, { model, app, plan: "" });
    this.node = make("div", { class: "legend", role: "group", "aria-label": "Classes: choose one to see it alone" });
  }

  update() {
    const { model, app } = this;
    const plan = JSON.stringify(model.head.classes);
    if (plan !== this.plan) {
      this.plan = plan;
      this.buttons = model.head.classes.map(({ id, name, colour }) => {
        const one = toggle(`Show ${name} alone`, { text: name, "data-class": id, onclick: () => {
          model.isolated = model.isolated === id ? null : id;
          app.touch();
        } });
        one.prepend(make("i", { style: `background:rgb(${colour.join(" ")})` }));
        return one;
      });
      this.node.replaceChildren(...this.buttons);
    }
    this.node.classList.toggle("isolating", model.isolated !== null);
    for (const one of this.buttons) press(one, Number(one.dataset.class) === model.isolated);
  }
}

export { Legend, Look, Transport };
