// A frame: a picture of a panel, or two to wipe between, under the shared zoom and cursor.

import { make, set } from "./dom.js";
import { extent, read } from "./sample.js";
import { colourOf } from "./model.js";

class Layer {
  constructor(head, run, panel) {
    Object.assign(this, { run, panel, key: null });
    this.canvas = make("canvas", { width: head.width, height: head.height, class: `map ${panel}` });
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.node = make("div", { class: "layer" }, this.canvas);
  }

  draw(model, step) {
    const run = model.runs[this.run];
    const entry = model.painter.picture(run, this.panel, step, model.look(step, this.panel));
    if (!entry || entry.key === this.key) return;
    this.context.putImageData(entry.image, 0, 0);
    this.key = entry.key;
  }

  move({ k, u, v }) {
    const transform = k === 1 ? "" : `translate(${-100 * u * k}%, ${-100 * v * k}%) scale(${k})`;
    if (this.canvas.style.transform !== transform) this.canvas.style.transform = transform;
    // True pixels for maps always, for the photo once they can be told apart.
    this.canvas.classList.toggle("crisp", this.panel !== "photo" || k >= 3);
  }
}

class Frame {
  constructor(model, layers, label) {
    const { width, height } = model.head;
    this.layers = layers.map(([run, panel]) => new Layer(model.head, run, panel));
    this.marks = make("svg", { class: "marks", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.lines = ["back", "front"].flatMap((kind) => [
      make("line", { class: `cross ${kind}` }),
      make("line", { class: `cross ${kind}` }),
    ]);
    this.fields = make("g");
    this.marks.append(...this.lines, this.fields);
    this.badges = make("div", { class: "badges" });
    this.node = make(
      "div",
      {
        class: "frame",
        tabindex: "0",
        role: "img",
        "aria-label": label,
        title: "",
        style: `aspect-ratio: ${width} / ${height}`,
      },
      ...this.layers.map((layer) => layer.node),
      this.marks,
      this.badges,
    );
    this.signs = "";
  }

  get photo() {
    return this.layers[0].panel === "photo";
  }

  draw(model, step) {
    for (const layer of this.layers) layer.draw(model, step);
  }

  // Zoom, crosshair, the extent of the receptive field and pins, where they have changed.
  mark(model, step) {
    const { zoom, cursor, pins, head } = model;
    const fields = this.photo && cursor ? fieldsAt(model, step, cursor) : [];
    const signs = JSON.stringify([zoom, cursor, pins, fields]);
    if (signs === this.signs) return;
    this.signs = signs;
    for (const layer of this.layers) layer.move(zoom);
    const { width, height } = head;
    const [left, top] = [zoom.u * width, zoom.v * height];
    set(this.marks, "viewBox", `${left} ${top} ${width / zoom.k} ${height / zoom.k}`);
    this.lines.forEach((line, i) => {
      line.style.display = cursor ? "" : "none";
      if (!cursor) return;
      const across = i % 2 === 0;
      const [x, y] = [cursor.x + 0.5, cursor.y + 0.5];
      const ends = across ? [left, y, left + width, y] : [x, top, x, top + height];
      ["x1", "y1", "x2", "y2"].forEach((name, j) => line.setAttribute(name, ends[j]));
    });
    this.fields.replaceChildren(
      ...fields.flatMap(({ radius, colour }) => {
        const place = { cx: cursor.x + 0.5, cy: cursor.y + 0.5, r: radius };
        return [
          make("circle", { ...place, class: "field back" }),
          make("circle", { ...place, class: "field front", style: `stroke:${colour}` }),
        ];
      }),
    );
    this.badges.replaceChildren(
      ...pins.map(({ x, y, slot, colour }) => {
        const across = 100 * zoom.k * ((x + 0.5) / width - zoom.u);
        const down = 100 * zoom.k * ((y + 0.5) / height - zoom.v);
        const outside = Math.min(across, down) < 0 || Math.max(across, down) > 100;
        const style = `left:${across}%;top:${down}%;background:${colour}`;
        return make("span", { class: "badge", style, hidden: outside }, String(slot + 1));
      }),
    );
  }

  // The photo pixel under a pointer.
  pixel(model, { clientX, clientY }) {
    const box = this.node.getBoundingClientRect();
    const { zoom, head } = model;
    const at = (client, start, size, from, count) => {
      const place = from + (client - start) / size / zoom.k;
      return Math.min(Math.max(Math.floor(place * count), 0), count - 1);
    };
    return {
      x: at(clientX, box.left, box.width, zoom.u, head.width),
      y: at(clientY, box.top, box.height, zoom.v, head.height),
    };
  }
}

// The true extent of every run's receptive field at a pixel, as radii in photo pixels.
function fieldsAt(model, step, { x, y }) {
  return model.runs.flatMap((run) => {
    const codes = run.codes(step, "sigma");
    if (!codes) return [];
    const size = extent(read(run, codes, run.sigma, x, y), run.facts.stride);
    const radius = size / run.facts.settings.scale / 2;
    return [{ radius, colour: model.many ? colourOf(run.index) : "#fff" }];
  });
}

export { Frame };
