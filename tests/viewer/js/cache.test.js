// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { Cache } from "../../../segviz/viewer/js/cache.js";

test("what was used least recently is evicted first", () => {
  /** @type {Cache<string>} */
  const cache = new Cache(10);
  cache.set("a", "A", 4);
  cache.set("b", "B", 4);
  assert.equal(cache.get("a"), "A");
  cache.set("c", "C", 4);
  assert.equal(cache.get("b"), undefined);
  assert.equal(cache.get("a"), "A");
  assert.equal(cache.get("c"), "C");
  assert.equal(cache.size, 8);
});

test("entries that must stay do, however large", () => {
  /** @type {Cache<number>} */
  const cache = new Cache(10, 2);
  for (const number of [1, 2, 3]) cache.set(String(number), number, 100);
  assert.equal(cache.get("1"), undefined);
  assert.equal(cache.get("2"), 2);
  assert.equal(cache.get("3"), 3);
});

test("an entry that is set again is counted once", () => {
  /** @type {Cache<number>} */
  const cache = new Cache(10);
  cache.set("a", 1, 4);
  cache.set("a", 2, 6);
  assert.equal(cache.size, 6);
  assert.equal(cache.get("a"), 2);
});
