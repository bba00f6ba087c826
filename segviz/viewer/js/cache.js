// @ts-check
// A cache bounded in bytes that evicts what was used least recently.

/** @template V */
class Cache {
  /**
   * @param {number} budget Bytes.
   * @param {number} [least] Entries that stay, however large they are.
   */
  constructor(budget, least = 1) {
    this.budget = budget;
    this.least = least;
    this.size = 0;
    /** @type {Map<string, { value: V, bytes: number }>} */
    this.entries = new Map();
  }

  /** @param {string} key */
  get(key) {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry); // a Map keeps the order of insertion
    return entry.value;
  }

  /**
   * @param {string} key
   * @param {V} value
   * @param {number} bytes
   */
  set(key, value, bytes) {
    this.size += bytes - (this.entries.get(key)?.bytes ?? 0);
    this.entries.delete(key);
    this.entries.set(key, { value, bytes });
    for (const [oldest, entry] of this.entries) {
      if (this.size <= this.budget || this.entries.size <= this.least) break;
      this.entries.delete(oldest);
      this.size -= entry.bytes;
    }
  }
}

export { Cache };
