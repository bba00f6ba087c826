// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { arrange, GAP } from "../../../segviz/viewer/js/layout.js";

const SPACE = { aspect: 4 / 3, chrome: 44, above: 106, side: 224 };

/**
 * @param {number} count
 * @param {ReturnType<typeof arrange>} layout
 * @param {{ width: number, height: number }} space
 */
function check(count, layout, { width, height }) {
  const { columns, width: wide, side } = layout;
  const rows = Math.ceil(count / columns);
  assert.ok(columns * wide + GAP * (columns - 1) <= width - (side ? SPACE.side : 0));
  const high = rows * (wide / SPACE.aspect + SPACE.chrome) + GAP * (rows - 1);
  assert.ok(high <= height - (side ? 0 : SPACE.above));
}

test("panels fit the width and the height that there is", () => {
  for (const [width, height] of [[736, 450], [1076, 590], [1556, 800]]) {
    for (const count of [1, 2, 4, 6, 8]) {
      const layout = arrange(count, { ...SPACE, width, height });
      assert.ok(layout.fits);
      check(count, layout, { width, height });
    }
  }
});

test("two panels of a wide window stand side by side, with the legend beside them", () => {
  const { columns, side } = arrange(2, { ...SPACE, width: 1556, height: 600 });
  assert.deepEqual([columns, side], [2, true]);
});

test("columns that are given stay", () => {
  assert.equal(arrange(8, { ...SPACE, width: 900, height: 700, columns: 4 }).columns, 4);
});

test("where pictures would be too small, the page scrolls", () => {
  assert.equal(arrange(6, { ...SPACE, width: 326, height: 300 }).fits, false);
});
