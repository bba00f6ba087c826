// @ts-check
// Numbers and colours as text.

/** @import { Colour } from "./types" */

/**
 * Return a number with fixed decimals, fewer for large numbers; a dash where there is none.
 * @param {number | null | undefined} value
 * @param {number} decimals
 */
function fixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = value.toFixed(size >= 1000 ? 0 : size >= 100 ? Math.min(decimals, 1) : decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/**
 * Return a change with its sign.
 * @param {number | null} value
 * @param {number} decimals
 */
function signed(value, decimals) {
  if (value === null || Number.isNaN(value)) return "";
  const text = fixed(Math.abs(value), decimals);
  return Number(text) === 0 ? `±${text}` : `${value < 0 ? "−" : "+"}${text}`;
}

/** @param {number} value A share, 0 to 1. */
function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}

/** @param {Colour} colour */
function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

export { css, fixed, percent, signed };
