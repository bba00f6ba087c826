// Built from segviz/viewer/js by 'npm run build'; edit those files instead.

// segviz/viewer/js/format.js
function fixed(value, decimals) {
  if (value === null || value === void 0 || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = value.toFixed(size >= 1e3 ? 0 : size >= 100 ? Math.min(decimals, 1) : decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
function signed(value, decimals) {
  if (value === null || Number.isNaN(value)) return "";
  const text = fixed(Math.abs(value), decimals);
  return Number(text) === 0 ? `±${text}` : `${value < 0 ? "−" : "+"}${text}`;
}
function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}
function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

// segviz/viewer/js/dom.js
var SVG = "http://www.w3.org/2000/svg";
var ICONS = {
  first: "M4 3v10M13 3 6 8l7 5z",
  previous: "M11 3 4.5 8l6.5 5z",
  play: "M4.5 2.5v11L13 8z",
  pause: "M5 3v10M11 3v10",
  next: "M5 3l6.5 5L5 13z",
  last: "M12 3v10M3 3l7 5-7 5z",
  loop: "M3 7.5V6.5A2.5 2.5 0 0 1 5.5 4H12M10 2l2 2-2 2M13 8.5v1A2.5 2.5 0 0 1 10.5 12H4M6 14l-2-2 2-2",
  close: "M4 4l8 8M12 4l-8 8",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  fit: "M6 3H3v3M10 3h3v3M6 13H3v-3M10 13h3v-3"
};
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") Object.assign(node, { [name]: value });
    else if (name === "style") node.style.cssText = String(value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== void 0) node.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== void 0) node.append(child);
  return node;
}
function icon(name) {
  const attributes = { viewBox: "0 0 16 16", class: `icon ${name}`, "aria-hidden": "true" };
  return svg("svg", attributes, svg("path", { d: ICONS[name] }));
}
function button(label, { image, text, ...rest } = {}) {
  return html(
    "button",
    { type: "button", "aria-label": text ? null : label, title: label, ...rest },
    image ? icon(image) : null,
    text ? html("span", {}, text) : null
  );
}
function toggle(label, attributes = {}) {
  return button(label, { "aria-pressed": "false", ...attributes });
}
function setPressed(node, pressed) {
  setAttribute(node, "aria-pressed", String(pressed));
}
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}
function chip(colour, name) {
  return html("span", { class: "chip" }, html("i", { style: `background:${css(colour)}` }), name);
}

// segviz/viewer/js/help.js
var AWAY = 6;
function help(name, text) {
  const bubble = html("span", { class: "bubble", popover: "auto" }, html("b", {}, name), ` ${text}`);
  const node = html("button", { type: "button", class: "help", "aria-label": `Explain ${name}`, title: text }, "?");
  node.onclick = () => {
    bubble.togglePopover();
    if (bubble.matches(":popover-open")) placeBeside(bubble, node);
  };
  return html("span", { class: "explained" }, node, bubble);
}
function placeBeside(node, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const within = (at, most2) => Math.max(Math.min(at, most2), AWAY);
  const most = { left: window.innerWidth - width - AWAY, top: window.innerHeight - height - AWAY };
  let [left, top] = [box.left, box.bottom + AWAY];
  if (top > most.top) top = box.top - AWAY - height;
  if (top < AWAY) [left, top] = [box.right + AWAY, box.top + AWAY];
  node.style.left = `${within(left, most.left)}px`;
  node.style.top = `${within(top, most.top)}px`;
}

// segviz/viewer/js/confusion.js
var HELP = "How many pixels of each true class (row) are predicted as each class (column), as a share of the row. The diagonal is right. Choose a cell to light its pixels in the panels.";
function confusion(truth, labels, ids) {
  const places = new Int16Array(256).fill(-1);
  ids.forEach((id, place) => {
    places[id] = place;
  });
  const counts = ids.map(() => new Uint32Array(ids.length));
  for (let i = 0; i < truth.length; i++) {
    const row = places[truth[i]];
    const column = places[labels[i]];
    if (row >= 0 && column >= 0) counts[row][column]++;
  }
  return counts;
}
var ConfusionMatrix = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.run = 0;
    this.built = "";
    this.written = "";
    this.cells = [];
    this.select = html("select", { "aria-label": "Run of the confusion matrix" });
    this.select.onchange = () => {
      this.run = Number(this.select.value);
      viewer.requestDraw();
    };
    this.table = html("table");
    const summary = html("summary", {}, html("b", {}, "Confusion matrix"), help("Confusion matrix", HELP), this.select);
    this.node = html("details", { class: "confusion card" }, summary, html("div", { class: "scroll" }, this.table));
    this.node.open = model.cell !== null;
    this.node.ontoggle = () => viewer.requestDraw();
  }
  /** @param {number} step */
  update(step) {
    const { model } = this;
    const judged = model.runs.filter(({ info }) => info.truth !== null);
    this.node.hidden = !judged.length;
    if (!judged.length || !this.node.open) return;
    const run = judged.find(({ index }) => index === this.run) ?? judged[0];
    const labels = run.labels(step);
    if (!labels || !run.truth) return;
    const plan = JSON.stringify([model.head.classes, model.safe, judged.map(({ info }) => info.name)]);
    if (plan !== this.built) this.build(judged);
    this.built = plan;
    const written = JSON.stringify([plan, model.head.id, run.index, run.at(step), model.cell]);
    if (written === this.written) return;
    this.written = written;
    this.select.value = String(run.index);
    const ids = model.head.classes.map(({ id }) => id);
    confusion(run.truth, labels, ids).forEach((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      row.forEach((count, j) => this.write(this.cells[i][j], [ids[i], ids[j]], count, total));
    });
  }
  /**
   * @param {HTMLButtonElement} cell
   * @param {[number, number]} ids
   * @param {number} count
   * @param {number} total Pixels of the true class.
   */
  write(cell, [truth, predicted], count, total) {
    const { model } = this;
    const share = total ? count / total : 0;
    setText(cell, total ? (100 * share).toFixed(share && share < 0.1 ? 1 : 0) : "–");
    const right = truth === predicted;
    cell.style.background = `color-mix(in srgb, ${right ? "#1f8a5b" : "#c8501e"} ${Math.round(45 * share)}%, var(--bg))`;
    const names = `${model.name(truth)} predicted as ${model.name(predicted)}`;
    const text = `${names}: ${count.toLocaleString("en")} pixels, ${percent(share)}`;
    setAttribute(cell, "title", text);
    setAttribute(cell, "aria-label", text);
    setPressed(cell, model.cell?.[0] === truth && model.cell[1] === predicted);
    cell.disabled = !count && cell.ariaPressed !== "true";
  }
  /** @param {{ index: number, info: { name: string } }[]} runs */
  build(runs) {
    const { model, viewer } = this;
    this.select.hidden = runs.length < 2;
    this.select.replaceChildren(...runs.map(({ index, info }) => html("option", { value: index }, info.name)));
    const { classes } = model.head;
    this.cells = classes.map(
      ({ id: truth }) => classes.map(({ id: predicted }) => {
        const onclick = () => {
          const lit = model.cell?.[0] === truth && model.cell[1] === predicted;
          model.cell = lit ? null : [truth, predicted];
          viewer.stateChanged();
        };
        return html("button", { type: "button", class: "share", "aria-pressed": "false", onclick });
      })
    );
    const header = html("tr", {}, html("th", { class: "muted" }, "truth \\ predicted, %"));
    header.append(...classes.map(({ id, name }) => html("th", { scope: "col" }, chip(model.colour(id), name))));
    const rows = classes.map(({ id, name }, i) => {
      const head = html("th", { scope: "row" }, chip(model.colour(id), name));
      return html("tr", {}, head, ...this.cells[i].map((cell) => html("td", {}, cell)));
    });
    this.table.replaceChildren(html("thead", {}, header), html("tbody", {}, ...rows));
  }
};

// segviz/viewer/js/cache.js
var Cache = class {
  /**
   * @param {number} budget Bytes.
   * @param {number} [least] Entries that stay, however large they are.
   */
  constructor(budget, least = 1) {
    this.budget = budget;
    this.least = least;
    this.size = 0;
    this.entries = /* @__PURE__ */ new Map();
  }
  /** @param {string} key */
  get(key) {
    const entry = this.entries.get(key);
    if (!entry) return void 0;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }
  /**
   * @param {string} key
   * @param {V} value
   * @param {number} bytes
   */
  set(key, value, bytes) {
    this.size += bytes - (this.entries.get(key)?.bytes ?? 0);
    this.entries.delete(key);
    this.entries.set(key, { value, bytes });
    for (const [oldest, entry] of this.entries) {
      if (this.size <= this.budget || this.entries.size <= this.least) break;
      this.entries.delete(oldest);
      this.size -= entry.bytes;
    }
  }
};

