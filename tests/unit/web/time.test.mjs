// Times in words.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { CHOICES, endOf } from "../../../web/account/until.js";
import { clock, distance, duration } from "../../../web/time.js";

const NOW = Date.parse("2026-03-04T12:00:00Z");
const after = (seconds) => new Date(NOW + seconds * 1000).toISOString();

describe("distance", () => {
  for (const [seconds, words] of [
    [-20, "just now"],
    [-90, "1 minute ago"],
    [-3 * 3600, "3 hours ago"],
    [-86_400, "yesterday"],
    [2 * 86_400 + 5, "in 2 days"],
    [-400 * 86_400, "last year"],
  ]) {
    it(`is “${words}” for ${seconds} s`, () => assert.equal(distance(after(seconds), NOW), words));
  }
});

describe("clock and duration", () => {
  it("count down to nothing, and not below", () => {
    assert.deepEqual([3600, 725, 41.2, 0, -5].map(clock), ["1:00:00", "12:05", "0:42", "0:00", "0:00"]);
  });

  it("say the same in words", () => {
    assert.deepEqual([1, 42, 900, 3600 * 2].map(duration), ["1 second", "42 seconds", "15 minutes", "2 hours"]);
  });
});

describe("endOf", () => {
  const wednesday = new Date(2026, 2, 4, 22, 30);
  const sunday = new Date(2026, 2, 8, 9, 0);

  it("knows every choice", () => {
    for (const [value] of CHOICES) assert.doesNotThrow(() => endOf(value, wednesday)?.toISOString());
    assert.equal(endOf("", wednesday), null);
  });

  it("counts minutes from now", () => {
    assert.equal(endOf("30", wednesday) - wednesday, 30 * 60_000);
  });

  it("ends days at midnight, where the person is", () => {
    assert.deepEqual(endOf("today", wednesday), new Date(2026, 2, 5));
  });

  it("ends weeks with Sunday, also on one", () => {
    assert.deepEqual(endOf("week", wednesday), new Date(2026, 2, 9));
    assert.deepEqual(endOf("week", sunday), new Date(2026, 2, 9));
  });
});
