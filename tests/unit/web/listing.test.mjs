// The list of conversations, and who may do what in them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { listed, previewOf, titleOf } from "../../../web/demo/listing.js";
import { grantable, manages, may, silence } from "../../../web/demo/rights.js";
import { dayName, timelineRow } from "../../../web/demo/rows.js";
import { Store } from "../../../web/demo/store.js";

const me = { id: "alice", username: "alice", full_name: "Alice Martin" };
const bob = { id: "bob", username: "bob", full_name: "Bob Stone" };
const NOW = Date.parse("2026-03-10T12:00:00Z");

function store(...conversations) {
  const made = new Store(me);
  conversations.forEach((each, index) =>
    made.know({
      id: `c-${index}`,
      type: "group",
      name: `Room ${index}`,
      created_at: `2026-03-0${index + 1}T00:00:00Z`,
      members: [],
      my: {},
      ...each,
    }),
  );
  return made;
}

const names = (made, options = {}) =>
  listed(made, { filter: "all", words: "", now: NOW, ...options }).map(({ id }) => id);

describe("the list", () => {
  it("has favourites first, then the latest", () => {
    const made = store(
      {},
      { my: { favourite: true } },
      { last_message: { created_at: "2026-03-09T00:00:00Z", sender: bob } },
    );
    assert.deepEqual(names(made), ["c-1", "c-2", "c-0"]);
  });

  it("leaves out what is hidden or archived unless asked", () => {
    const made = store({}, { my: { hidden: true } }, { archived_at: "2026-03-01T00:00:00Z" });
    assert.deepEqual(
      [names(made), names(made, { filter: "hidden" }), names(made, { filter: "archived" })],
      [["c-0"], ["c-1"], ["c-2"]],
    );
  });

  it("keeps the open one among the unread", () => {
    const made = store({ unread_count: 2 }, {}, {});
    assert.deepEqual(names(made, { filter: "unread", keep: "c-1" }), ["c-1", "c-0"]);
  });

  it("finds by name, everywhere", () => {
    const made = store({}, { my: { hidden: true } });
    assert.deepEqual(names(made, { words: "room 1" }), ["c-1"]);
  });

  it("knows what is muted now", () => {
    const made = store(
      { my: { muted_until: "2026-03-11T00:00:00Z" } },
      { my: { muted_until: "2026-03-01T00:00:00Z" } },
      { my: { notify: "none" } },
    );
    assert.deepEqual(names(made, { filter: "muted" }), ["c-2", "c-0"]);
  });

  it("calls two people by the other one, and shows a draft before a message", () => {
    const made = store({
      type: "dm",
      name: "",
      members: [{ user: me }, { user: bob }],
      last_message: { text: "hi", sender: me, created_at: "2026-03-09T00:00:00Z" },
    });
    const [room] = made.rooms;
    assert.equal(titleOf(room, made), "Bob Stone");
    assert.deepEqual(previewOf(room, made), { kind: "message", who: "You", text: "hi" });
    made.keepDraft({ conversation_id: room.id, text: "well" });
    assert.deepEqual(previewOf(room, made), { kind: "draft", text: "well" });
  });
});

describe("rights", () => {
  const group = (role, fields = {}) => ({
    type: "group",
    my: { role },
    permissions: { post: "member", invite: "admin", pin: "member", mention_all: "admin" },
    ...fields,
  });

  it("are those of the role and what the conversation allows", () => {
    assert.deepEqual(
      ["owner", "admin", "member", "guest"].map((role) => may(group(role), "invite")),
      [true, true, false, false],
    );
    assert.deepEqual(
      ["member", "guest"].map((role) => may(group(role), "post")),
      [true, false],
    );
    assert.equal(may(group("owner", { archived_at: "now" }), "post"), false);
    assert.equal(may({ type: "dm", my: { role: "member" } }, "post"), true);
  });

  it("are explained where they are missing", () => {
    assert.match(silence(group("guest")), /guest/);
    assert.match(silence(group("member", { permissions: { post: "admin" } })), /Only admins/);
    assert.match(silence(group("owner", { archived_at: "now" })), /archived/);
    assert.equal(silence(group("member")), "");
  });

  it("are granted no higher than one's own", () => {
    assert.deepEqual(grantable("admin"), ["admin", "member", "guest"]);
    assert.deepEqual(grantable("owner"), ["owner", "admin", "member", "guest"]);
    assert.equal(manages(group("member")), false);
    assert.equal(manages({ type: "dm", my: { role: "owner" } }), false);
  });
});

describe("rows", () => {
  const view = { me: "alice", now: NOW, replayed: new Set(), reached: { read: 1, delivered: 2 } };
  const at = (minute) => new Date(NOW + minute * 60_000).toISOString();
  const message = (seq, minute, fields = {}) => ({
    id: `m-${seq}`,
    seq,
    sender: me,
    client_msg_id: `k-${seq}`,
    text: "x",
    version: 1,
    created_at: at(minute),
    ...fields,
  });

  function room(...messages) {
    const made = store({ type: "dm", members: [{ user: me }, { user: bob }], last_seq: messages.length });
    const [found] = made.rooms;
    found.page(messages, { after_seq: 0, limit: 60 }, { as_of: 0, last_seq: messages.length });
    return found;
  }

  it("put together what one person writes at one time", () => {
    const here = room(message(1, 0), message(2, 2), message(3, 20), message(4, 21, { sender: bob }));
    assert.deepEqual(
      [1, 2, 3, 4].map((seq) => timelineRow(here, seq, view).first),
      [true, false, true, true],
    );
    assert.deepEqual(
      [1, 2].map((seq) => Boolean(timelineRow(here, seq, view).day)),
      [true, false],
    );
  });

  it("tell how far a message of ours came", () => {
    const here = room(message(1, 0), message(2, 1), message(3, 2), message(4, 3, { sender: bob }));
    assert.deepEqual(
      [1, 2, 3, 4].map((seq) => timelineRow(here, seq, view).tick),
      ["read", "delivered", "sent", ""],
    );
  });

  it("mark where the new ones begin, once", () => {
    const here = room(message(1, 0), message(2, 1, { sender: bob }), message(3, 2, { sender: bob }));
    assert.deepEqual(
      [1, 2, 3].map((seq) => timelineRow(here, seq, { ...view, new_after: 1 }).is_new),
      [false, true, false],
    );
  });

  it("leave replies in threads to their thread, and do not know what was not read", () => {
    const here = room(message(1, 0), message(2, 1, { thread: { root_id: "m-1" } }), message(3, 2));
    assert.equal(timelineRow(here, 2, view), null);
    assert.equal(timelineRow(here, 3, view).first, false, "the reply is passed over");
    assert.equal(timelineRow(here, 9, view).gap, true);
  });

  it("show previews of pages, and links to nothing else", () => {
    const previews = [
      { url: "https://example.com", title: "Example" },
      { url: "javascript:alert(1)", title: "Harm" },
    ];
    const here = room(message(1, 0, { previews }), message(2, 1, { previews, deleted_at: at(2) }));
    assert.deepEqual(
      [1, 2].map((seq) => timelineRow(here, seq, view).previews.map(({ title }) => title)),
      [["Example"], []],
    );
  });

  it("name days as people do", () => {
    assert.equal(dayName(at(0), NOW), "Today");
    assert.equal(dayName(at(-24 * 60), NOW), "Yesterday");
    assert.match(dayName(at(-400 * 24 * 60), NOW), /2025/);
  });
});