// segviz/viewer/js/decode.js
var BUDGET = 256 * 2 ** 20;
async function inflate(chunk) {
  const stream = blob(chunk).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
async function pixelsOf(chunk) {
  const bitmap = await createImageBitmap(blob(chunk, "image/png"), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none"
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = (
    /** @type {OffscreenCanvasRenderingContext2D} */
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}
function blob(chunk, type = "") {
  return new Blob([
    /** @type {Uint8Array<ArrayBuffer>} */
    chunk
  ], { type });
}
var tracks = 0;
var Track = class {
  /**
   * @param {Uint8Array[]} chunks
   * @param {number} every Steps to a group.
   * @param {Cache<Uint8Array[]>} cache
   */
  constructor(chunks, every, cache) {
    this.chunks = chunks;
    this.every = every;
    this.cache = cache;
    this.name = String(++tracks);
    this.pending = /* @__PURE__ */ new Map();
  }
  /**
   * Return a step's bytes, or undefined until they are decoded.
   * @param {number} step
   */
  get(step) {
    return this.group(Math.floor(step / this.every))?.[step % this.every];
  }
  /**
   * Decode the group of a step, unless it is decoded.
   * @param {number} step
   * @returns {Promise<void>}
   */
  load(step) {
    const number = Math.floor(step / this.every);
    if (this.group(number)) return Promise.resolve();
    const pending = this.pending.get(number) ?? this.decode(number);
    this.pending.set(number, pending);
    return pending;
  }
  /** @param {number} number */
  group(number) {
    return this.cache.get(`${this.name} ${number}`);
  }
  /** @param {number} number */
  async decode(number) {
    const start = number * this.every;
    const group = await Promise.all(this.chunks.slice(start, start + this.every).map(inflate));
    for (let step = 1; step < group.length; step++) {
      const before = group[step - 1];
      const values = group[step];
      for (let i = 0; i < values.length; i++) values[i] += before[i];
    }
    this.pending.delete(number);
    this.cache.set(`${this.name} ${number}`, group, group.length * (group[0]?.length ?? 0));
  }
};
function axisOf(bytes, count) {
  const values = new Float32Array(bytes.buffer);
  const low = new Int32Array(values.length);
  const high = new Int32Array(values.length);
  const weight = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const position = Math.min(Math.max(values[i], 0), count - 1);
    low[i] = Math.min(Math.floor(position), Math.max(count - 2, 0));
    high[i] = Math.min(low[i] + 1, count - 1);
    weight[i] = position - low[i];
  }
  return { low, high, weight };
}
var Run = class {
  /**
   * @param {RunInfo} info
   * @param {number} index
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Cache<Uint8Array[]>} cache
   */
  constructor(info, index, head, frames, cache) {
    this.info = info;
    this.index = index;
    this.head = head;
    this.chunk = ([offset, length]) => frames.subarray(offset, offset + length);
    this.last = info.steps.length - 1;
    this.height = info.grid[0];
    this.width = info.grid[1];
    this.pixels = head.width * head.height;
    this.features = this.height * this.width;
    this.maps = new Track(info.steps.map(this.chunk), head.keyEvery, cache);
    const { steps, classes } = info.probabilities;
    this.probabilities = new Track(steps.map(this.chunk), head.keyEvery, cache);
    this.likely = classes;
    this.values = Object.fromEntries(Object.entries(info.maps).map(([name, range]) => [name, valuesOf(range)]));
    this.order = Object.keys(info.maps);
    this.logs = valuesOf(info.probabilities);
    this.photo = new Uint8ClampedArray();
    this.truth = null;
    this.rows = axisOf(new Uint8Array(), 1);
    this.columns = this.rows;
  }
  /**
   * Decode what does not change over the steps.
   * @param {Map<string, Promise<any>>} shared What runs have in common is decoded once.
   */
  async open(shared) {
    const once = (name, place, decode) => {
      const key = `${name} ${place}`;
      if (!shared.has(key)) shared.set(key, decode(this.chunk(place)));
      return (
        /** @type {Promise<T>} */
        shared.get(key)
      );
    };
    const axis = (count) => async (chunk) => axisOf(await inflate(chunk), count);
    const { photo, truth, rows, columns } = this.info;
    [this.photo, this.truth, this.rows, this.columns] = await Promise.all([
      once("photo", photo, pixelsOf),
      truth && once("truth", truth, inflate),
      once(`rows ${this.height}`, rows, axis(this.height)),
      once(`columns ${this.width}`, columns, axis(this.width))
    ]);
  }
  /**
   * Return the step to show for a step of the shared cursor: a shorter run stays at its last.
   * @param {number} step
   */
  at(step) {
    return Math.min(step, this.last);
  }
  /**
   * Return the class ids of a step, photo pixels row by row; undefined until decoded.
   * @param {number} step
   */
  labels(step) {
    return this.maps.get(this.at(step))?.subarray(0, this.pixels);
  }
  /**
   * Return the codes of a map, feature pixels row by row; undefined until decoded, or without it.
   * @param {number} step
   * @param {MapName} name
   */
  codes(step, name) {
    const place = this.order.indexOf(name);
    if (place < 0) return void 0;
    const start = this.pixels + place * this.features;
    return this.maps.get(this.at(step))?.subarray(start, start + this.features);
  }
  /**
   * Return whether feature pixels are in S, as 0 and 1; undefined until decoded.
   * @param {number} step
   */
  selected(step) {
    const bits = this.maps.get(this.at(step))?.subarray(this.pixels + this.order.length * this.features);
    return bits && Uint8Array.from({ length: this.features }, (_, i) => bits[i >> 3] >> 7 - (i & 7) & 1);
  }
};
function valuesOf({ low, high }) {
  return Float32Array.from({ length: 256 }, (_, code) => low + (high - low) / 255 * code);
}

// segviz/viewer/js/sample.js
var fround = Math.fround;
var ZERO_ONE = Float32Array.of(0, 1);
function lerp(a, b, weight) {
  const difference = fround(b - a);
  return weight < 0.5 ? fround(weight * difference + a) : fround(fround(weight - 1) * difference + b);
}
function read({ rows, columns, width }, codes, values, x, y) {
  const top = rows.low[y] * width;
  const bottom = rows.high[y] * width;
  const left = columns.low[x];
  const right = columns.high[x];
  const vertical = rows.weight[y];
  return lerp(
    lerp(values[codes[top + left]], values[codes[bottom + left]], vertical),
    lerp(values[codes[top + right]], values[codes[bottom + right]], vertical),
    columns.weight[x]
  );
}
function upsample({ rows, columns, width: w }, codes, values, target) {
  const height = rows.low.length;
  const width = columns.low.length;
  const row = new Float32Array(w);
  const { low, high, weight } = columns;
  const near = new Uint8Array(width);
  const coefficient = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    near[x] = weight[x] < 0.5 ? 1 : 0;
    coefficient[x] = near[x] ? weight[x] : weight[x] - 1;
  }
  for (let y = 0, i = 0; y < height; y++) {
    const top = rows.low[y] * w;
    const bottom = rows.high[y] * w;
    for (let j = 0; j < w; j++) {
      row[j] = lerp(values[codes[top + j]], values[codes[bottom + j]], rows.weight[y]);
    }
    for (let x = 0; x < width; x++, i++) {
      const a = row[low[x]];
      const b = row[high[x]];
      target[i] = coefficient[x] * fround(b - a) + (near[x] ? a : b);
    }
  }
  return target;
}
function fieldSize({ sigmas, sizes }, sigma) {
  let i = 1;
  while (i < sigmas.length - 1 && sigma > sigmas[i]) i++;
  const slope = (sizes[i] - sizes[i - 1]) / (sigmas[i] - sigmas[i - 1]);
  return sizes[i - 1] + slope * (sigma - sigmas[i - 1]);
}
function inspect(run, step, x, y) {
  const labels = run.labels(step);
  const selected = run.selected(step);
  const value = (name) => {
    const codes = run.codes(step, name);
    const values = run.values[name];
    return codes && values ? read(run, codes, values, x, y) : null;
  };
  const entropy = value("entropy");
  if (!labels || entropy === null || !selected) return null;
  const pixel = y * run.head.width + x;
  const sigma = value("sigma");
  return {
    label: labels[pixel],
    entropy,
    sigma,
    size: sigma === null ? null : fieldSize(run.info.receptiveField, sigma),
    scale: value("sizes"),
    selected: read(run, selected, ZERO_ONE, x, y) > 0.5,
    truth: run.truth ? run.truth[pixel] : null,
    ranking: rank(run, step, x, y, labels[pixel])
  };
}
function rank(run, step, x, y, label) {
  const codes = run.probabilities.get(run.at(step));
  if (!codes) return null;
  const odds = run.likely.map((id, k) => {
    const map = codes.subarray(k * run.features, (k + 1) * run.features);
    return { id, odds: Math.exp(read(run, map, run.logs, x, y)) };
  });
  const total = odds.reduce((sum, entry) => sum + entry.odds, 0);
  const first = ({ id }) => id === label ? 1 : 0;
  return odds.map(({ id, odds: value }) => ({ id, probability: value / total })).sort((a, b) => first(b) - first(a) || b.probability - a.probability);
}

// segviz/viewer/js/probability.js
var BUDGET2 = 48 * 2 ** 20;
var Probabilities = class {
  /** @param {number} count Pixels of the photo. */
  constructor(count) {
    this.cache = new Cache(BUDGET2);
    this.logs = new Float32Array(count);
    this.total = new Float32Array(count);
  }
  /**
   * Return the probability of a class, or of the predicted one, at every pixel of the photo; null
   * while the step is being decoded.
   * @param {Run} run
   * @param {number} step
   * @param {number | null} id null: the predicted class.
   */
  map(run, step, id) {
    const at = run.at(step);
    const key = `${run.index} ${at} ${id}`;
    const found = this.cache.get(key);
    if (found) return found;
    const codes = run.probabilities.get(at);
    const labels = run.labels(at);
    if (!codes || !labels) return null;
    const own = new Float32Array(this.total.length);
    this.total.fill(0);
    run.likely.forEach((likely, place) => {
      const part = codes.subarray(place * run.features, (place + 1) * run.features);
      const logs = upsample(run, part, run.logs, this.logs);
      for (let i = 0; i < logs.length; i++) {
        const odds = Math.exp(logs[i]);
        this.total[i] += odds;
        if ((id ?? labels[i]) === likely) own[i] = odds;
      }
    });
    for (let i = 0; i < own.length; i++) own[i] = this.total[i] ? own[i] / this.total[i] : 0;
    this.cache.set(key, own, 4 * own.length);
    return own;
  }
};

// segviz/viewer/js/paint.js
var BUDGET3 = 96 * 2 ** 20;
var EVEN = 6755399441055744;
var WHITE = pack(255, 255, 255);
var OUTLINE = pack(190, 196, 204);
var DARK = 30;
var [STILL_RIGHT, STILL_WRONG, WRONG_TO_RIGHT, RIGHT_TO_WRONG, IGNORED] = [0, 1, 2, 3, 4];
function pack(red, green, blue) {
  return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
}
function packTable(colours) {
  const table = new Uint32Array(256).fill(pack(0, 0, 0));
  for (let i = 0; 3 * i < colours.length; i++) {
    table[i] = pack(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]);
  }
  return table;
}
var painters = 0;
var Painter = class {
  /**
   * @param {Head} head
   * @param {number[]} [palette] The colours of all classes.
   */
  constructor(head, palette = head.palette) {
    this.head = head;
    this.name = ++painters;
    this.cache = new Cache(BUDGET3);
    this.count = head.width * head.height;
    this.values = new Float32Array(this.count);
    this.colours = palette;
    this.palette = packTable(palette);
    this.palette[head.ignore.id] = pack(...head.ignore.colour);
    this.probabilities = new Probabilities(this.count);
    this.tables = Object.fromEntries(Object.entries(head.maps).map(([name, { table }]) => [name, packTable(table)]));
    this.outcomes = packTable(head.outcomes.flatMap(({ colour }) => colour));
  }
  /**
   * Return the picture of a panel at a step; null while its maps are being decoded.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   * @param {Display} display
   */
  picture(run, panel, step, display) {
    const at = panel.changes ? run.at(step) : 0;
    const key = [this.name, run.index, panel.id, at, ...dependencies(run, panel, at, display)].join(" ");
    const found = this.cache.get(key);
    if (found) return found;
    const image = new ImageData(this.head.width, this.head.height);
    const picture = { key, image, share: null };
    if (!this.paint(run, panel, at, display, picture)) return null;
    this.cache.set(key, picture, image.data.length);
    return picture;
  }
  /**
   * Paint a panel; returns whether its maps are there.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  paint(run, panel, step, display, picture) {
    const { image } = picture;
    switch (panel.draws) {
      case "photo":
        image.data.set(run.photo);
        return true;
      case "overlay":
        return this.overlay(run, step, display, image);
      case "labels":
        return this.labels(run.labels(step), display, image);
      case "truth":
        return this.labels(run.truth, display, image);
      case "map":
        return panel.map !== null && this.map(run, step, panel.map, display, image);
      case "outcomes":
        return this.outcome(run, step, image);
      case "probability":
        return this.probability(run, step, display, image);
      case "confident":
        return this.confident(run, step, display, picture);
      case "difference":
        return this.difference(run, step, display, picture);
    }
  }
  /**
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {ImageData} image
   */
  overlay(run, step, { opacity, isolated }, { data }) {
    const labels = run.labels(step);
    if (!labels) return false;
    const { background, ignore } = this.head;
    const palette = this.colours;
    data.set(run.photo);
    for (let i = 0; i < this.count; i++) {
      const label = labels[i];
      if (label === background ? isolated !== background : label === ignore.id) continue;
      if (isolated !== null && label !== isolated) continue;
      for (let c = 0; c < 3; c++) {
        const j = 4 * i + c;
        data[j] = (1 - opacity) * data[j] + opacity * palette[3 * label + c];
      }
    }
    return true;
  }
  /**
   * @param {Uint8Array | null | undefined} labels
   * @param {Display} display
   * @param {ImageData} image
   */
  labels(labels, { isolated }, { data }) {
    if (!labels) return false;
    const table = isolated === null ? this.palette : this.isolatingPalette(isolated);
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) target[i] = table[labels[i]];
    if (isolated === null) this.outlineDark(labels, target);
    return true;
  }
  /**
   * Outline classes whose colour is hardly told from black, such as VOC's cat, inside of them.
   * @param {Uint8Array} labels
   * @param {Uint32Array} target
   */
  outlineDark(labels, target) {
    const { background, classes, width, height } = this.head;
    const dark = new Set(classes.map(({ id }) => id).filter((id) => id !== background && this.isDark(id)));
    if (!dark.size) return;
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const label = labels[i];
        if (!dark.has(label)) continue;
        const border = y > 0 && labels[i - width] !== label || y < height - 1 && labels[i + width] !== label || x > 0 && labels[i - 1] !== label || x < width - 1 && labels[i + 1] !== label;
        if (border) target[i] = OUTLINE;
      }
    }
  }
  /** @param {number} id */
  isDark(id) {
    const [red, green, blue] = this.colours.slice(3 * id, 3 * id + 3);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < DARK;
  }
  /**
   * Return colours that show one class: all else dark, the background darkest.
   * @param {number} id
   */
  isolatingPalette(id) {
    const table = new Uint32Array(256).fill(pack(58, 62, 70));
    const { background } = this.head;
    if (background !== null) table[background] = pack(24, 26, 30);
    table[id] = id === background ? pack(210, 214, 220) : this.palette[id];
    return table;
  }
  /**
   * @param {Run} run
   * @param {number} step
   * @param {ColourMapName} name
   * @param {Display} display
   * @param {ImageData} image
   */
  map(run, step, name, display, image) {
    if (name === "probability") return this.probability(run, step, display, image);
    const codes = run.codes(step, name);
    const known = run.values[name];
    if (!codes || !known) return false;
    const values = upsample(run, codes, known, this.values);
    if (!this.colour(values, name, display, image)) return false;
    if (name === "entropy" && display.outline) this.outline(run, step, image);
    return true;
  }
  /**
   * Colour values over the range of a map.
   * @param {Float32Array} values
   * @param {ColourMapName} name
   * @param {Display} display
   * @param {ImageData} image
   */
  colour(values, name, display, image) {
    const table = this.tables[name];
    const limits = display.limits[name];
    if (!table || !limits) return false;
    const target = new Uint32Array(image.data.buffer);
    const [low, high] = limits;
    const start = Math.fround(low);
    const factor = Math.fround(255 / (high - low));
    for (let i = 0; i < this.count; i++) {
      const place = Math.fround(Math.fround(values[i] - start) * factor);
      const index = place + EVEN - EVEN;
      target[i] = table[index < 0 ? 0 : index > 255 ? 255 : index];
    }
    return true;
  }
  /**
   * Draw the probability of the isolated class, or of the predicted one.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {ImageData} image
   */
  probability(run, step, display, image) {
    const values = this.probabilities.map(run, step, display.isolated);
    return values !== null && this.colour(values, "probability", display, image);
  }
  /**
   * Draw the labels of pixels that are sure enough.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  confident(run, step, display, picture) {
    const values = this.probabilities.map(run, step, null);
    if (!values || !this.labels(run.labels(step), display, picture.image)) return false;
    const target = new Uint32Array(picture.image.data.buffer);
    const below = pack(...this.head.belowThreshold);
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (values[i] < display.threshold) target[i] = below;
      else kept++;
    }
    picture.share = kept / this.count;
    return true;
  }
  /**
   * Draw what differs from the reference in the colours of this step, and the rest dark.
   * @param {Run} run
   * @param {number} step
   * @param {Display} display
   * @param {Picture} picture
   */
  difference(run, step, display, picture) {
    const labels = run.labels(step);
    const { labels: others } = display.reference(run, step);
    if (!labels || !others) return false;
    const { background, differentBackground } = this.head;
    const table = this.palette.slice();
    if (background !== null) table[background] = pack(...differentBackground);
    const target = new Uint32Array(picture.image.data.buffer);
    const { photo } = run;
    let different = 0;
    for (let i = 0; i < this.count; i++) {
      if (labels[i] !== others[i]) {
        target[i] = table[labels[i]];
        different++;
      } else {
        const grey = Math.floor((photo[4 * i] + photo[4 * i + 1] + photo[4 * i + 2]) / 9);
        target[i] = pack(grey, grey, grey);
      }
    }
    picture.share = different / this.count;
    return true;
  }
  /**
   * Draw the border of S, inside of it, in white.
   * @param {Run} run
   * @param {number} step
   * @param {ImageData} image
   */
  outline(run, step, { data }) {
    const selected = run.selected(step);
    if (!selected) return;
    const { width, height } = this.head;
    const values = upsample(run, selected, ZERO_ONE, this.values);
    const target = new Uint32Array(data.buffer);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (values[i] <= 0.5) continue;
        const border = y > 0 && values[i - width] <= 0.5 || y < height - 1 && values[i + width] <= 0.5 || x > 0 && values[i - 1] <= 0.5 || x < width - 1 && values[i + 1] <= 0.5;
        if (border) target[i] = WHITE;
      }
    }
  }
  /**
   * @param {Run} run
   * @param {number} step
   * @param {ImageData} image
   */
  outcome(run, step, { data }) {
    const labels = run.labels(step);
    const first = run.labels(0);
    const { truth } = run;
    if (!labels || !first || !truth) return false;
    const { ignore } = this.head;
    const target = new Uint32Array(data.buffer);
    for (let i = 0; i < this.count; i++) {
      const right = labels[i] === truth[i];
      let outcome = right ? WRONG_TO_RIGHT : STILL_WRONG;
      if (first[i] === truth[i]) outcome = right ? STILL_RIGHT : RIGHT_TO_WRONG;
      target[i] = this.outcomes[truth[i] === ignore.id ? IGNORED : outcome];
    }
    return true;
  }
};
function dependencies(run, { draws, map }, step, { opacity, isolated, outline, limits, threshold, reference }) {
  if (draws === "overlay") return [opacity, isolated];
  if (draws === "labels" || draws === "truth" || draws === "probability") return [isolated];
  if (draws === "confident") return [isolated, threshold];
  if (draws === "difference") return [reference(run, step).key];
  return map ? [...limits[map] ?? [], map === "entropy" && outline] : [];
}

