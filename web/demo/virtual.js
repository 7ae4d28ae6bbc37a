// The arithmetic of a long list of which only a window is drawn: heights, their sums, and what is in view. Pure.

/** Heights of rows 0 to `count`, in pixels; those never measured are taken to be `estimate`. */
export class Heights {
  #estimate;
  #heights = new Float64Array(0);
  #tree = new Float64Array(1); // Fenwick: sums in logarithmic time
  #count = 0;

  constructor(estimate) {
    this.#estimate = estimate;
  }

  get count() {
    return this.#count;
  }

  /** Makes the list longer or shorter at its end. */
  resize(count) {
    if (count > this.#heights.length) this.#grow(Math.max(64, count * 2));
    for (let index = this.#count; index < count; index++) this.#add(index, this.#estimate);
    for (let index = count; index < this.#count; index++) this.#add(index, -this.#heights[index]);
    this.#count = count;
  }

  /** Notes the height of a row. Returns by how much it changed. */
  set(index, height) {
    const change = height - this.#heights[index];
    if (Math.abs(change) < 0.01) return 0;
    this.#add(index, change);
    return change;
  }

  get(index) {
    return this.#heights[index];
  }

  /** Where a row begins: the sum of all heights before it. */
  top(index) {
    let sum = 0;
    for (let at = Math.min(index, this.#count); at > 0; at -= at & -at) sum += this.#tree[at];
    return sum;
  }

  get total() {
    return this.top(this.#count);
  }

  /** The row that is at `offset` pixels from the beginning: the last one that begins there or before. */
  at(offset) {
    let [index, left] = [0, Math.max(0, offset)];
    for (let step = 2 ** Math.floor(Math.log2(Math.max(1, this.#heights.length))); step > 0; step >>= 1) {
      const next = index + step;
      if (next <= this.#count && this.#tree[next] <= left) {
        index = next;
        left -= this.#tree[next];
      }
    }
    return Math.max(0, Math.min(index, this.#count - 1));
  }

  /** Forgets what was measured, as after a change of the width. */
  reset() {
    const count = this.#count;
    this.resize(0);
    this.resize(count);
  }

  #add(index, change) {
    this.#heights[index] += change;
    for (let at = index + 1; at < this.#tree.length; at += at & -at) this.#tree[at] += change;
  }

  #grow(capacity) {
    const old = this.#heights.slice(0, this.#count);
    this.#heights = new Float64Array(capacity);
    this.#tree = new Float64Array(capacity + 1);
    this.#heights.set(old);
    for (let at = 1; at <= capacity; at++) {
      this.#tree[at] += this.#heights[at - 1];
      const parent = at + (at & -at);
      if (parent <= capacity) this.#tree[parent] += this.#tree[at];
    }
  }
}

/**
 * The part of a list of `count` that is laid out at a time, `(base, end]`, with `at` inside: browsers cannot show a page
 * of more than some 30 million pixels.
 */
export function spanAround(at, count, span) {
  if (count <= span) return { base: 0, end: count };
  const base = Math.min(Math.max(0, at - Math.floor(span / 2)), count - Math.floor(span / 2));
  return { base, end: Math.min(count, base + span) };
}

/** Which rows to draw, `[from, to)`, for a view at `top` of `height` pixels, and some rows on both sides. */
export function windowOf(heights, top, height, around = 8) {
  if (heights.count === 0) return { from: 0, to: 0 };
  const from = Math.max(0, heights.at(top) - around);
  const to = Math.min(heights.count, heights.at(top + height) + 1 + around);
  return { from, to };
}
