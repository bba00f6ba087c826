// The wipe: two panels in one frame, one left and one right of a divider that can be dragged.

import { make, set } from "./dom.js";
import { Frame } from "./frame.js";
import { listen } from "./pointer.js";

class Wipe {
  constructor(model, app) {
    Object.assign(this, { model, app, frame: null, plan: "" });
    this.choices = ["left", "right"].map((side, i) =>
      make("select", {
        "aria-label": `Panel on the ${side}`,
        onchange: (event) => {
          model.wipe.sides[i] = event.target.value;
          app.touch();
        },
      }),
    );
    this.place = make("div", { class: "wipe-place" });
    const [left, right] = this.choices;
    const head = make("div", { class: "wipe-head" }, left, make("span", { class: "quiet" }, "drag the divider"), right);
    this.node = make("div", { class: "wipe", hidden: true }, head, this.place);
  }

  // All pictures there are to choose from, as "panel:run" and title.
  options() {
    const { model } = this;
    const list = [];
    for (const panel of model.panels) {
      const shared = panel === "photo" || panel === "truth";
      for (const run of model.runs.filter((one) => model.has(one, panel))) {
        if (shared && list.some(({ id }) => id.startsWith(`${panel}:`))) continue;
        const owner = model.many && !shared ? `, ${run.facts.name}` : "";
        list.push({ id: `${panel}:${run.index}`, title: model.title(panel) + owner });
      }
    }
    return list;
  }

  update(step) {
    const { model } = this;
    this.node.hidden = !model.wipe;
    if (!model.wipe) {
      this.frame = null;
      this.plan = "";
      return;
    }
    const options = this.options();
    model.wipe.sides = model.wipe.sides.map((side, i) =>
      options.some(({ id }) => id === side) ? side : this.preset(i, options),
    );
    const plan = JSON.stringify([options, model.wipe.sides, model.head.width, model.head.height]);
    if (plan !== this.plan) this.build(options, plan);
    const at = 100 * model.wipe.at;
    set(this.handle, "aria-valuenow", Math.round(at));
    this.handle.style.left = `${at}%`;
    this.frame.layers[1].node.style.clipPath = `inset(0 0 0 ${at}%)`;
  }

  // Unasked: before and after of one run, or the last two runs.
  preset(side, options) {
    const { runs, many } = this.model;
    const id = many ? `prediction:${runs.length - 2 + side}` : ["feedforward:0", "prediction:0"][side];
    return options.some((one) => one.id === id) ? id : options[0].id;
  }

  build(options, plan) {
    const { model, app } = this;
    this.plan = plan;
    this.choices.forEach((choice, i) => {
      choice.replaceChildren(...options.map(({ id, title }) => make("option", { value: id }, title)));
      choice.value = model.wipe.sides[i];
    });
    const layers = model.wipe.sides.map((side) => {
      const [panel, run] = side.split(":");
      return [Number(run), panel];
    });
    const titles = model.wipe.sides.map((side) => options.find(({ id }) => id === side).title);
    this.frame = new Frame(model, layers, `Wipe between ${titles.join(" and ")}`);
    listen(this.frame, model, app);
    this.handle = make("div", {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": "Divider between the two panels",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    });
    const move = (at) => {
      model.wipe.at = Math.min(Math.max(at, 0), 1);
      app.touch();
    };
    this.handle.onpointerdown = (event) => {
      this.handle.setPointerCapture(event.pointerId);
      event.stopPropagation();
    };
    this.handle.onpointermove = (event) => {
      event.stopPropagation();
      if (!this.handle.hasPointerCapture(event.pointerId)) return;
      const box = this.frame.node.getBoundingClientRect();
      move((event.clientX - box.left) / box.width);
    };
    this.handle.onpointerup = (event) => event.stopPropagation();
    this.handle.onkeydown = (event) => {
      const far = event.shiftKey ? 0.1 : 0.01;
      const next = { ArrowLeft: model.wipe.at - far, ArrowRight: model.wipe.at + far, Home: 0, End: 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      move(next);
    };
    this.frame.node.append(this.handle);
    this.place.replaceChildren(this.frame.node);
  }
}

export { Wipe };