// segviz/viewer/js/model.js
var SAFE = "segviz safe colours";
var RUN_COLOURS = ["#3d8fd6", "#e8833a", "#2fa36b", "#b86bd3", "#d64a6a", "#9a8c2c", "#35aebd", "#8a8f98"];
var PIN_COLOURS = ["#ff5c7a", "#ffd166", "#2ee6a8", "#58c9ff", "#f9a1ff"];
var WHOLE = { k: 1, u: 0, v: 0 };
var FIRST = { run: null, step: 0 };
var runColour = (run) => RUN_COLOURS[run % RUN_COLOURS.length];
var Model = class {
  // Set by `load`.
  /** @type {Head} */
  head;
  /** @type {Run[]} */
  runs;
  /** @type {number} */
  last;
  /** @type {Cache<Uint8Array[]>} */
  decoded;
  /** @type {Painter} */
  painter;
  /** Whether what does not change over the steps is decoded. */
  opened = false;
  /** @type {Promise<void>} */
  opening;
  /**
   * @param {Head} head
   * @param {Uint8Array} frames
   */
  constructor(head, frames) {
    this.step = 0;
    this.drawnStep = null;
    this.following = true;
    this.playing = false;
    this.speed = 1;
    this.loop = false;
    this.cursor = null;
    this.pointer = null;
    this.hoveredRun = 0;
    this.opacity = head.opacity;
    this.isolated = null;
    this.outline = false;
    this.rangePerStep = false;
    this.wipe = null;
    this.threshold = head.threshold;
    this.against = FIRST;
    this.cell = null;
    this.solo = null;
    this.zoom = WHOLE;
    this.pins = [];
    this.chosenPanels = [];
    this.safe = stored(SAFE) === "on";
    this.load(head, frames);
  }
  /** Return the colours of all classes: red, green and blue in turn. */
  get palette() {
    return this.safe ? this.head.safePalette : this.head.palette;
  }
  /**
   * Choose between the classes' own colours and those that every reader tells apart.
   * @param {boolean} on
   */
  useSafeColours(on) {
    this.safe = on;
    this.painter = new Painter(this.head, this.palette);
    store(SAFE, on ? "on" : "");
  }
  /**
   * Take another message: of runs that have grown, or of other runs.
   * @param {Head} head
   * @param {Uint8Array} frames
   */
  load(head, frames) {
    this.head = head;
    this.decoded = new Cache(BUDGET, 4 * head.runs.length);
    this.runs = head.runs.map((info, index) => new Run(info, index, head, frames, this.decoded));
    this.last = Math.max(...this.runs.map((run) => run.last));
    this.step = this.following ? this.last : Math.min(this.step, this.last);
    this.drawnStep = this.drawnStep === null ? null : Math.min(this.drawnStep, this.last);
    this.pins = this.pins.filter(({ x, y }) => x < head.width && y < head.height);
    this.painter = new Painter(head, this.palette);
    this.opened = false;
    const shared = /* @__PURE__ */ new Map();
    this.opening = Promise.all(this.runs.map((run) => run.open(shared))).then(() => {
      if (this.head === head) this.opened = true;
    });
  }
  get comparing() {
    return this.runs.length > 1;
  }
  /** Return the panels that are chosen; of these, one may be shown alone. */
  get panels() {
    const names = this.chosenPanels.length ? this.chosenPanels : this.head.defaultPanels;
    return this.head.panels.filter(({ id }) => names.includes(id));
  }
  get visiblePanels() {
    const alone = this.head.panels.filter(({ id }) => id === this.solo);
    return alone.length ? alone : this.panels;
  }
  /**
   * Return whether a panel that draws something is on the screen, in the wipe or by itself.
   * @param {PanelInfo["draws"][]} kinds
   */
  draws(...kinds) {
    const sides = this.wipe?.sides.map(([id]) => id) ?? [];
    const panels = [...this.visiblePanels, ...this.head.panels.filter(({ id }) => sides.includes(id))];
    return panels.some(({ draws }) => kinds.includes(draws));
  }
  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   */
  has(run, panel) {
    const map = !panel.map || panel.map === "probability" || panel.map in run.info.maps;
    return map && (!panel.needsTruth || run.info.truth !== null);
  }
  /**
   * Return the range of a map's colours: over all steps and runs, or of the step shown.
   * @param {ColourMapName} name
   * @param {number} step
   * @returns {[number, number]}
   */
  limits(name, step) {
    const whole = this.head.maps[name]?.limits ?? [0, 1];
    if (!this.rangePerStep || name === "probability") return whole;
    const tops = this.runs.map((run) => run.info.maps[name]?.tops[run.at(step)] ?? whole[0]);
    return [whole[0], Math.max(...tops)];
  }
  /**
   * @param {number} step
   * @returns {Display}
   */
  display(step) {
    const { opacity, isolated, outline, threshold } = this;
    const names = (
      /** @type {ColourMapName[]} */
      Object.keys(this.head.maps)
    );
    const limits = Object.fromEntries(names.map((name) => [name, this.limits(name, step)]));
    const reference = (run, shown) => {
      const other = this.runs[this.against.run ?? run.index] ?? run;
      const at = other.at(this.against.step ?? (other === run ? shown : step));
      return { key: `${other.index}:${at}`, labels: other.labels(at) };
    };
    return { opacity, isolated, outline, limits, threshold, reference };
  }
  /** Return the maps that some record holds. */
  get recordMaps() {
    const names = (
      /** @type {ColourMapName[]} */
      Object.keys(this.head.maps)
    );
    return names.filter((name) => name !== "probability");
  }
  /**
   * Return the facts of a map that some run has.
   * @param {ColourMapName} name
   */
  map(name) {
    const info = this.head.maps[name];
    if (!info) throw new Error(`no run has the map ${name}`);
    return info;
  }
  /** @param {number} id */
  name(id) {
    return id === this.head.ignore.id ? "ignored" : this.head.names[id] ?? `class ${id}`;
  }
  /**
   * @param {number} id
   * @returns {Colour}
   */
  colour(id) {
    if (id === this.head.ignore.id) return this.head.ignore.colour;
    const [red, green, blue] = this.palette.slice(3 * id, 3 * id + 3);
    return [red, green, blue];
  }
  /**
   * Pin a pixel with a colour and a number that are free; returns whether there was one.
   * @param {number} x
   * @param {number} y
   */
  pin(x, y) {
    const slots = [...Array(this.head.maxPins).keys()];
    const slot = slots.find((number) => this.pins.every((pin) => pin.slot !== number));
    if (slot === void 0) return false;
    this.pins = [...this.pins, { x, y, slot, colour: PIN_COLOURS[slot % PIN_COLOURS.length] }];
    return true;
  }
  /** @param {number} slot */
  unpin(slot) {
    this.pins = this.pins.filter((pin) => pin.slot !== slot);
  }
  /**
   * Return the steps that are drawn with a step: itself, and those that it is compared with.
   * @param {number} step
   */
  stepsWith(step) {
    const first = this.draws("outcomes") || this.visiblePanels.some(({ changes }) => !changes);
    const reference = this.draws("difference") ? [this.against.step ?? step] : [];
    const sides = this.wipe?.sides.map(([, , at]) => at ?? step) ?? [];
    return [.../* @__PURE__ */ new Set([step, ...first ? [0] : [], ...reference, ...sides])];
  }
  /**
   * Return whether all that the panels need of a step is decoded.
   * @param {number} step
   */
  ready(step) {
    const steps = this.stepsWith(step);
    return this.opened && this.runs.every((run) => steps.every((needed) => run.labels(needed)));
  }
  /** @param {number} step */
  fetch(step) {
    const steps = [0, ...this.stepsWith(step)];
    return Promise.all(this.runs.flatMap((run) => steps.map((needed) => run.maps.load(run.at(needed)))));
  }
  /** @returns {ViewState} */
  state() {
    const { wipe, against, zoom, head } = this;
    const part = (value) => Math.floor(1e3 * value) / 1e3;
    const percent2 = (value, usual) => value === usual ? null : Math.round(100 * value);
    return {
      step: this.step === this.last ? null : this.step,
      pins: this.pins.map(({ x, y }) => [x, y]),
      panels: this.chosenPanels,
      solo: this.solo,
      overlay: percent2(this.opacity, head.opacity),
      zoom: zoom.k > 1.005 ? [Math.round(100 * zoom.k) / 100, part(zoom.u), part(zoom.v)] : null,
      isolated: this.isolated,
      threshold: percent2(this.threshold, head.threshold),
      against: against.run === FIRST.run && against.step === FIRST.step ? null : [against.run, against.step],
      wipe: wipe?.sides.length ? [Math.round(100 * wipe.at), wipe.sides[0], wipe.sides[1]] : null,
      cell: this.cell
    };
  }
  /** @param {Partial<ViewState>} state */
  restore({ step = null, pins = [], panels = [], solo, overlay, zoom, isolated, threshold, against, wipe, cell }) {
    const { head } = this;
    this.following = step === null;
    this.step = step === null ? this.last : Math.min(step, this.last);
    for (const [x, y] of pins) this.pin(x, y);
    this.chosenPanels = [...panels];
    this.solo = solo ?? null;
    this.opacity = typeof overlay === "number" ? overlay / 100 : head.opacity;
    this.zoom = zoom ? { k: zoom[0], u: Math.min(zoom[1], 1 - 1 / zoom[0]), v: Math.min(zoom[2], 1 - 1 / zoom[0]) } : WHOLE;
    this.isolated = isolated ?? null;
    this.threshold = typeof threshold === "number" ? threshold / 100 : head.threshold;
    this.against = against ? { run: against[0], step: against[1] } : FIRST;
    this.wipe = wipe ? { at: wipe[0] / 100, sides: [wipe[1], wipe[2]] } : null;
    this.cell = cell ?? null;
  }
};
function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
  }
}

// segviz/viewer/js/panel_controls.js
var ThresholdControl = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    const slider = html("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Threshold of confidence" });
    slider.oninput = () => {
      model.threshold = slider.valueAsNumber / 100;
      viewer.requestDraw();
    };
    slider.onchange = () => viewer.stateChanged();
    this.slider = slider;
    this.value = html("output", { class: "times" });
    const title = "Pixels whose predicted class is less probable are grey";
    const name = html("span", { class: "muted" }, "Confidence from");
    this.node = html("label", { class: "set", title }, name, slider, this.value);
  }
  update() {
    const { model, slider } = this;
    this.node.hidden = !model.draws("confident");
    const percent2 = Math.round(100 * model.threshold);
    if (slider.valueAsNumber !== percent2) slider.value = String(percent2);
    setText(this.value, `${percent2} %`);
  }
};
var ReferenceControl = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.built = "";
    this.run = html("select", { "aria-label": "Run that differences are taken from" });
    const label = "Step that differences are taken from";
    this.step = html("input", { type: "number", min: 0, placeholder: "shown", "aria-label": label });
    this.run.onchange = () => {
      const run = this.run.value === "" ? null : Number(this.run.value);
      model.against = { run, step: run === null ? model.against.step ?? 0 : null };
      viewer.stateChanged();
    };
    this.step.onchange = () => {
      const { value, valueAsNumber } = this.step;
      const step = value === "" ? null : Math.min(Math.max(Math.round(valueAsNumber), 0), model.last);
      model.against = { ...model.against, step };
      viewer.stateChanged();
    };
    const title = "The prediction that differences are taken from; no step: the step shown";
    this.node = html("div", { class: "set", role: "group", "aria-label": "Difference", title });
    const words = ["Difference from", "step"].map((text) => html("span", { class: "muted" }, text));
    this.node.append(words[0], this.run, words[1], this.step);
  }
  update() {
    const { model, run, step } = this;
    this.node.hidden = !model.draws("difference");
    const names = model.runs.map(({ info }) => info.name);
    const plan = names.join("\n");
    if (plan !== this.built) {
      this.built = plan;
      run.replaceChildren(
        html("option", { value: "" }, "the same run"),
        ...names.map((name, index) => html("option", { value: index, style: `color:${runColour(index)}` }, name))
      );
    }
    run.hidden = !model.comparing;
    const value = String(model.against.run ?? "");
    if (run.value !== value) run.value = value;
    step.max = String(model.last);
    const text = String(model.against.step ?? "");
    if (step.value !== text && !step.matches(":focus")) step.value = text;
  }
};

