// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { clampZoom, zoomBy } from "../../../segviz/viewer/js/pointer.js";

test("what is under the pointer stays there", () => {
  const zoom = zoomBy({ k: 1, u: 0, v: 0 }, 4, 0.25, 0.5);
  assert.equal(zoom.k, 4);
  assert.equal(zoom.u + 0.25 / zoom.k, 0.25);
  assert.equal(zoom.v + 0.5 / zoom.k, 0.5);
});

test("zoom ends at the whole photo and at its limit", () => {
  assert.deepEqual(zoomBy({ k: 2, u: 0.4, v: 0.1 }, 0.01, 0.5, 0.5), { k: 1, u: 0, v: 0 });
  assert.equal(zoomBy({ k: 20, u: 0, v: 0 }, 100, 0, 0).k, 24);
});

test("what is visible lies on the photo", () => {
  assert.deepEqual(clampZoom({ k: 4, u: -1, v: 0.9 }), { k: 4, u: 0, v: 0.75 });
});
