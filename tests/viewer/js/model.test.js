// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { Model } from "../../../segviz/viewer/js/model.js";
import { message } from "./message.js";

/** @param {Parameters<typeof message>[0]} [options] */
function model(options) {
  const { head, frames } = message(options);
  const made = new Model(head, frames);
  made.opening.catch(() => {}); // its photo, which only a browser decodes
  return made;
}

const nothing = {
  step: null,
  pins: [],
  panels: [],
  solo: null,
  overlay: null,
  zoom: null,
  isolated: null,
  threshold: null,
  against: null,
  wipe: null,
  cell: null,
};

test("it opens at the last step with the default panels", () => {
  const made = model();
  made.restore({});
  assert.equal(made.step, 2);
  assert.deepEqual(made.visiblePanels.map(({ id }) => id), ["prediction", "entropy"]);
  assert.deepEqual(made.state(), nothing);
});

test("a state goes round", () => {
  const made = model();
  const state = {
    ...nothing,
    step: 1,
    pins: [[1, 2], [3, 0]],
    panels: ["entropy", "photo"],
    overlay: 0,
    zoom: [2.5, 0.25, 0.5],
    isolated: 0,
    threshold: 0,
    against: [null, 1],
    wipe: [40, ["prediction", 0, 1], ["entropy", 0, null]],
    cell: [0, 2],
  };
  made.restore(/** @type {any} */ (state));
  assert.deepEqual(made.state(), state);
  assert.deepEqual(made.visiblePanels.map(({ id }) => id), ["photo", "entropy"]);
});

test("pins take free slots, up to the limit of the message", () => {
  const made = model();
  assert.ok(made.pin(0, 0) && made.pin(1, 1));
  assert.equal(made.pin(2, 2), false);
  made.unpin(0);
  assert.ok(made.pin(3, 2));
  assert.deepEqual(made.pins.map(({ slot, x }) => [slot, x]), [[1, 1], [0, 3]]);
  assert.equal(new Set(made.pins.map(({ colour }) => colour)).size, 2);
});

test("growing runs are followed until the reader moves", () => {
  const made = model({ steps: 2 });
  made.restore({});
  const grown = message();
  made.load(grown.head, grown.frames);
  made.opening.catch(() => {});
  assert.equal(made.step, 2);
  made.restore({ step: 1 });
  made.load(grown.head, grown.frames);
  made.opening.catch(() => {});
  assert.equal(made.step, 1);
});

test("colours range over all steps and runs, or over the step shown", () => {
  const made = model({ names: ["one", "two"] });
  assert.deepEqual(made.limits("entropy", 1), [0, 1]);
  made.rangePerStep = true;
  assert.deepEqual(made.limits("entropy", 1), [0, 0.9]);
  assert.deepEqual(made.display(2).limits.sigma, [0, 47]);
});

test("classes have names and colours, the ignored one too", () => {
  const made = model();
  assert.equal(made.name(2), "cat");
  assert.equal(made.name(255), "ignored");
  assert.equal(made.name(7), "class 7");
  assert.deepEqual(made.colour(2), [20, 40, 60]);
  assert.deepEqual(made.colour(255), [224, 224, 192]);
});

test("panels that need truth are only for runs that have it", () => {
  const made = model({ judged: false });
  const truth = made.head.panels.find(({ id }) => id === "truth");
  assert.ok(truth);
  assert.equal(made.has(made.runs[0], truth), false);
  assert.equal(model().has(model().runs[0], truth), true);
});

test("one panel alone leaves the choice of panels as it is", () => {
  const made = model();
  made.restore({ panels: ["prediction", "entropy"], solo: "truth" });
  assert.deepEqual(made.visiblePanels.map(({ id }) => id), ["truth"]);
  made.solo = null;
  assert.deepEqual(made.visiblePanels.map(({ id }) => id), ["prediction", "entropy"]);
});

test("drawing a step needs the steps that it is compared with", () => {
  const made = model();
  made.restore({ panels: ["prediction"] });
  assert.deepEqual(made.stepsWith(2), [2]);
  made.restore({ panels: ["difference"], against: [null, 1] });
  assert.deepEqual(made.stepsWith(2), [2, 1]);
  made.restore({ panels: ["prediction"], wipe: [50, ["prediction", 0, 0], ["prediction", 0, null]] });
  assert.deepEqual(made.stepsWith(2), [2, 0]);
});

test("differences are taken from another step or from another run at the step shown", async () => {
  const made = model({ names: ["one", "two"] });
  for (const run of made.runs) for (const step of [0, 1, 2]) await run.maps.load(step);
  const [one, two] = made.runs;
  assert.equal(made.display(2).reference(one, 2).key, "0:0");
  made.against = { run: 1, step: null };
  const { key, labels } = made.display(2).reference(one, 2);
  assert.equal(key, "1:2");
  assert.deepEqual(labels, two.labels(2));
});