// segviz/viewer/js/controls.js
var SPEEDS = [0.5, 1, 2, 4];
var PlaybackControls = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    const move = (label, image, key, step) => {
      return button(`${label} (${key})`, { image, onclick: () => viewer.goTo(step(), true) });
    };
    this.play = button("Play", { class: "play", onclick: () => viewer.play(!model.playing) });
    const scrubber = html("input", { type: "range", class: "scrubber", min: 0, step: 1, "aria-label": "Step" });
    scrubber.oninput = () => viewer.goTo(scrubber.valueAsNumber, false);
    scrubber.onchange = () => viewer.goTo(scrubber.valueAsNumber, true);
    this.scrubber = scrubber;
    this.label = html("output", { class: "step" });
    const options = SPEEDS.map((speed2) => html("option", { value: speed2, selected: speed2 === 1 }, `${speed2}×`));
    const speed = html("select", { "aria-label": "Speed", title: "Speed" }, ...options);
    speed.onchange = () => model.speed = Number(speed.value);
    const flip = () => {
      model.loop = !model.loop;
      viewer.requestDraw();
    };
    this.loop = toggle("Loop", { image: "loop", onclick: flip });
    const full = button("Full screen (F)", { image: "full", onclick: () => viewer.toggleFullScreen() });
    this.node = html(
      "div",
      { class: "playback", role: "group", "aria-label": "Playback" },
      move("First step", "first", "Home", () => 0),
      move("Previous step", "previous", "Left", () => model.step - 1),
      this.play,
      move("Next step", "next", "Right", () => model.step + 1),
      move("Last step", "last", "End", () => model.last),
      scrubber,
      this.label,
      speed,
      this.loop,
      full
    );
    this.playing = null;
  }
  /** @param {number} step */
  update(step) {
    const { model, scrubber } = this;
    setAttribute(scrubber, "max", model.last);
    if (scrubber.valueAsNumber !== model.step) scrubber.value = String(model.step);
    const text = `step ${step} of ${model.last}`;
    setAttribute(scrubber, "aria-valuetext", text);
    setText(this.label, text);
    setPressed(this.loop, model.loop);
    if (this.playing === model.playing) return;
    this.playing = model.playing;
    const name = model.playing ? "Pause" : "Play";
    this.play.replaceChildren(icon(name.toLowerCase()), name);
    this.play.title = `${name} (Space)`;
    setAttribute(this.play, "aria-label", name);
  }
};
var DisplayControls = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    this.buttons = [];
    this.panels = html("div", { class: "set", role: "group", "aria-label": "Panels" });
    const opacity = html("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": "Opacity of the overlay" });
    opacity.oninput = () => {
      model.opacity = opacity.valueAsNumber / 100;
      viewer.requestDraw();
    };
    opacity.onchange = () => viewer.stateChanged();
    this.opacity = opacity;
    const switchOf = (text, help2, change) => {
      const onclick = () => {
        change();
        viewer.stateChanged();
      };
      return toggle(help2, { text, onclick });
    };
    this.allSteps = switchOf("All steps", "One colour range for all steps and runs", () => {
      model.rangePerStep = false;
    });
    this.thisStep = switchOf("This step", "The colour range of the step shown", () => {
      model.rangePerStep = true;
    });
    this.outline = switchOf("Outline S", "Outline S, the pixels that entropy is minimised on", () => {
      model.outline = !model.outline;
    });
    this.wipe = switchOf("Wipe", "Compare two panels with a divider", () => {
      model.wipe = model.wipe ? null : { at: 0.5, sides: [] };
    });
    const fit = () => {
      model.zoom = WHOLE;
      viewer.stateChanged();
    };
    this.fit = button("Show the whole photo", { image: "fit", onclick: fit });
    this.times = html("span", { class: "muted times" });
    this.overlay = html("label", { class: "set" }, html("span", { class: "muted" }, "Overlay"), opacity);
    const range = html("div", { class: "set", role: "group", "aria-label": "Colour range" });
    range.append(html("span", { class: "muted" }, "Range"), html("span", { class: "joined" }, this.allSteps, this.thisStep));
    const zoom = html("div", { class: "set" }, this.fit, this.times);
    this.safe = switchOf("Safe colours", "Class colours for all kinds of colour vision", () => {
      model.useSafeColours(!model.safe);
    });
    const tour = button("Take the tour", { text: "Tour", onclick: () => viewer.tour.start() });
    this.threshold = new ThresholdControl(model, viewer);
    this.reference = new ReferenceControl(model, viewer);
    const own = [this.threshold.node, this.reference.node];
    const general = [range, this.outline, this.wipe, this.safe, zoom];
    this.node = html("div", { class: "display" }, this.panels, this.overlay, ...own, ...general);
    const copy = () => {
      const done = navigator.clipboard?.writeText(location.href) ?? Promise.reject(new Error("no clipboard"));
      done.then(
        () => viewer.notify("The link of this view is on the clipboard."),
        () => viewer.notify("This browser gives no access to the clipboard; copy the address instead.")
      );
    };
    const link = button("Copy the address of this view", { text: "Copy link", onclick: copy });
    link.hidden = !viewer.options.report;
    this.node.append(link, tour);
  }
  update() {
    const { model } = this;
    const plan = JSON.stringify(model.head.panels);
    if (plan !== this.built) {
      this.built = plan;
      this.buttons = model.head.panels.map(({ id, title, help: help2 }) => {
        return toggle(help2, { text: title, "data-panel": id, onclick: () => this.choose(id) });
      });
      this.panels.replaceChildren(...this.buttons);
    }
    const visible = model.visiblePanels;
    for (const node of this.buttons) setPressed(node, model.panels.some(({ id }) => id === node.dataset.panel));
    this.threshold.update();
    this.reference.update();
    this.overlay.hidden = !visible.some(({ draws }) => draws === "overlay");
    this.outline.hidden = !visible.some(({ map }) => map === "entropy");
    const opacity = Math.round(100 * model.opacity);
    if (this.opacity.valueAsNumber !== opacity) this.opacity.value = String(opacity);
    setPressed(this.allSteps, !model.rangePerStep);
    setPressed(this.thisStep, model.rangePerStep);
    setPressed(this.outline, model.outline);
    setPressed(this.wipe, model.wipe !== null);
    setPressed(this.safe, model.safe);
    this.fit.disabled = model.zoom.k === 1;
    setText(this.times, `${model.zoom.k.toFixed(1)}×`);
  }
  /**
   * Add a panel, or take it away.
   * @param {string} panel
   */
  choose(panel) {
    const { model, viewer } = this;
    const visible = model.panels.map(({ id }) => id);
    const ids = model.head.panels.map(({ id }) => id);
    const next = ids.filter((id) => id === panel !== visible.includes(id));
    if (!next.length) {
      viewer.notify("At least one panel stays.");
      return;
    }
    model.chosenPanels = next;
    model.solo = null;
    viewer.stateChanged();
  }
};
var Legend = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    this.buttons = [];
    this.classes = html("div", { class: "set", role: "group", "aria-label": "Classes: choose one to see it alone" });
    this.outcomes = html("div", { class: "outcomes" });
    this.node = html("div", { class: "legend" }, this.classes, this.outcomes);
  }
  /**
   * Return about how many CSS pixels it is high, with the gap to the panels, at a width.
   * @param {number} width
   */
  height(width) {
    const { classes } = this.model.head;
    const length = classes.reduce((sum, { name }) => sum + 44 + 7 * name.length, 0);
    const outcomes = this.model.visiblePanels.some(({ draws }) => draws === "outcomes");
    return 10 + 29 * Math.ceil(length / width) + (outcomes ? 24 : 0);
  }
  update() {
    const { model, viewer } = this;
    const plan = JSON.stringify([model.head.classes, model.safe]);
    if (plan !== this.built) {
      this.built = plan;
      this.buttons = model.head.classes.map(({ id, name }) => {
        const onclick = () => {
          model.isolated = model.isolated === id ? null : id;
          viewer.stateChanged();
        };
        const node = toggle(`Show ${name} alone`, { text: name, "data-class": id, onclick });
        node.prepend(html("i", { style: `background:${css(model.colour(id))}` }));
        return node;
      });
      this.classes.replaceChildren(...this.buttons);
      this.outcomes.replaceChildren(...model.head.outcomes.map(({ name, colour }) => chip(colour, name)));
    }
    this.outcomes.hidden = !model.visiblePanels.some(({ draws }) => draws === "outcomes");
    this.node.classList.toggle("isolating", model.isolated !== null);
    for (const node of this.buttons) setPressed(node, Number(node.dataset.class) === model.isolated);
  }
};

// segviz/viewer/js/shade.js
var DARK2 = 3524792074;
function shade(target, truth, labels, [is, as]) {
  for (let i = 0; i < target.length; i++) target[i] = truth[i] === is && labels[i] === as ? 0 : DARK2;
}
function moveCanvas(canvas, { k, u, v }) {
  const transform = k === 1 ? "" : `translate(${-100 * u * k}%, ${-100 * v * k}%) scale(${k})`;
  if (canvas.style.transform !== transform) canvas.style.transform = transform;
}
var Shade = class {
  /** @param {Head} head */
  constructor({ width, height }) {
    this.size = { width, height };
    this.canvas = html("canvas", { class: "shade crisp", width: 1, height: 1, hidden: true, "aria-hidden": "true" });
    this.key = "";
  }
  /**
   * @param {Model} model
   * @param {number} index Of the run.
   * @param {number} step
   */
  draw(model, index, step) {
    const run = model.runs[index];
    const labels = run.labels(step);
    const { cell } = model;
    this.canvas.hidden = !cell || !run.truth;
    if (!cell || !run.truth || !labels) return;
    const key = JSON.stringify([model.painter.name, index, run.at(step), cell]);
    if (key === this.key) return;
    this.key = key;
    const { width, height } = this.size;
    if (this.canvas.width !== width) Object.assign(this.canvas, { width, height });
    const image = new ImageData(width, height);
    shade(new Uint32Array(image.data.buffer), run.truth, labels, cell);
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
  }
  /** @param {Zoom} zoom */
  move(zoom) {
    moveCanvas(this.canvas, zoom);
  }
};

