// The QR encoder against codes that an independent encoder made of the same texts, of every version.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";

import { qr } from "../../../web/account/qr.js";

const drawn = (text) => qr(text).map((row) => row.map((dark) => (dark ? "#" : ".")).join(""));
const print = (text) => {
  const bits = qr(text).map((row) => row.map(Number).join(""));
  return createHash("sha256").update(bits.join("\n")).digest("hex").slice(0, 16);
};

// The longest text of each version, from 1, and the beginning of the SHA-256 of its rows of 0 and 1.
const FULL = [
  [14, "f45a4d73c34279a2"],
  [26, "af21cbf61733d163"],
  [42, "8fff21b475eb8ca9"],
  [62, "ca1c5b053201ee57"],
  [84, "594634ea1a1ba471"],
  [106, "aa1ab75799908142"],
  [122, "26d420d8fad85dcb"],
  [152, "42a572f3958b4a57"],
  [180, "466a89e8a6758cef"],
  [213, "404e11754e5bec02"],
  [251, "dee8e1c98ab2ea06"],
  [287, "71d547b51a6d207f"],
  [331, "6b2cab6c791d3f19"],
  [362, "ecd2d4b6d1507f2e"],
  [412, "6a237049077a57d5"],
  [450, "159840f99ec99865"],
  [504, "14e52b1e87142bb7"],
  [560, "2887d60ed1fd7864"],
  [624, "00cb842d27a6480e"],
  [666, "2fd801449b12b57d"],
];
const long = `otpauth://totp/${"abcdefghijklmnopqrstuvwxyz0123456789".repeat(20)}`;

describe("qr", () => {
  it("draws the smallest code, padding and all", () => {
    assert.deepEqual(drawn("A"), [
      "#######.#..#..#######",
      "#.....#.#####.#.....#",
      "#.###.#...#.#.#.###.#",
      "#.###.#.##.##.#.###.#",
      "#.###.#..###..#.###.#",
      "#.....#..#.##.#.....#",
      "#######.#.#.#.#######",
      "........##.##........",
      "#.##.###..###.#..#.##",
      ".#.##..#.#.####..#...",
      "##..###.##.#.....##.#",
      "#.##.#.....#..#####..",
      "#..####..#..#..#..#..",
      "........#.##..#..#..#",
      "#######.#..##..#.#...",
      "#.....#.##.....##.##.",
      "#.###.#..##.#####...#",
      "#.###.#.####..######.",
      "#.###.#.#.#.#.##.....",
      "#.....#...#..#.#..#.#",
      "#######.#....#..#....",
    ]);
  });

  FULL.forEach(([length, sum], index) => {
    it(`fills version ${index + 1} with ${length} bytes, and goes on to the next with one more`, () => {
      assert.equal(print(long.slice(0, length)), sum);
      const size = (version) => version * 4 + 17;
      assert.equal(qr(long.slice(0, length)).length, size(index + 1));
      if (index + 1 < FULL.length) assert.equal(qr(long.slice(0, length + 1)).length, size(index + 2));
    });
  });

  it("counts bytes, not letters", () => {
    assert.equal(print("Grüße 🦊"), "8105bf50ec2c05ca");
  });

  it("refuses what is too long", () => {
    assert.throws(() => qr(long.slice(0, 667)), RangeError);
  });
});
