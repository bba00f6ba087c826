// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { css, fixed, percent, signed } from "../../../segviz/viewer/js/format.js";

test("numbers keep their decimals until they are large", () => {
  assert.equal(fixed(0.12345, 3), "0.123");
  assert.equal(fixed(123.456, 3), "123.5");
  assert.equal(fixed(-123.456, 0), "-123");
  assert.equal(fixed(4321.9, 3), "4322");
});

test("zero has no sign", () => {
  assert.equal(fixed(-0.00001, 4), "0.0000");
  assert.equal(fixed(-0, 1), "0.0");
});

test("missing numbers are a dash", () => {
  for (const value of [null, undefined, NaN, Infinity, -Infinity]) assert.equal(fixed(value, 3), "–");
});

test("changes have a sign, and none where they round to zero", () => {
  assert.equal(signed(0.0123, 3), "+0.012");
  assert.equal(signed(-2.5, 1), "−2.5");
  assert.equal(signed(0.0004, 3), "±0.000");
  assert.equal(signed(-0.0004, 3), "±0.000");
  assert.equal(signed(null, 3), "");
});

test("shares and colours as text", () => {
  assert.equal(percent(0.1234), "12.3 %");
  assert.equal(css([1, 20, 255]), "rgb(1 20 255)");
});