// segviz/viewer/js/frame.js
var CRISP = 3;
var Layer = class {
  /**
   * @param {Head} head
   * @param {Source} source
   */
  constructor(head, { run, panel, step = null }) {
    this.run = run.index;
    this.step = step;
    this.panel = panel;
    this.key = "";
    this.canvas = html("canvas", { width: head.width, height: head.height });
    this.context = /** @type {CanvasRenderingContext2D} */
    this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.node = html("div", { class: "layer", "data-panel": panel.id, "data-run": run.index }, this.canvas);
  }
  /**
   * @param {Model} model
   * @param {number} step
   */
  draw(model, step) {
    const run = model.runs[this.run];
    const at = this.step ?? step;
    const picture = model.painter.picture(run, this.panel, at, model.display(at));
    if (!picture) return;
    setAttribute(this.node, "data-step", run.at(at));
    if (picture.key === this.key) return;
    this.context.putImageData(picture.image, 0, 0);
    this.key = picture.key;
  }
  /** @param {Zoom} zoom */
  move(zoom) {
    moveCanvas(this.canvas, zoom);
    this.canvas.classList.toggle("crisp", !showsPhoto(this.panel) || zoom.k >= CRISP);
  }
};
var Frame = class {
  /**
   * @param {Model} model
   * @param {Source[]} sources
   * @param {string} label
   */
  constructor(model, sources, label) {
    const { width, height } = model.head;
    this.layers = sources.map((source) => new Layer(model.head, source));
    this.marks = svg("svg", { class: "marks", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.lines = ["back", "back", "front", "front"].map((kind) => svg("line", { class: kind }));
    this.fields = svg("g");
    this.marks.append(...this.lines, this.fields);
    this.badges = html("div", { class: "badges" });
    this.shade = new Shade(model.head);
    this.node = html(
      "div",
      {
        class: "frame",
        tabindex: "0",
        role: "img",
        "aria-label": label,
        title: "",
        style: `aspect-ratio: ${width} / ${height}`
      },
      ...this.layers.map((layer) => layer.node),
      this.shade.canvas,
      this.marks,
      this.badges
    );
    this.marked = "";
  }
  /**
   * @param {Model} model
   * @param {number} step
   */
  draw(model, step) {
    for (const layer of this.layers) layer.draw(model, step);
    const { run, step: own } = this.layers[0];
    this.shade.draw(model, run, own ?? step);
  }
  /**
   * Draw zoom, crosshair, the extent of the receptive field and pins, if they have changed.
   * @param {Model} model
   * @param {number} step
   */
  mark(model, step) {
    const { zoom, cursor, pins, head } = model;
    const fields = showsPhoto(this.layers[0].panel) && cursor ? fieldsAt(model, step, cursor) : [];
    const marked = JSON.stringify([zoom, cursor, pins, fields]);
    if (marked === this.marked) return;
    this.marked = marked;
    for (const layer of this.layers) layer.move(zoom);
    this.shade.move(zoom);
    this.node.classList.toggle("zoomed", zoom.k > 1);
    const { width, height } = head;
    const [left, top] = [zoom.u * width, zoom.v * height];
    setAttribute(this.marks, "viewBox", `${left} ${top} ${width / zoom.k} ${height / zoom.k}`);
    this.lines.forEach((line, i) => {
      line.style.display = cursor ? "" : "none";
      if (!cursor) return;
      const horizontal = i % 2 === 0;
      const [x, y] = [cursor.x + 0.5, cursor.y + 0.5];
      const [x1, y1, x2, y2] = horizontal ? [left, y, left + width, y] : [x, top, x, top + height];
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, String(value));
    });
    this.fields.replaceChildren(
      ...fields.flatMap(({ x, y, radius, colour }) => {
        const circle = { cx: x + 0.5, cy: y + 0.5, r: radius };
        return [
          svg("circle", { ...circle, class: "field back" }),
          svg("circle", { ...circle, class: "field front", style: `stroke:${colour}` })
        ];
      })
    );
    this.badges.replaceChildren(
      ...pins.map(({ x, y, slot, colour }) => {
        const across = 100 * zoom.k * ((x + 0.5) / width - zoom.u);
        const down = 100 * zoom.k * ((y + 0.5) / height - zoom.v);
        const outside = Math.min(across, down) < 0 || Math.max(across, down) > 100;
        const style = `left:${across}%;top:${down}%;background:${colour}`;
        return html("span", { class: "badge", style, hidden: outside }, String(slot + 1));
      })
    );
  }
  /**
   * Return the photo pixel under a pointer.
   * @param {Model} model
   * @param {MouseEvent} event
   * @returns {Pixel}
   */
  pixel({ zoom, head }, { clientX, clientY }) {
    const box = this.node.getBoundingClientRect();
    const index = (part, from, count) => {
      return Math.min(Math.max(Math.floor((from + part / zoom.k) * count), 0), count - 1);
    };
    return {
      x: index((clientX - box.left) / box.width, zoom.u, head.width),
      y: index((clientY - box.top) / box.height, zoom.v, head.height)
    };
  }
};
function showsPhoto({ draws }) {
  return draws === "photo" || draws === "overlay";
}
function fieldsAt(model, step, { x, y }) {
  return model.runs.flatMap((run) => {
    const codes = run.codes(step, "sigma");
    if (!codes || !run.values.sigma) return [];
    const size = fieldSize(run.info.receptiveField, read(run, codes, run.values.sigma, x, y));
    const colour = model.comparing ? runColour(run.index) : "#fff";
    return [{ x, y, radius: size / run.info.scale / 2, colour }];
  });
}

// segviz/viewer/js/layout.js
var GAP = 12;
var LEAST = 80;
var WORTH = 0.88;
function largest(count, width, height, { aspect, chrome, columns: given }) {
  const choices = given ? [given] : Array.from({ length: count }, (_, i) => i + 1);
  return choices.map((columns) => {
    const rows = Math.ceil(count / columns);
    const wide = (width - GAP * (columns - 1)) / columns;
    const high = (height - GAP * (rows - 1)) / rows - chrome;
    return { columns, width: Math.floor(Math.min(wide, high * aspect)), empty: rows * columns - count };
  }).reduce((best, next) => next.width > best.width || next.width === best.width && next.empty < best.empty ? next : best);
}
function arrange(count, space) {
  const { width, height, above, side, aspect } = space;
  const alone = largest(count, width, height - above, space);
  const beside = largest(count, width - side - 2 * GAP, height, space);
  const chosen = beside.width >= WORTH * alone.width ? { ...beside, side: true } : { ...alone, side: false };
  return { ...chosen, fits: chosen.width >= LEAST * Math.sqrt(aspect) };
}

// segviz/viewer/js/pointer.js
var MAX_ZOOM = 24;
var STILL = 5;
var NEAR = 9;
var SCROLLING = 250;
var lastScroll = -Infinity;
function zoomBy({ k, u, v }, factor, x, y) {
  const next = Math.min(Math.max(k * factor, 1), MAX_ZOOM);
  return clampZoom({ k: next, u: u + x / k - x / next, v: v + y / k - y / next });
}
function clampZoom({ k, u, v }) {
  const inside = (value) => Math.min(Math.max(value, 0), 1 - 1 / k);
  return { k, u: inside(u), v: inside(v) };
}
function listen(frame, model, viewer) {
  const { node } = frame;
  const fingers = /* @__PURE__ */ new Map();
  let press = null;
  const place = (event) => {
    const box = node.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const point = (event) => {
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
      viewer.stateChanged();
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
  const onWheel = (event) => {
    const closer = event.deltaY < 0;
    if (event.timeStamp - lastScroll < SCROLLING || !closer && model.zoom.k === 1) {
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
function pinAt(frame, model, viewer, { x, y }) {
  const box = frame.node.getBoundingClientRect();
  const size = box.width * model.zoom.k / model.head.width;
  const near = model.pins.find((pin) => Math.hypot(pin.x - x, pin.y - y) * size < NEAR);
  if (near) model.unpin(near.slot);
  else if (!model.pin(x, y)) warnOfPins(model, viewer);
  viewer.stateChanged();
}
function warnOfPins(model, viewer) {
  viewer.notify(`${model.pins.length} pixels are pinned, which is the limit; unpin one first.`);
}
var MOVES = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };
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
      y: Math.min(Math.max(cursor.y + far * move[1], 0), head.height - 1)
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
function distance(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return Math.max(Math.hypot(ax - bx, ay - by), 1e-3);
}
function middle(fingers) {
  const [[ax, ay], [bx, by]] = [...fingers.values()];
  return [(ax + bx) / 2, (ay + by) / 2];
}
function watchScroll() {
  const note = (event) => {
    const onFrame = event.composedPath().some((node) => node instanceof Element && node.classList.contains("frame"));
    if (!onFrame) lastScroll = event.timeStamp;
  };
  window.addEventListener("wheel", note, { passive: true, capture: true });
  return () => window.removeEventListener("wheel", note, { capture: true });
}

// segviz/viewer/js/wipe.js
var Wipe = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.frame = null;
    this.built = "";
    this.selects = ["left", "right"].map((side, i) => {
      const select = html("select", { "aria-label": `Panel on the ${side}` });
      select.onchange = () => {
        const choice = this.choices().find(({ id }) => id === select.value);
        if (model.wipe && choice) model.wipe.sides[i] = [choice.panel.id, choice.run.index, this.step(i)];
        viewer.stateChanged();
      };
      return select;
    });
    this.steps = ["left", "right"].map((side, i) => {
      const title = "A step of its own; empty: the step shown";
      const input = html("input", { type: "number", min: 0, placeholder: "shown", title, "aria-label": `Step on the ${side}` });
      input.onchange = () => {
        if (model.wipe) model.wipe.sides[i] = [model.wipe.sides[i][0], model.wipe.sides[i][1], this.step(i)];
        viewer.stateChanged();
      };
      return input;
    });
    this.divider = this.makeDivider();
    this.place = html("div", { class: "wipe-place" });
    const [left, right] = this.selects;
    const sideOf = (select, step) => html("span", { class: "wipe-side" }, select, html("label", {}, html("span", { class: "muted" }, "step "), step));
    const hint = html("span", { class: "muted" }, "drag the divider");
    const head = html("div", { class: "wipe-head" }, sideOf(left, this.steps[0]), hint, sideOf(right, this.steps[1]));
    this.node = html("div", { class: "wipe", hidden: true }, head, this.place);
  }
  /**
   * Return the step that a side has of its own.
   * @param {number} side 0 or 1.
   */
  step(side) {
    const { value, valueAsNumber } = this.steps[side];
    return value === "" ? null : Math.min(Math.max(Math.round(valueAsNumber), 0), this.model.last);
  }
  /**
   * Return all pictures there are to choose from; the id is "panel:run".
   * @returns {Choice[]}
   */
  choices() {
    const { model } = this;
    return model.head.panels.flatMap((panel) => {
      const runs = model.runs.filter((run) => model.has(run, panel));
      return (panel.shared ? runs.slice(0, 1) : runs).map((run) => {
        const owner = model.comparing && !panel.shared ? `, ${run.info.name}` : "";
        return { id: `${panel.id}:${run.index}`, title: panel.title + owner, run, panel };
      });
    });
  }
  /** @param {number} step */
  update(step) {
    const { wipe, head } = this.model;
    this.node.hidden = !wipe;
    if (!wipe) {
      this.frame = null;
      this.built = "";
      return;
    }
    const choices = this.choices();
    const sides = [0, 1].map((i) => {
      const [panel, index, own = null] = wipe.sides[i] ?? [];
      const found = choices.find((choice) => choice.id === `${panel}:${index}`) ?? this.preset(i, choices);
      return { ...found, step: found.panel.changes ? own : null };
    });
    wipe.sides = sides.map(({ panel, run, step: own }) => (
      /** @type {Side} */
      [panel.id, run.index, own]
    ));
    const plan = JSON.stringify([choices.map(({ id, title }) => [id, title]), wipe.sides, head.width, head.height]);
    if (!this.frame || plan !== this.built) this.frame = this.build(choices, sides);
    this.built = plan;
    const at = 100 * wipe.at;
    setAttribute(this.divider, "aria-valuenow", Math.round(at));
    this.divider.style.left = `${at}%`;
    this.frame.layers[1].node.style.clipPath = `inset(0 0 0 ${at}%)`;
    this.frame.draw(this.model, step);
  }
  /**
   * Return what a side shows at first: before and after of one run, or the last two runs.
   * @param {number} side 0 or 1.
   * @param {Choice[]} choices
   */
  preset(side, choices) {
    const { runs, comparing } = this.model;
    const id = comparing ? `prediction:${runs.length - 2 + side}` : ["feedforward:0", "prediction:0"][side];
    return choices.find((choice) => choice.id === id) ?? choices[0];
  }
  /**
   * @param {Choice[]} choices
   * @param {Choice[]} sides With the step that each has of its own.
   */
  build(choices, sides) {
    const { model, viewer } = this;
    this.selects.forEach((select, i) => {
      select.replaceChildren(...choices.map(({ id, title }) => html("option", { value: id }, title)));
      select.value = sides[i].id;
      this.steps[i].value = String(sides[i].step ?? "");
      this.steps[i].max = String(model.last);
      this.steps[i].disabled = !sides[i].panel.changes;
    });
    const names = sides.map(({ title, step }) => typeof step === "number" ? `${title} at step ${step}` : title);
    const frame = new Frame(model, sides, `Wipe between ${names.join(" and ")}`);
    listen(frame, model, viewer);
    frame.node.append(this.divider);
    this.place.replaceChildren(frame.node);
    this.place.style.setProperty("--aspect", String(model.head.width / model.head.height));
    return frame;
  }
  makeDivider() {
    const divider = html("div", {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": "Divider between the two panels",
      "aria-valuemin": "0",
      "aria-valuemax": "100"
    });
    const move = (at) => {
      if (this.model.wipe) this.model.wipe.at = Math.min(Math.max(at, 0), 1);
      this.viewer.requestDraw();
    };
    divider.onpointerdown = (event) => {
      divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    };
    divider.onpointermove = (event) => {
      event.stopPropagation();
      const box = this.frame?.node.getBoundingClientRect();
      if (box && divider.hasPointerCapture(event.pointerId)) move((event.clientX - box.left) / box.width);
    };
    divider.onpointerup = (event) => {
      event.stopPropagation();
      this.viewer.stateChanged();
    };
    divider.onkeydown = (event) => {
      const at = this.model.wipe?.at ?? 0;
      const far = event.shiftKey ? 0.1 : 0.01;
      const moves = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: 1 };
      const next = moves[event.key];
      if (next === void 0) return;
      event.preventDefault();
      event.stopPropagation();
      move(next);
      this.viewer.stateChanged();
    };
    return divider;
  }
};

// segviz/viewer/js/grid.js
var WIDTH = 264;
var NARROW = 112;
var MARGIN = 12;
var ONE_RUN = { chrome: 44, side: 224 };
var SEVERAL_RUNS = { chrome: 62, side: 132 };
var ALONE = 120;
var NUMBERS = 72;
var PanelGrid = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.frames = [];
    this.texts = [];
    this.built = "";
    this.arranged = "";
    this.grid = html("div", { class: "grid" });
    this.wipe = new Wipe(model, viewer);
    this.node = html("div", { class: "main" }, this.wipe.node, this.grid);
  }
  /** @param {number} step */
  update(step) {
    this.build();
    this.wipe.update(step);
    for (const frame of this.frames) frame.draw(this.model, step);
    for (const write of this.texts) write(step);
    this.mark(step);
  }
  /**
   * Draw only the marks: while maps of another step are still being decoded.
   * @param {number} step
   */
  mark(step) {
    this.build();
    for (const frame of this.frames) frame.mark(this.model, step);
    this.wipe.frame?.mark(this.model, step);
  }
  build() {
    const { model } = this;
    const { width, height } = model.head;
    const panels = model.visiblePanels.map(({ id }) => id);
    const runs = model.runs.map(({ info }) => [info.name, info.truth !== null]);
    const plan = JSON.stringify([panels, model.solo, width, height, runs]);
    if (plan !== this.built) {
      this.built = plan;
      this.frames = [];
      this.texts = [];
      this.grid.replaceChildren(...model.comparing ? this.sideBySide() : this.cards());
      this.viewer.root.classList.toggle("comparing", model.comparing);
      this.arranged = "";
    }
    this.arrange();
  }
  // Panels as large as they can be with all of them in the window, or else as the width allows.
  arrange() {
    const { model, viewer } = this;
    const { width, height } = model.head;
    const space = viewer.space();
    if (model.solo !== null) space.height = Math.max(space.height, window.innerHeight - ALONE);
    const arranged = `${space.width} ${space.height} ${this.frames.length} ${model.head.classes.length}`;
    if (arranged === this.arranged) return;
    this.arranged = arranged;
    const aspect = width / height;
    const given = model.comparing ? model.runs.length + (this.sharedPanels.length ? 1 : 0) : void 0;
    const count = given ? given * this.rows : this.frames.length;
    const sizes = model.comparing ? SEVERAL_RUNS : ONE_RUN;
    const above = viewer.legend.height(space.width) + (model.comparing ? 0 : NUMBERS);
    const layout = arrange(count, { width: space.width, height: space.height - MARGIN, aspect, columns: given, above, ...sizes });
    const { columns, side, fits } = layout;
    viewer.root.classList.toggle("beside", side && fits);
    viewer.root.classList.toggle("slim", fits && !side && !model.comparing);
    if (fits) this.grid.style.gridTemplateColumns = `repeat(${columns}, ${layout.width}px)`;
    else if (given) this.grid.style.gridTemplateColumns = `repeat(${given}, minmax(${NARROW}px, 1fr))`;
    else this.grid.style.gridTemplateColumns = `repeat(${this.byWidth(space.width, aspect)}, minmax(0, 1fr))`;
  }
  /**
   * Return as many columns as fit a width, in rows of equal length where that can be.
   * @param {number} width
   * @param {number} aspect
   */
  byWidth(width, aspect) {
    const least = WIDTH * Math.min(Math.max(0.75 * aspect, 0.6), 1.25);
    const most = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
    return Math.ceil(this.frames.length / Math.ceil(this.frames.length / most));
  }
  get rows() {
    const shared = this.sharedPanels.length;
    return Math.max(shared, this.model.visiblePanels.length - shared);
  }
  get sharedPanels() {
    return this.model.visiblePanels.filter((panel) => panel.shared);
  }
  // One run: a card for each panel.
  cards() {
    const [run] = this.model.runs;
    return this.model.visiblePanels.map((panel) => {
      const frame = this.frame(run, panel, panel.title);
      const title = html("figcaption", {}, html("b", {}, panel.title), help(panel.title, panel.help), this.solo(panel));
      return html("figure", { class: "cell" }, title, frame.node, this.foot(panel, run.index));
    });
  }
  // Several runs: a column for each run, a row for each panel, and before them what all share.
  sideBySide() {
    const { model } = this;
    const shared = this.sharedPanels;
    const own = model.visiblePanels.filter((panel) => !panel.shared);
    const rows = Array.from({ length: this.rows }, (_, row) => row);
    return rows.flatMap((row) => {
      const column = (number) => `grid-row:${row + 1};grid-column:${number}`;
      const first = shared[row] ? [this.sharedCell(shared[row], column(1))] : [];
      const runs = own[row] ? model.runs : [];
      const offset = shared.length ? 2 : 1;
      return [...first, ...runs.map((run) => this.runCell(run, own[row], column(run.index + offset)))];
    });
  }
  /**
   * @param {PanelInfo} panel
   * @param {string} style
   */
  sharedCell(panel, style) {
    const { model } = this;
    const owner = model.runs.find((run) => model.has(run, panel)) ?? model.runs[0];
    const frame = this.frame(owner, panel, panel.title);
    const caption = html("figcaption", {}, html("b", {}, panel.title), help(panel.title, panel.help), this.solo(panel));
    return html("figure", { class: "cell", style }, caption, frame.node, html("footer"));
  }
  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {string} style
   */
  runCell(run, panel, style) {
    if (!this.model.has(run, panel)) return html("div", { class: "cell none", style }, "no truth");
    const frame = this.frame(run, panel, `${panel.title}, ${run.info.name}`);
    return html("figure", { class: "cell", style }, this.caption(run.index, panel), frame.node, this.foot(panel, run.index));
  }
  /**
   * Return the number that a panel is about: its title, its value at a step, and its change.
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {number} step
   */
  number(run, panel, step) {
    const { numbers } = this.model.head;
    const { key, decimals, title } = numbers.find((number) => number.key === panel.map) ?? numbers[0];
    const at = panel.changes ? run.at(step) : 0;
    const values = run.info.numbers[key];
    const [first, value] = [values[0], values[at]];
    const change = at && first !== null && value !== null ? ` (${signed(value - first, decimals)})` : "";
    return [title, fixed(value, decimals), change];
  }
  /**
   * Name of a run and panel, the number that the panel is about, the step if the run is shorter.
   * @param {number} index
   * @param {PanelInfo} panel
   */
  caption(index, panel) {
    const { model } = this;
    const { info } = model.runs[index];
    const text = html("span", { class: "muted" });
    this.texts.push((step) => {
      const run = model.runs[index];
      const [title2, value, change] = this.number(run, panel, step);
      const late = run.last < step && panel.changes ? `step ${run.at(step)} · ` : "";
      setText(text, `${late}${title2} ${value}${change}`);
    });
    const dot = html("i", { class: "dot", style: `background:${runColour(index)}` });
    const name = html("span", { class: "run", title: info.title }, dot, html("b", {}, info.name));
    const buttons = index ? [] : [help(panel.title, panel.help), this.solo(panel)];
    const title = html("span", { class: "muted title" }, panel.title, ...buttons);
    return html("figcaption", {}, name, title, text);
  }
  /**
   * @param {Run} run
   * @param {PanelInfo} panel
   * @param {string} label
   */
  frame(run, panel, label) {
    const frame = new Frame(this.model, [{ run, panel }], label);
    if (panel.changes) {
      this.texts.push((step) => {
        const [title, value] = this.number(run, panel, step);
        setAttribute(frame.node, "aria-label", `${label}, step ${run.at(step)}: ${title} ${value}`);
      });
    }
    listen(frame, this.model, this.viewer);
    this.frames.push(frame);
    return frame;
  }
  /**
   * Make the button that shows a panel alone, or all of them again.
   * @param {PanelInfo} panel
   */
  solo({ id, title }) {
    const { model, viewer } = this;
    const alone = model.solo === id;
    const onclick = () => {
      model.solo = alone ? null : id;
      viewer.stateChanged();
    };
    const label = alone ? "Show all panels" : `Show ${title} alone`;
    return button(label, { class: "help solo", image: "full", onclick, "aria-pressed": String(alone) });
  }
  /**
   * Make what stands below a panel: its colour bar with range and unit, or the share it is about.
   * @param {PanelInfo} panel
   * @param {number} index Of the run.
   */
  foot(panel, index) {
    if (panel.map) return this.colourBar(panel.map);
    const foot = html("footer");
    if (panel.draws === "confident" || panel.draws === "difference") {
      this.texts.push((step) => {
        const text = this.share(panel, index, step);
        setText(foot, text);
        setAttribute(foot, "title", text);
      });
    }
    return foot;
  }
  /**
   * Return how many pixels a panel is about.
   * @param {PanelInfo} panel
   * @param {number} index
   * @param {number} step
   */
  share(panel, index, step) {
    const { model } = this;
    const picture = model.painter.picture(model.runs[index], panel, step, model.display(step));
    if (!picture || picture.share === null) return "";
    const share = percent(picture.share);
    if (panel.draws === "confident") return `${share} of pixels`;
    const { run, step: at } = model.against;
    const owner = run === null || !model.comparing ? "" : `${model.runs[run]?.info.name}, `;
    return `${share} differ from ${owner}step ${at ?? step}`;
  }
  /** @param {ColourMapName} name */
  colourBar(name) {
    const { model } = this;
    const { table, unit } = model.map(name);
    const stops2 = Array.from({ length: 17 }, (_, i) => Math.min(i * 16, 255));
    const colours = stops2.map((i) => css(
      /** @type {Colour} */
      table.slice(3 * i, 3 * i + 3)
    )).join(",");
    const [low, high] = [html("span"), html("span")];
    const bar = html("div", { class: "bar", style: `background:linear-gradient(to right,${colours})` });
    this.texts.push((step) => {
      const [from, to] = model.limits(name, step);
      const decimals = to >= 10 ? 1 : 2;
      setText(low, fixed(from, from ? decimals : 0));
      setText(high, `${fixed(to, decimals)} ${unit}`);
      const range = model.rangePerStep ? "of this step" : "of all steps";
      setAttribute(bar, "title", `colour range ${range}: ${low.textContent} to ${high.textContent}`);
    });
    return html("footer", { class: "scale" }, low, bar, high);
  }
};

