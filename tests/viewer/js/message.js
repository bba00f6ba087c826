// @ts-check
// A small message, written as segviz/viewer/payload.py writes them.

import { deflateSync } from "node:zlib";

/** @import { Head, Place, RunInfo } from "../../../segviz/viewer/js/types" */

export const [WIDTH, HEIGHT, KEY_EVERY] = [4, 3, 2];
const [COLUMNS, ROWS] = [3, 2];

/** The classes of every step: class 0 left of the step's column, class 2 from there on. */
export const labels = [0, 1, 2].map((step) =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % WIDTH < step ? 0 : 2)),
);
export const truth = labels[2].map((id, i) => (i === 0 ? 255 : id));
export const entropy = [0, 1, 2].map((step) => Uint8Array.of(0, 51, 102, 153, 204, 255).map((v) => v - 10 * step));
export const sigma = entropy.map((codes) => codes.toReversed());
export const selected = [0b10110000, 0b01000000, 0b11111100];

/**
 * Return a head and frames of runs that are named.
 * @param {{ names?: string[], steps?: number, judged?: boolean }} [options]
 * @returns {{ head: Head, frames: Uint8Array }}
 */
export function message({ names = ["run"], steps = 3, judged = true } = {}) {
  /** @type {Uint8Array[]} */
  const chunks = [];
  /** @type {(bytes: Uint8Array) => Place} */
  const add = (bytes) => {
    const offset = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    chunks.push(deflateSync(bytes));
    return [offset, chunks[chunks.length - 1].length];
  };
  /** @type {(positions: number[]) => Place} */
  const axis = (positions) => add(new Uint8Array(Float32Array.from(positions).buffer));
  /** @type {(maps: Uint8Array[]) => Place[]} */
  const track = (maps) =>
    maps.map((map, step) => add(step % KEY_EVERY ? map.map((value, i) => value - maps[step - 1][i]) : map));
  const maps = labels
    .slice(0, steps)
    .map((map, step) => Uint8Array.of(...map, ...entropy[step], ...sigma[step], selected[step]));
  const logs = maps.map((_, step) => Uint8Array.of(...entropy[step], ...sigma[step]));
  /** @type {RunInfo[]} */
  const runs = names.map((name) => ({
    name,
    title: "two halves",
    scale: 2,
    grid: [ROWS, COLUMNS],
    maps: {
      entropy: { low: 0, high: 1, tops: [1, 0.9, 0.8].slice(0, steps) },
      sigma: { low: 0, high: 51, tops: [51, 49, 47].slice(0, steps) },
    },
    receptiveField: { sigmas: [0, 16, 32], sizes: [48, 112, 208] },
    numbers: { entropy: [0.5, 0.4, 0.3].slice(0, steps) },
    photo: [0, 0],
    truth: judged ? add(truth) : null,
    rows: axis([0, 0.5, 1]),
    columns: axis([-0.25, 0.5, 1.5, 2.25]),
    steps: track(maps),
    probabilities: { low: -4, high: 0, classes: [0, 2], steps: track(logs) },
  }));
  const table = Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const panel = { help: "", map: null, changes: true, shared: false, needsTruth: false };
  return {
    head: {
      width: WIDTH,
      height: HEIGHT,
      keyEvery: KEY_EVERY,
      maxPins: 2,
      opacity: 0.5,
      threshold: 0.9,
      belowThreshold: [1, 2, 3],
      differentBackground: [7, 8, 9],
      panels: [
        { ...panel, id: "photo", title: "Photo and prediction", draws: "overlay" },
        { ...panel, id: "feedforward", title: "Prediction, step 0", draws: "labels", changes: false },
        { ...panel, id: "prediction", title: "Prediction", draws: "labels" },
        { ...panel, id: "entropy", title: "Entropy", draws: "map", map: "entropy" },
        { ...panel, id: "truth", title: "Truth", draws: "truth", changes: false, shared: true, needsTruth: true },
        { ...panel, id: "right-wrong", title: "Right and wrong", draws: "outcomes", needsTruth: true },
        { ...panel, id: "probability", title: "Probability", draws: "probability", map: "probability" },
        { ...panel, id: "confident", title: "Confident pixels", draws: "confident" },
        { ...panel, id: "difference", title: "Difference", draws: "difference" },
      ],
      defaultPanels: ["prediction", "entropy"],
      classes: [
        { id: 0, name: "background", colour: [0, 0, 0] },
        { id: 2, name: "cat", colour: [20, 40, 60] },
      ],
      names: ["background", "dog", "cat"],
      palette: [0, 0, 0, 200, 0, 0, 20, 40, 60],
      safePalette: [0, 0, 0, 86, 180, 233, 230, 159, 0],
      background: 0,
      ignore: { id: 255, colour: [224, 224, 192] },
      outcomes: ["still right", "still wrong", "wrong to right", "right to wrong", "ignored"].map((name, i) => ({
        name,
        colour: [i, 10 * i, 20 * i],
      })),
      maps: {
        entropy: { title: "Entropy", unit: "nats", decimals: 3, table, limits: [0, 1] },
        probability: { title: "Probability", unit: "", decimals: 2, table, limits: [0, 1] },
        sigma: { title: "Sigma", unit: "input px", decimals: 1, table, limits: [0, 51] },
      },
      numbers: [{ key: "entropy", title: "Mean entropy", unit: "nats", decimals: 3, help: "How unsure." }],
      runs,
    },
    frames: Uint8Array.from(chunks.flatMap((chunk) => [...chunk])),
  };
}
