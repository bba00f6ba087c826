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

test("it opens at the last step with the default panels", () => {
  const made = model();
  made.restore({});
  assert.equal(made.step, 2);
  assert.deepEqual(made.visiblePanels.map(({ id }) => id), ["prediction", "entropy"]);
  assert.deepEqual(made.state(), { step: null, pins: [], panels: [] });
});

test("a state goes round", () => {
  const made = model();
  const state = { step: 1, pins: [[1, 2], [3, 0]], panels: ["entropy", "photo"] };
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