// segviz/viewer/js/inspector.js
var TOP = 5;
var Inspector = class {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.where = html("span", { class: "where" });
    this.truth = html("span", { class: "truth" });
    this.body = html("tbody");
    this.runHeader = html("th", { scope: "col" }, "Run");
    this.header = html("tr");
    this.headed = "";
    const table = html("table", {}, html("thead", {}, this.header), this.body);
    this.ranking = html("ol", { class: "ranking" });
    this.owner = html("header", { class: "muted" });
    const head = html("header", {}, html("b", {}, "Pixel"), this.where, this.truth);
    this.node = html(
      "section",
      { class: "inspector card", "aria-label": "Pixel inspector" },
      html("div", {}, head, html("div", { class: "scroll" }, table)),
      html("div", {}, this.owner, this.ranking)
    );
    this.written = "";
  }
  /** Write the header of the table: the maps of runs in progress may still become more. */
  head() {
    const { entropy, sigma, sizes } = this.model.head.maps;
    const names = [
      "Class",
      "Probability",
      "Runner-up",
      `${entropy.title}, ${entropy.unit}`,
      ...sigma ? [`${sigma.title}, ${sigma.unit}`, `Receptive field, ${sigma.unit}`] : [],
      ...sizes ? [`${sizes.title}, ${sizes.unit}`] : [],
      "In S"
    ];
    const written = names.join();
    if (written === this.headed) return;
    this.headed = written;
    this.header.replaceChildren(this.runHeader, ...names.map((name) => html("th", { scope: "col" }, name)));
  }
  /** @param {number} step */
  update(step) {
    const { model } = this;
    const { cursor } = model;
    const readings = model.runs.map((run2) => cursor ? inspect(run2, step, cursor.x, cursor.y) : null);
    const names = model.runs.map(({ info }) => info.name);
    const content = JSON.stringify([model.safe, cursor, readings, model.hoveredRun, names, Object.keys(model.head.maps)]);
    if (content === this.written) return;
    this.written = content;
    this.head();
    this.node.classList.toggle("idle", !cursor);
    this.runHeader.hidden = !model.comparing;
    setText(this.where, cursor ? `x ${cursor.x}, y ${cursor.y}` : "Point at a picture to read it; click to pin the pixel.");
    const truth = readings.map((reading) => reading?.truth ?? null).find((id) => id !== null) ?? null;
    this.truth.replaceChildren(...truth === null ? [] : ["truth ", this.chip(truth)]);
    this.body.replaceChildren(...model.runs.map((run2, i) => this.row(run2, readings[i])));
    const run = Math.min(model.hoveredRun, model.runs.length - 1);
    setText(this.owner, `Most probable classes${model.comparing ? `, ${names[run]}` : ""}`);
    this.rank(readings[run]?.ranking ?? []);
  }
  /** @param {number} id */
  chip(id) {
    return chip(this.model.colour(id), this.model.name(id));
  }
  /**
   * @param {Run} run
   * @param {Reading | null} reading
   */
  row(run, reading) {
    const { entropy, sigma, sizes } = this.model.head.maps;
    const number = (value, decimals) => value === null || value === void 0 ? null : fixed(value, decimals);
    const cell = (name2, content) => html("td", { "data-name": name2 }, content ?? "–");
    const name = html("th", { scope: "row", hidden: !this.model.comparing });
    name.append(html("i", { class: "dot", style: `background:${runColour(run.index)}` }), run.info.name);
    const [own, next] = reading?.ranking ?? [];
    const known = own && own.id === reading?.label;
    return html(
      "tr",
      {},
      name,
      cell("class", reading && this.chip(reading.label)),
      cell("probability", known ? percent(own.probability) : null),
      cell("runner-up", next && html("span", {}, this.chip(next.id), ` ${percent(next.probability)}`)),
      cell("entropy", reading && fixed(reading.entropy, entropy.decimals)),
      ...sigma ? [cell("sigma", number(reading?.sigma, sigma.decimals))] : [],
      ...sigma ? [cell("receptive-field", number(reading?.size, 0))] : [],
      ...sizes ? [cell("scale-read", number(reading?.scale, sizes.decimals))] : [],
      cell("selected", reading && (reading.selected ? "yes" : "no"))
    );
  }
  /**
   * Write the most probable classes of the run pointed at as bars; always as many lines.
   * @param {{ id: number, probability: number }[]} ranking
   */
  rank(ranking) {
    const lines = Array.from({ length: TOP }, (_, i) => {
      const entry = ranking[i];
      if (!entry) return html("li", {}, " ");
      const bar = html("span", { class: "meter" }, html("i", { style: `width:${100 * entry.probability}%` }));
      return html("li", {}, this.chip(entry.id), bar, html("span", {}, percent(entry.probability)));
    });
    this.ranking.replaceChildren(...lines);
  }
};

