// The arithmetic of a list of which only a window is drawn.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Heights, spanAround, windowOf } from "../../../web/demo/virtual.js";

function heights(count, estimate = 50) {
  const made = new Heights(estimate);
  made.resize(count);
  return made;
}

describe("heights", () => {
  it("are estimated until they are measured", () => {
    const list = heights(10_001);
    assert.equal(list.total, 500_050);
    assert.equal(list.set(3, 80), 30);
    assert.equal(list.set(3, 80), 0);
    assert.deepEqual([list.get(3), list.top(3), list.top(4), list.total], [80, 150, 230, 500_080]);
  });

  it("find the row at a place", () => {
    const list = heights(100);
    assert.deepEqual(
      [0, 49.9, 50, 4_999, 1e9, -5].map((offset) => list.at(offset)),
      [0, 0, 1, 99, 99, 0],
    );
  });

  it("leave rows of no height out of what is seen", () => {
    const list = heights(10);
    list.set(3, 0);
    list.set(4, 0);
    assert.equal(list.top(5), 150);
    assert.equal(list.at(150), 5);
  });

  it("agree with plain sums, whatever happened before", () => {
    const list = new Heights(40);
    const plain = [];
    let state = 7;
    const random = (below) => (state = (state * 48_271) % 2_147_483_647) % below;
    for (let step = 0; step < 2_000; step++) {
      if (random(10) === 0) {
        const count = random(700);
        while (plain.length > count) plain.pop();
        while (plain.length < count) plain.push(40);
        list.resize(count);
      } else if (plain.length) {
        const index = random(plain.length);
        plain[index] = random(200);
        list.set(index, plain[index]);
      }
    }
    const sum = (to) => plain.slice(0, to).reduce((total, each) => total + each, 0);
    for (let index = 0; index <= plain.length; index += 13) assert.equal(Math.round(list.top(index)), sum(index));
  });

  it("are forgotten when the width changes", () => {
    const list = heights(10);
    list.set(2, 500);
    list.reset();
    assert.deepEqual([list.count, list.total], [10, 500]);
  });
});

describe("the window", () => {
  it("is what is in view and a little around it", () => {
    assert.deepEqual(windowOf(heights(1_000), 5_000, 600, 8), { from: 92, to: 121 });
  });

  it("ends with the list", () => {
    assert.deepEqual(windowOf(heights(5), 0, 600, 8), { from: 0, to: 5 });
    assert.deepEqual(windowOf(heights(0), 0, 600, 8), { from: 0, to: 0 });
  });

  it("is bounded for ten thousand rows", () => {
    const list = heights(10_000, 44);
    for (let top = 0; top < list.total; top += 3_333) {
      const { from, to } = windowOf(list, top, 800);
      assert.ok(to - from <= 40, `${to - from} rows at ${top}`);
    }
  });
});

describe("what is laid out of a very long list", () => {
  it("is all of one that fits", () => {
    assert.deepEqual(spanAround(40, 100, 100), { base: 0, end: 100 });
    assert.deepEqual(spanAround(0, 0, 100), { base: 0, end: 0 });
  });

  it("has the place that is looked for inside, with room at its end for what is still to come", () => {
    assert.deepEqual(spanAround(500, 1_000, 100), { base: 450, end: 550 });
    assert.deepEqual(spanAround(3, 1_000, 100), { base: 0, end: 100 });
    assert.deepEqual(spanAround(1_000, 1_000, 100), { base: 950, end: 1_000 });
    for (let at = 1; at <= 1_000; at += 37) {
      const { base, end } = spanAround(at, 1_000, 100);
      assert.ok(base < at && at <= end && end - base <= 100, `${base} < ${at} <= ${end}`);
    }
  });
});
