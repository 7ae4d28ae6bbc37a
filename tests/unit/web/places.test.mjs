// The rules of a client's place in the logs.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Places } from "../../../web/demo/places.js";

const change = (pos, fields = {}) => ({ conversation_id: "c-1", pos, user_pos: 0, ...fields });

function started(positions = { "c-1": 4, "c-2": 9 }, user_pos = 7) {
  const places = new Places();
  places.start({ user_pos, positions });
  return places;
}

describe("a place", () => {
  it("is unknown before the first hello, and where the logs stand after it", () => {
    assert.equal(new Places().value, undefined);
    assert.deepEqual(started().value, { user_pos: 7, positions: { "c-1": 4, "c-2": 9 } });
  });

  it("moves with each change of either log, in any conversation", () => {
    const places = started();
    assert.equal(places.pass(change(5)), true);
    assert.equal(places.pass(change(10, { conversation_id: "c-2" })), true);
    assert.equal(places.pass(change(0, { user_pos: 8 })), true);
    assert.deepEqual(places.value, { user_pos: 8, positions: { "c-1": 5, "c-2": 10 } });
  });

  it("never moves back", () => {
    const places = started();
    places.settle({ user_pos: 3, positions: { "c-1": 2, "c-3": 1 } });
    assert.deepEqual(places.value, { user_pos: 7, positions: { "c-1": 4, "c-2": 9, "c-3": 1 } });
  });

  it("is passed once", () => {
    const places = started();
    assert.equal(places.pass(change(4)), false);
    assert.equal(places.pass(change(0, { user_pos: 7 })), false);
    assert.equal(places.pass(change(0)), true, "live changes stand in no log");
  });

  it("misses what lies between the last change and this one", () => {
    const places = started();
    assert.equal(places.misses(change(5)), false);
    assert.equal(places.misses(change(6)), true);
    assert.equal(places.misses(change(0, { user_pos: 8 })), false);
    assert.equal(places.misses(change(0, { user_pos: 9 })), true);
    assert.equal(places.misses(change(0)), false);
    assert.equal(places.misses(change(30, { conversation_id: "new" })), false, "a new one starts anywhere");
  });

  it("is forgotten where one has left, so that coming back begins anew", () => {
    const places = started();
    places.leave("c-1");
    assert.equal(places.misses(change(40)), false);
    assert.deepEqual(places.value.positions, { "c-2": 9 });
  });
});