// segviz/viewer/js/keys.js
var TYPING = [
  "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=option]",
  "[role=menuitem], [role=listbox], [role=combobox], [role=spinbutton]"
].join();
var PRESSED = "button, a[href], summary, [role=button], [role=switch], [role=checkbox]";
var ACTIVE = /* @__PURE__ */ Symbol.for("the segviz viewer that takes keys");
var page = typeof window === "undefined" ? {} : (
  /** @type {any} */
  window
);
function listenKeys(root, model, viewer) {
  const activate = () => {
    page[ACTIVE] = root;
  };
  if (!page[ACTIVE]?.isConnected) activate();
  root.addEventListener("pointerdown", activate, true);
  root.addEventListener("focusin", activate, true);
  const target = (event) => {
    const far = event.shiftKey ? 10 : 1;
    const steps = {
      ArrowLeft: model.step - far,
      ArrowRight: model.step + far,
      Home: event.shiftKey ? void 0 : 0,
      End: event.shiftKey ? void 0 : model.last
    };
    return steps[event.key];
  };
  const onKeyDown2 = (event) => {
    if (!page[ACTIVE]?.isConnected) activate();
    if (page[ACTIVE] !== root || event.defaultPrevented || !root.getClientRects().length) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [origin] = event.composedPath();
    const element2 = origin instanceof Element ? origin : null;
    const own = element2?.classList.contains("scrubber");
    if (!own && element2?.closest(TYPING)) return;
    if (event.key === "f" || event.key === "F") {
      if (!event.repeat) viewer.toggleFullScreen();
    } else if (event.key === " ") {
      if (!own && element2?.closest(PRESSED)) return;
      if (!event.repeat) viewer.play(!model.playing);
    } else {
      const step = target(event);
      if (step === void 0) return;
      viewer.goTo(step, true);
    }
    event.preventDefault();
  };
  document.addEventListener("keydown", onKeyDown2);
  return () => document.removeEventListener("keydown", onKeyDown2);
}

// segviz/viewer/js/charts.js
var W = 200;
var H = 56;
var MARGIN2 = 4;
var DASHES = ["", "5 3", "1.5 2.5", "8 3 2 3"];
var Chart = class {
  /**
   * @param {string} label
   * @param {(step: number, done: boolean) => void} goTo Called when the reader points at a step;
   *   done: they have let go of it.
   */
  constructor(label, goTo) {
    this.lines = svg("g");
    this.cursor = svg("line", { class: "now", y1: 0, y2: H });
    const attributes = { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", class: "plot" };
    const plot = svg("svg", attributes, this.lines, this.cursor);
    this.high = html("span", { class: "high" });
    this.low = html("span", { class: "low" });
    const range = html("div", { class: "range", "aria-hidden": "true" }, this.high, this.low);
    this.node = html("div", { class: "chart", role: "img", "aria-label": label }, range, plot);
    this.last = 0;
    const stepAt = (event) => {
      const box = plot.getBoundingClientRect();
      const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      return Math.round(part * this.last);
    };
    plot.onpointerdown = (event) => {
      plot.setPointerCapture(event.pointerId);
      goTo(stepAt(event), false);
    };
    plot.onpointermove = (event) => {
      if (plot.hasPointerCapture(event.pointerId)) goTo(stepAt(event), false);
    };
    plot.onpointerup = (event) => goTo(stepAt(event), true);
  }
  /**
   * @param {Line[]} lines
   * @param {number} last The last step.
   * @param {(value: number) => string} format
   */
  draw(lines, last, format) {
    this.last = last;
    const range = rangeOf(lines);
    this.high.textContent = range ? format(range[1]) : "";
    this.low.textContent = range ? format(range[0]) : "";
    this.lines.replaceChildren(
      ...lines.map(({ values, colour, dash = 0 }) => {
        const d = pathOf(values, last, range ?? [0, 1]);
        const dashes = DASHES[dash % DASHES.length];
        return svg("path", { d, class: "line", style: `stroke:${colour}`, "stroke-dasharray": dashes });
      })
    );
  }
  /** @param {number} step */
  mark(step) {
    const x = this.last ? step / this.last * W : W / 2;
    setAttribute(this.cursor, "x1", x);
    setAttribute(this.cursor, "x2", x);
  }
};
function rangeOf(lines) {
  const all = lines.flatMap(({ values }) => Array.from(values)).filter((value) => value !== null && Number.isFinite(value));
  const numbers = (
    /** @type {number[]} */
    all
  );
  return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
}
function pathOf(values, last, [low, high]) {
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const x = (step) => (last ? step / last * W : W / 2).toFixed(2);
  const y = (value) => (MARGIN2 + (H - 2 * MARGIN2) * (1 - (value - low) / (high - low))).toFixed(2);
  let path = "";
  let pen = "M";
  Array.from(values).forEach((value, step) => {
    if (value === null || !Number.isFinite(value)) {
      pen = "M";
      return;
    }
    path += values.length === 1 ? `M0 ${y(value)}H${W}` : `${pen}${x(step)} ${y(value)}`;
    pen = "L";
  });
  return path;
}
function dashSample(dash) {
  const line = svg("line", { x1: 0, y1: 4, x2: 22, y2: 4, "stroke-dasharray": DASHES[dash % DASHES.length] });
  return svg("svg", { viewBox: "0 0 22 8", class: "dash", "aria-hidden": "true" }, line);
}

// segviz/viewer/js/numbers.js
var Numbers = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = null;
    this.cards = [];
    this.node = html("section", { class: "numbers", "aria-label": "Numbers over the steps" });
  }
  /** @param {number} step */
  update(step) {
    const { model } = this;
    if (this.built !== model.head) {
      this.built = model.head;
      this.cards = model.head.numbers.map((number) => this.card(number));
      this.node.replaceChildren(...this.cards.map(({ node }) => node));
    }
    for (const { chart, rows, key, decimals } of this.cards) {
      chart.mark(step);
      rows.forEach(({ value, change }, index) => {
        const run = model.runs[index];
        const values = run.info.numbers[key];
        const at = run.at(step);
        const [first, now] = [values[0], values[at]];
        setText(value, fixed(now, decimals));
        setText(change, at && first !== null && now !== null ? signed(now - first, decimals) : "");
      });
    }
  }
  /** @param {NumberInfo} number */
  card({ key, title, unit, decimals, help: text }) {
    const { model, viewer } = this;
    const chart = new Chart(`${title} over the steps`, (step, done) => viewer.goTo(step, done));
    const lines = model.runs.map(({ info, index }) => ({ values: info.numbers[key], colour: runColour(index) }));
    chart.draw(lines, model.last, (value) => fixed(value, decimals));
    const rows = model.runs.map(({ info, index }) => {
      const value = html("b", { "data-number": key, "data-run": index });
      const change = html("span", { class: "muted", title: "change from step 0" });
      const dot = html("i", { class: "dot", style: `background:${runColour(index)}` });
      const name = model.comparing ? html("span", { class: "name" }, dot, info.name) : null;
      return { value, change, node: html("div", { class: "row" }, name, value, change) };
    });
    const label = html("span", { class: "title" }, title, unit ? html("span", { class: "muted" }, ` ${unit}`) : null);
    const header = html("header", {}, label, help(title, text));
    const node = html("div", { class: "card" }, header, ...rows.map((row) => row.node), chart.node);
    return { key, decimals, chart, rows, node };
  }
};

// segviz/viewer/js/pins.js
var MAX_HISTORIES = 64;
var Pins = class {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.viewer = viewer;
    this.built = "";
    this.histories = /* @__PURE__ */ new Map();
    this.rows = [];
    this.list = html("div", { class: "pin-list" });
    this.charts = model.recordMaps.map((name) => {
      const { title, unit, decimals } = model.map(name);
      const chart = new Chart(`${title} of the pinned pixels`, (step, done) => viewer.goTo(step, done));
      const header = html("header", {}, title, html("span", { class: "muted" }, ` ${unit}`));
      return { name, chart, decimals, card: html("div", { class: "card" }, header, chart.node) };
    });
    const cards = this.charts.map(({ card }) => card);
    this.node = html("section", { class: "pins", hidden: true, "aria-label": "Pinned pixels" }, this.list, ...cards);
  }
  /** @param {number} step */
  update(step) {
    const { model } = this;
    this.node.hidden = !model.pins.length;
    if (!model.pins.length) {
      this.built = "";
      this.rows = [];
      this.list.replaceChildren();
      return;
    }
    const plan = JSON.stringify([model.pins, model.head.id, model.last, model.safe]);
    if (plan !== this.built) {
      this.built = plan;
      this.build();
    }
    for (const { chart } of this.charts) chart.mark(step);
    for (const row of this.rows) {
      const at = row.run.at(step);
      const id = row.labels[at];
      row.now.style.left = `${(at + 0.5) / (model.last + 1) * 100}%`;
      if (row.shown === id) continue;
      row.shown = id;
      row.label.replaceChildren(id < 0 ? "…" : chip(model.colour(id), model.name(id)));
    }
  }
  /**
   * Return the values of a pixel over the steps, filled in as steps are decoded; NaN and -1 until then.
   * @param {Run} run
   * @param {Pixel} pixel
   */
  history(run, pixel) {
    const key = `${this.model.head.id} ${run.index} ${pixel.x} ${pixel.y}`;
    const known = this.histories.get(key);
    if (known) return known;
    if (this.histories.size >= MAX_HISTORIES) this.histories.clear();
    const count = run.last + 1;
    const history = {
      maps: Object.fromEntries(this.charts.map(({ name }) => [name, new Float32Array(count).fill(NaN)])),
      labels: new Int16Array(count).fill(-1)
    };
    this.histories.set(key, history);
    this.fill(run, pixel, history);
    return history;
  }
  /**
   * @param {Run} run
   * @param {Pixel} pixel
   * @param {History} history
   */
  async fill(run, { x, y }, history) {
    await this.model.opening;
    for (let step = 0; step <= run.last; step++) {
      if (!run.labels(step)) await run.maps.load(step);
      const labels = run.labels(step);
      if (!labels) continue;
      history.labels[step] = labels[y * run.head.width + x];
      for (const { name } of this.charts) {
        const codes = run.codes(step, name);
        const values = run.values[name];
        const line = history.maps[name];
        if (codes && values && line) line[step] = read(run, codes, values, x, y);
      }
    }
    this.built = "";
    this.viewer.requestDraw();
  }
  build() {
    const { model } = this;
    this.rows = [];
    this.list.replaceChildren(...model.pins.map((pin) => this.card(pin)));
    for (const { name, chart, decimals } of this.charts) {
      const lines = model.pins.flatMap(
        (pin) => model.runs.map((run) => ({ values: this.history(run, pin).maps[name] ?? [], colour: pin.colour, dash: run.index }))
      );
      chart.draw(lines, model.last, (value) => fixed(value, decimals));
    }
  }
  /** @param {Pin} pin */
  card(pin) {
    const { model, viewer } = this;
    const onclick = () => {
      model.unpin(pin.slot);
      viewer.stateChanged();
    };
    const remove = button(`Unpin pixel ${pin.slot + 1}`, { image: "close", class: "small", onclick });
    const badge = html("span", { class: "badge", style: `background:${pin.colour}` }, String(pin.slot + 1));
    const where = html("span", { class: "muted" }, `x ${pin.x}, y ${pin.y}`);
    const strips = model.runs.map((run) => this.strip(run, pin));
    return html("div", { class: "pin card" }, html("header", {}, badge, where, remove), ...strips);
  }
  /**
   * Show the class of a pixel over the steps as a strip of colours.
   * @param {Run} run
   * @param {Pin} pin
   */
  strip(run, pin) {
    const { model } = this;
    const { labels } = this.history(run, pin);
    const now = html("i", { class: "now" });
    const cells = Array.from({ length: model.last + 1 }, (_, step) => {
      const known = step <= run.last && labels[step] >= 0;
      return html("i", { style: known ? `background:${css(model.colour(labels[step]))}` : "" });
    });
    const label = html("span", { class: "label" });
    this.rows.push({ run, labels, shown: NaN, label, now });
    const name = model.comparing ? html("span", { class: "name" }, dashSample(run.index), run.info.name) : null;
    return html("div", { class: "history" }, name, label, html("div", { class: "strip" }, ...cells, now));
  }
};

// segviz/viewer/js/tooltip.js
var AWAY2 = 14;
var Tooltip = class {
  /**
   * @param {Model} model
   * @param {HTMLElement} root What it stays within.
   */
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.head = html("div", { class: "tooltip-class" });
    this.numbers = html("div");
    this.node = html("div", { class: "tooltip", hidden: true, "aria-hidden": "true" }, this.head, this.numbers);
    this.written = "";
  }
  /** @param {number} step */
  update(step) {
    const { model } = this;
    const { cursor, pointer } = model;
    const run = model.runs[Math.min(model.hoveredRun, model.runs.length - 1)];
    const reading = cursor && pointer ? inspect(run, step, cursor.x, cursor.y) : null;
    this.node.hidden = !reading;
    if (!reading || !pointer) return;
    const [own] = reading.ranking ?? [];
    const share = own?.id === reading.label ? ` ${percent(own.probability)}` : "";
    const { entropy, sigma } = model.head.maps;
    const values = [`${entropy.title.toLowerCase()} ${fixed(reading.entropy, entropy.decimals)} ${entropy.unit}`];
    if (sigma && reading.sigma !== null) {
      values.push(`${sigma.title.toLowerCase()} ${fixed(reading.sigma, sigma.decimals)} ${sigma.unit}`);
    }
    const written = JSON.stringify([model.safe, reading.label, share, values]);
    if (written !== this.written) {
      this.written = written;
      this.head.replaceChildren(chip(model.colour(reading.label), model.name(reading.label)), share);
      setText(this.numbers, values.join(" · "));
    }
    const box = this.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const [x, y] = [pointer.x - box.left, pointer.y - box.top];
    const left = x + AWAY2 + width > box.width ? x - AWAY2 - width : x + AWAY2;
    const below = pointer.y + AWAY2 + height < window.innerHeight;
    const top = below ? y + AWAY2 : y - AWAY2 - height;
    this.node.style.transform = `translate(${Math.max(left, 0)}px, ${top}px)`;
  }
};

