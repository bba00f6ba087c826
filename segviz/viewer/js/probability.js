// @ts-check
// Class probabilities at the photo's pixels, from the log-probabilities of the feature grid.

import { Cache } from "./cache.js";
import { upsample } from "./sample.js";

/** @import { Run } from "./decode.js" */

const BUDGET = 48 * 2 ** 20; // bytes of maps

class Probabilities {
  /** @param {number} count Pixels of the photo. */
  constructor(count) {
    /** @type {Cache<Float32Array>} */
    this.cache = new Cache(BUDGET);
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
}

export { Probabilities };
