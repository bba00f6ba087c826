// @ts-check
// How large panels are drawn: all of them fit the window where that can be.

/** @typedef {{ columns: number, width: number, side: boolean, fits: boolean }} Layout */
/**
 * @typedef {object} Space
 * @property {number} width CSS pixels of the viewer.
 * @property {number} height CSS pixels from the top of the panels to the end of the window.
 * @property {number} aspect Width over height of the photo.
 * @property {number} chrome Height of a panel's caption and foot.
 * @property {number} above Height that legend and numbers take where they do not stand beside.
 * @property {number} side Width of the column beside the panels.
 * @property {number} [columns] The columns, where they are given.
 */

const GAP = 12; // CSS pixels between panels
const LEAST = 80; // CSS pixels: smaller pictures, by the root of their area, show nothing
const WORTH = 0.88; // how large panels stay at least where a column stands beside them

/**
 * Return the columns and the width of panels that fit a space and are as large as they can be.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {Space} space
 */
function largest(count, width, height, { aspect, chrome, columns: given }) {
  const choices = given ? [given] : Array.from({ length: count }, (_, i) => i + 1);
  return choices
    .map((columns) => {
      const rows = Math.ceil(count / columns);
      const wide = (width - GAP * (columns - 1)) / columns;
      const high = (height - GAP * (rows - 1)) / rows - chrome;
      return { columns, width: Math.floor(Math.min(wide, high * aspect)), empty: rows * columns - count };
    })
    .reduce((best, next) => (next.width > best.width || (next.width === best.width && next.empty < best.empty) ? next : best));
}

/**
 * Return how panels are arranged.
 * @param {number} count Panels; of several runs, rows times columns.
 * @param {Space} space
 * @returns {Layout} fits: whether all panels fit the window; otherwise the page scrolls.
 */
function arrange(count, space) {
  const { width, height, above, side, aspect } = space;
  const alone = largest(count, width, height - above, space);
  const beside = largest(count, width - side - 2 * GAP, height, space);
  const chosen = beside.width >= WORTH * alone.width ? { ...beside, side: true } : { ...alone, side: false };
  return { ...chosen, fits: chosen.width >= LEAST * Math.sqrt(aspect) };
}

export { arrange, GAP };