// segviz/viewer/js/tour.js
var SEEN = "segviz tour";
var MENU = 66;
function stops(viewer) {
  const outside = (id) => document.querySelector(`[data-testid=${id}]`);
  return [
    {
      title: "A photo and settings",
      text: "Choose a photo and what adapts the network; Run starts it. The question marks explain each setting.",
      target: () => outside("stSidebar")
    },
    {
      title: "Steps",
      text: "Step 0 is the plain prediction; each step is one update. Space plays, the arrow keys step, F fills the screen.",
      target: () => viewer.playback.node
    },
    {
      title: "Pictures",
      text: "Point at a pixel to read its class, probability, entropy and sigma; click to pin it, turn the wheel to zoom.",
      target: () => viewer.grid.node
    },
    {
      title: "Numbers",
      text: "IoU tells how right the prediction is, entropy how unsure: lower is surer, not better. A chart goes to a step.",
      target: () => viewer.numbers.node
    },
    {
      title: "Other pages",
      text: "Compare methods, scales and settings on one photo; Benchmark tells what happens on average.",
      target: () => outside("stTopNav")
    }
  ];
}
var Tour = class {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.at = 0;
    this.stops = [];
    this.outline = html("div", { class: "tour-outline", popover: "manual" });
    this.title = html("b");
    this.text = html("p");
    this.count = html("span", { class: "muted" });
    this.back = button("Back", { text: "Back", onclick: () => this.go(this.at - 1) });
    this.next = button("Next", { text: "Next", class: "play", onclick: () => this.go(this.at + 1) });
    const leave = button("Leave the tour", { text: "Leave", onclick: () => this.end() });
    const buttons = html("footer", {}, this.count, leave, this.back, this.next);
    this.card = html("div", { class: "tour", popover: "manual", role: "dialog", "aria-label": "Tour" });
    this.card.append(this.title, this.text, buttons);
    this.card.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.end();
    };
    this.nodes = [this.outline, this.card];
    this.elsewhere = (event) => {
      if (!event.composedPath().includes(this.card)) this.end();
    };
  }
  /** Start the tour unless it was seen in this browser. */
  offer() {
    store(SEEN, stored(SEEN) ?? "");
    if (stored(SEEN) === "") this.start();
  }
  start() {
    this.stops = stops(this.viewer).filter(({ target }) => target()?.getClientRects().length);
    if (!this.card.isConnected) this.viewer.root.append(...this.nodes);
    for (const node of this.nodes) if (!node.matches(":popover-open")) node.showPopover();
    document.addEventListener("pointerdown", this.elsewhere, { capture: true });
    this.go(0);
    this.next.focus({ preventScroll: true });
  }
  /** @param {number} at */
  go(at) {
    if (at >= this.stops.length) {
      this.end();
      return;
    }
    this.at = Math.max(at, 0);
    const { title, text, target } = this.stops[this.at];
    setText(this.title, title);
    setText(this.text, text);
    setText(this.count, `${this.at + 1} of ${this.stops.length}`);
    this.back.disabled = this.at === 0;
    setText(this.next, this.at === this.stops.length - 1 ? "Done" : "Next");
    const node = target();
    if (!node) return;
    node.scrollIntoView({ block: "nearest" });
    const box = node.getBoundingClientRect();
    const [top, bottom] = [Math.max(box.top, 2), Math.min(box.bottom, window.innerHeight - 2)];
    this.outline.style.cssText = `left:${box.left}px;top:${top}px;width:${box.width}px;height:${Math.max(bottom - top, 0)}px`;
    placeBeside(this.card, this.outline);
    if (this.card.offsetTop < MENU) this.card.style.top = `${MENU}px`;
  }
  end() {
    document.removeEventListener("pointerdown", this.elsewhere, { capture: true });
    for (const node of this.nodes) if (node.matches(":popover-open")) node.hidePopover();
    store(SEEN, "done");
  }
  destroy() {
    document.removeEventListener("pointerdown", this.elsewhere, { capture: true });
    for (const node of this.nodes) node.remove();
  }
};

// segviz/viewer/js/viewer.js
var PACE = 5;
var REST = 350;
var NOTICE = 4e3;
var FULL = 0.7;
function mount(parent, head, frames, options = {}) {
  const root = html("div", { class: "segviz" });
  parent.append(root);
  return new Viewer(root, head, frames, options);
}
var Viewer = class {
  /**
   * @param {HTMLElement} root
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Options} options
   */
  constructor(root, head, frames, options) {
    this.root = root;
    this.options = options;
    const model = this.model = new Model(head, frames);
    model.restore(options.view ?? {});
    this.playback = new PlaybackControls(model, this);
    this.display = new DisplayControls(model, this);
    this.grid = new PanelGrid(model, this);
    this.legend = new Legend(model, this);
    this.inspector = new Inspector(model);
    this.pins = new Pins(model, this);
    this.numbers = new Numbers(model, this);
    this.confusion = new ConfusionMatrix(model, this);
    this.notice = html("div", { class: "notice", role: "status" });
    this.tooltip = new Tooltip(model, root);
    this.tour = new Tour(this);
    this.body = html("div", { class: "body" }, this.grid.node, this.legend.node, this.numbers.node);
    const above = [this.playback.node, this.display.node];
    const below = [this.inspector.node, this.pins.node, this.confusion.node];
    root.append(...above, this.body, ...below, this.notice, this.tooltip.node);
    this.reported = JSON.stringify(model.state());
    const sizes = new ResizeObserver(() => this.requestDraw());
    sizes.observe(root);
    const onResize = () => this.requestDraw();
    window.addEventListener("resize", onResize);
    const onFullScreen = () => {
      root.classList.toggle("full", root.matches(":fullscreen"));
      this.requestDraw();
    };
    root.addEventListener("fullscreenchange", onFullScreen);
    this.cleanups = [
      () => sizes.disconnect(),
      () => window.removeEventListener("resize", onResize),
      watchScroll(),
      listenKeys(root, model, this)
    ];
    this.destroyed = false;
    this.loading = false;
    this.pending = null;
    this.moved = 0;
    this.resting = 0;
    this.fading = 0;
    this.load();
  }
  // Decode the step shown first, then the other steps, then the probabilities.
  async load() {
    const { model } = this;
    const { head } = model;
    const current = () => model.head === head && !this.destroyed;
    this.loading = true;
    this.requestDraw();
    try {
      await model.opening;
      await model.fetch(model.step);
      this.requestDraw();
      for (
        const kind of
        /** @type {const} */
        ["maps", "probabilities"]
      ) {
        for (let step = 0; step <= model.last; step += head.keyEvery) {
          for (const run of model.runs) {
            if (!current()) return;
            const fits = model.decoded.size <= FULL * model.decoded.budget;
            if (step <= run.last && (step === 0 || fits)) await run[kind].load(step);
          }
        }
        this.requestDraw();
      }
    } catch (error) {
      console.error(error);
      this.notify("The pictures could not be read; load the page again.", Infinity);
    }
    if (!current()) return;
    this.loading = false;
    this.requestDraw();
    if (this.options.tour && !this.options.growing) requestAnimationFrame(() => this.tour.offer());
  }
  /**
   * Return the space for panels in CSS pixels: the width, and the height to the end of the window
   * before the page is scrolled.
   */
  space() {
    let scrolled = 0;
    const full = this.root.classList.contains("full");
    for (let node = full ? null : parentOf(this.root); node; node = parentOf(node)) scrolled += node.scrollTop;
    const top = this.body.getBoundingClientRect().top + scrolled;
    return { width: this.body.clientWidth || 900, height: window.innerHeight - top };
  }
  // Show the pictures alone on the whole screen, or no longer.
  toggleFullScreen() {
    const { root } = this;
    const done = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    done.catch(() => this.notify("This browser allows no full screen here."));
  }
  // Draw soon: any number of changes, one drawing.
  requestDraw() {
    if (this.destroyed) return;
    setAttribute(this.root, "aria-busy", "true");
    this.pending ??= requestAnimationFrame((time) => {
      this.pending = null;
      this.draw(time);
    });
  }
  /** @param {number} time */
  draw(time) {
    const { model } = this;
    this.tick(time);
    if (model.ready(model.step)) model.drawnStep = model.step;
    else if (model.opened) model.fetch(model.step).then(() => this.requestDraw());
    const step = model.drawnStep ?? model.step;
    this.playback.update(step);
    this.display.update();
    this.legend.update();
    if (model.drawnStep === null || !model.ready(step)) this.grid.mark(model.step);
    else {
      this.grid.update(step);
      this.inspector.update(step);
      this.tooltip.update(step);
      this.pins.update(step);
      this.confusion.update(step);
      const shown = model.draws("probability", "confident");
      if (shown || model.cursor && !this.loading) this.loadProbabilities(step);
    }
    this.numbers.update(step);
    setAttribute(this.root, "aria-busy", String(this.loading || model.drawnStep !== model.step));
    if (model.playing) this.requestDraw();
  }
  /**
   * Decode the probabilities that panels and the inspector read, unless they are decoded.
   * @param {number} step
   */
  loadProbabilities(step) {
    for (const run of this.model.runs) {
      for (const at of new Set(this.model.stepsWith(step).map((needed) => run.at(needed)))) {
        if (!run.probabilities.get(at)) run.probabilities.load(at).then(() => this.requestDraw());
      }
    }
  }
  /** @param {number} time */
  tick(time) {
    const { model } = this;
    if (!model.playing) return;
    const wait = 1e3 / (PACE * model.speed);
    if (model.drawnStep !== model.step) this.moved = time;
    if (time - this.moved < wait) return;
    this.moved = time - this.moved < 2 * wait ? this.moved + wait : time;
    if (model.step < model.last) model.step += 1;
    else if (model.loop) model.step = 0;
    else if (!this.options.growing) this.play(false);
  }
  /** @param {boolean} on */
  play(on) {
    const { model } = this;
    if (on && model.step === model.last && !this.options.growing) model.step = 0;
    model.playing = on;
    model.following = !on && model.step === model.last;
    this.moved = performance.now();
    this.requestDraw();
    if (!on) this.stateChanged();
  }
  /**
   * Show a step.
   * @param {number} step
   * @param {boolean} done Whether the reader has let go of it.
   */
  goTo(step, done) {
    const { model } = this;
    model.step = Math.min(Math.max(step, 0), model.last);
    model.playing = false;
    model.following = model.step === model.last;
    this.requestDraw();
    if (done) this.stateChanged();
  }
  // Draw, and report the state once it rests.
  stateChanged() {
    this.requestDraw();
    clearTimeout(this.resting);
    this.resting = window.setTimeout(() => {
      const { model } = this;
      if (model.playing || this.destroyed) return;
      const state = model.state();
      const text = JSON.stringify(state);
      if (text === this.reported) return;
      this.reported = text;
      this.options.report?.(state);
    }, REST);
  }
  /**
   * Show a notice over the panels.
   * @param {string} text
   * @param {number} [milliseconds]
   */
  notify(text, milliseconds = NOTICE) {
    setText(this.notice, text);
    clearTimeout(this.fading);
    if (!Number.isFinite(milliseconds)) return;
    this.fading = window.setTimeout(() => setText(this.notice, ""), milliseconds);
  }
  /**
   * Take another message; what the reader chose stays.
   * @param {Head} head
   * @param {Uint8Array} frames
   * @param {Options} options
   */
  update(head, frames, options) {
    this.options = { ...this.options, ...options };
    const { model } = this;
    if (head.id !== void 0 && head.id === model.head.id) return;
    model.load(head, frames);
    this.load();
  }
  destroy() {
    this.destroyed = true;
    if (this.pending !== null) cancelAnimationFrame(this.pending);
    clearTimeout(this.resting);
    clearTimeout(this.fading);
    this.tour.destroy();
    for (const cleanup of this.cleanups) cleanup();
    this.root.remove();
  }
};
function parentOf(node) {
  const root = node.getRootNode();
  return node.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

// segviz/viewer/js/report.js
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
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

// segviz/viewer/js/streamlit.js
var viewers = /* @__PURE__ */ new WeakMap();
function parse(data) {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { head, frames: data.subarray(4 + length) };
}
function component({ data, parentElement, setStateValue }) {
  const { head, frames } = parse(data);
  const { growing, view } = head;
  const options = { growing, tour: true, report: (state) => setStateValue("view", state) };
  let viewer = viewers.get(parentElement)?.viewer;
  if (viewer) viewer.update(head, frames, options);
  else viewer = mount(parentElement, head, frames, { ...options, view });
  const undo = () => {
    const current = viewers.get(parentElement);
    if (current?.undo !== undo) return;
    current.viewer.destroy();
    viewers.delete(parentElement);
  };
  viewers.set(parentElement, { viewer, undo });
  return undo;
}
export {
  component as default,
  mount,
  openReport
};
