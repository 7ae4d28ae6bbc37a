// How people are: in words, and of whom a page asks to hear.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Problem } from "../../../web/api.js";
import { groupLine, ownLine, Presences, presenceLine, watchedFor } from "../../../web/demo/presence.js";
import { Watching } from "../../../web/demo/watching.js";
import { Disconnected } from "../../../web/socketio.js";

const NOW = new Date(2026, 2, 10, 12, 0).getTime();
const room = (id, type, other, member_count = 2) => ({
  id,
  conversation: { type, member_count },
  others: other ? [{ user: { id: other } }] : [],
});

describe("a line", () => {
  for (const [presence, words] of [
    [{ state: "online" }, "online"],
    [{ state: "busy", emoji: "🎧", message: "Do not knock" }, "busy · 🎧 Do not knock"],
    [{ state: "offline", last_seen: new Date(2026, 2, 10, 10, 42).toISOString() }, "last seen 10:42"],
    [{ state: "offline", last_seen: null, message: "On leave" }, "offline · On leave"],
    [{ state: "unknown" }, ""],
  ]) {
    it(`is “${words}”`, () => assert.equal(presenceLine(presence, NOW), words));
  }

  it("says of oneself only what one has said", () => {
    assert.equal(ownLine({ state: "online", status: "available" }), "");
    assert.equal(ownLine({ state: "online", status: "invisible", message: "" }), "invisible");
    assert.equal(ownLine({ state: "unknown" }), "");
  });
});

describe("a group", () => {
  const of = (states, truncated = false) => {
    const presences = new Presences();
    const ids = Object.keys(states);
    presences.membersOf("c", ids, truncated);
    for (const user_id of ids) presences.take({ user_id, state: states[user_id] });
    return groupLine(presences.connectedIn("c"), 12);
  };

  it("counts who is connected, also those who are away or busy", () => {
    assert.equal(of({ a: "online", b: "away", c: "busy", d: "offline" }), "3 of 12 online");
  });

  it("says when there may be more", () => {
    assert.equal(of({ a: "online", b: "offline" }, true), "at least 1 of 12 online");
    assert.equal(of({ a: "online", b: "unknown" }), "at least 1 of 12 online");
  });

  it("tells of the members alone when nothing is known", () => {
    assert.equal(of({ a: "unknown", b: "unknown" }), "12 members");
    assert.equal(groupLine(new Presences().connectedIn("c"), 1), "1 member");
  });
});

describe("of whom to hear", () => {
  it("is oneself, who is shown, and the members of an open group", () => {
    const rooms = [room("1", "dm", "bob"), room("2", "group", "carol", 5), room("3", "dm", "bob"), room("4", "dm")];
    assert.deepEqual(watchedFor(rooms, rooms[1], "me"), { people: ["me", "bob"], group: { id: "2", count: 5 } });
  });

  it("has the open conversation first, and an end", () => {
    const rooms = Array.from({ length: 900 }, (_, index) => room(`c-${index}`, "dm", `u-${index}`));
    const { people, group } = watchedFor(rooms, room("open", "dm", "last"), "me");
    assert.deepEqual([people.length, people.slice(0, 2), group], [800, ["me", "last"], null]);
  });
});

/** Watching over a socket that answers with `answer(event, request)`. */
function watching(answer = () => ({}), options = {}) {
  const calls = [];
  const presences = new Presences();
  const call = async (event, request) => {
    calls.push([event, [...request.presence, ...request.conversation_ids]]);
    return { data: await answer(event, request) };
  };
  const made = new Watching({ call, presences, onChange: () => {}, ...options });
  return { made, calls, presences };
}

const online = (event, { presence }) =>
  event === "subscribe" ? { items: presence.map((user_id) => ({ user_id, state: "online" })) } : {};
const people = (...ids) => ({ people: ids, group: null });

describe("watching", () => {
  it("asks for who comes and leaves who goes, and asks nothing twice", async () => {
    const { made, calls, presences } = watching(online);
    await made.connected();
    for (const ids of ["ab", "ab", "bc"]) await made.watch(people(...ids));
    assert.deepEqual(calls, [
      ["subscribe", ["a", "b"]],
      ["unsubscribe", ["a"]],
      ["subscribe", ["c"]],
    ]);
    assert.deepEqual(
      ["a", "b", "c"].map((id) => presences.of(id).state),
      ["unknown", "online", "online"],
    );
  });

  it("asks for all of them anew on the next connection, and knows nobody meanwhile", async () => {
    const { made, calls, presences } = watching(online);
    await made.watch(people("a"));
    assert.deepEqual(calls, []);
    await made.connected();
    made.lost();
    assert.equal(presences.of("a").state, "unknown");
    await made.connected();
    assert.deepEqual(calls, [
      ["subscribe", ["a"]],
      ["subscribe", ["a"]],
    ]);
  });

  it("asks for members again when their number changes, and leaves another group", async () => {
    const items = [{ user_id: "a", state: "online" }];
    const members = (event, { conversation_ids: [conversation_id] }) =>
      event === "subscribe" ? { items, conversations: [{ conversation_id, truncated: false }] } : {};
    const { made, calls, presences } = watching(members);
    await made.connected();
    for (const [id, count] of [
      ["g", 1],
      ["g", 2],
      ["h", 2],
    ])
      await made.watch({ people: [], group: { id, count } });
    assert.deepEqual(calls, [
      ["subscribe", ["g"]],
      ["subscribe", ["g"]],
      ["unsubscribe", ["g"]],
      ["subscribe", ["h"]],
    ]);
    assert.deepEqual([presences.connectedIn("g"), presences.connectedIn("h")?.count], [null, 1]);
  });

  it("keeps a change that came before the answer", async () => {
    const { made, presences } = watching((...asked) => {
      made.changed({ user_id: "a", state: "busy" });
      return online(...asked);
    });
    await made.connected();
    await made.watch(people("a"));
    assert.equal(presences.of("a").state, "busy");
  });

  it("takes nothing from an answer that a connection has outlived", async () => {
    const { made, presences } = watching((...asked) => {
      made.lost();
      return online(...asked);
    });
    await made.watch(people("a"));
    await made.connected();
    assert.equal(presences.of("a").state, "unknown");
  });

  it("asks again after a failure that may pass", async () => {
    let failures = 2;
    let answered;
    const done = new Promise((resolve) => (answered = resolve));
    const answer = (...asked) => {
      if (failures-- > 0) throw new Problem({ code: "UNAVAILABLE", retryable: true });
      answered();
      return online(...asked);
    };
    const { made, calls } = watching(answer, { again_after_ms: 1 });
    await made.connected();
    await made.watch(people("a"));
    await done;
    assert.equal(calls.length, 3);
  });

  it("does not ask again for what is refused, nor without a connection", async () => {
    for (const error of [new Problem({ code: "QUOTA_REACHED", retryable: false }), new Disconnected("gone")]) {
      const { made, calls, presences } = watching(() => {
        if (error instanceof Disconnected) made.lost();
        throw error;
      });
      await made.connected();
      for (const _ of [1, 2]) await made.watch(people("a"));
      assert.deepEqual([calls.length, presences.of("a").state], [1, "unknown"]);
    }
  });
});
