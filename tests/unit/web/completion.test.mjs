// Mentions: while they are written, and in what was written.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { begun, candidates, completed } from "../../../web/demo/completion.js";
import { calls, handlesIn, mentionsOf, pieces } from "../../../web/demo/mentions.js";

const people = [
  { id: "1", username: "bob", full_name: "Robert Stone" },
  { id: "2", username: "carl", full_name: "Carl Bobson" },
];
const groups = [{ id: "g", handle: "board", name: "The board", user_ids: [] }];

describe("what is begun", () => {
  it("stands after an @ at the beginning of a word", () => {
    assert.deepEqual(begun("hi @Bo", 6), { from: 3, words: "bo" });
    assert.deepEqual(begun("@", 1), { from: 0, words: "" });
    assert.deepEqual(begun("(@b", 3), { from: 1, words: "b" });
    for (const text of ["mail me@home", "hi @bob ", "hi"]) assert.equal(begun(text, text.length), null);
  });

  it("is looked for before the cursor only", () => {
    assert.deepEqual(begun("@bo and more", 3), { from: 0, words: "bo" });
  });
});

describe("candidates", () => {
  const handles = (words, everybody = true) =>
    candidates(words, { people, groups, everybody }).map(({ handle }) => handle);

  it("are handles that begin so, then names that do", () => {
    assert.deepEqual(handles("bo"), ["bob", "board", "carl"]);
    assert.deepEqual(handles(""), ["bob", "carl", "board", "all", "here"]);
    assert.deepEqual(handles("he"), ["here"]);
    assert.deepEqual(handles("he", false), []);
  });

  it("are put in place of what was begun", () => {
    assert.deepEqual(completed("hi @bo and", 6, { from: 3 }, "bob"), { text: "hi @bob and", cursor: 8 });
    assert.deepEqual(completed("@bo", 3, { from: 0 }, "bob"), { text: "@bob ", cursor: 5 });
  });
});

describe("mentions", () => {
  const known = {
    users: new Map([
      ["bob", "1"],
      ["carl", "2"],
    ]),
    groups: new Map([["board", "g"]]),
  };

  it("are found as words, not in addresses", () => {
    assert.deepEqual(handlesIn("@Bob, (@carl) a@b.c. and @all."), ["bob", "carl", "all"]);
  });

  it("are what a send asks for", () => {
    assert.deepEqual(mentionsOf("@bob @board @here @nobody", known), {
      user_ids: ["1"],
      group_ids: ["g"],
      all: false,
      here: true,
    });
    assert.equal(mentionsOf("nobody @else", known), undefined);
  });

  it("call us by name, by group, or with everybody", () => {
    const mine = new Set(["g"]);
    assert.equal(calls({ mentions: { user_ids: ["1"] } }, "1", mine), true);
    assert.equal(calls({ mentions: { group_ids: ["g"] } }, "1", mine), true);
    assert.equal(calls({ mentions: { all: true } }, "1", new Set()), true);
    assert.equal(calls({ mentions: { user_ids: ["2"] } }, "1", mine), false);
    assert.equal(calls({ mentions: null }, "1", mine), false);
  });

  it("cut a text in pieces", () => {
    assert.deepEqual(
      pieces("hi @bob, @x", (handle) => handle === "bob"),
      [{ text: "hi " }, { text: "@bob", handle: "bob" }, { text: ", @x" }],
    );
  });
});
