// What one client knows, and that devices which hear the same come to the same.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Store } from "../../../web/demo/store.js";

const me = { id: "alice", username: "alice", full_name: "Alice" };
const bob = { id: "bob", username: "bob", full_name: "Bob" };
const conversation = {
  id: "c-1",
  type: "dm",
  member_count: 2,
  last_seq: 0,
  last_pos: 1,
  unread_count: 0,
  mention_count: 0,
  members: [
    { user: me, last_read_seq: 0 },
    { user: bob, last_read_seq: 0 },
  ],
  my: { role: "member", last_read_seq: 0 },
};

function store() {
  const made = new Store(me);
  made.places.start({ user_pos: 0, positions: { "c-1": 1 } });
  made.know(conversation);
  return made;
}

function change(pos, type, data, fields = {}) {
  return { type, conversation_id: "c-1", pos, user_pos: 0, data, ...fields };
}

const own = (user_pos, type, data) => change(0, type, data, { user_pos });
const message = (seq, fields = {}) => ({
  id: `m-${seq}`,
  seq,
  sender: bob,
  client_msg_id: `k-${seq}`,
  text: `text ${seq}`,
  version: 1,
  ...fields,
});

describe("changes", () => {
  it("are applied once", () => {
    const here = store();
    const fresh = change(2, "message-new", { message: message(1) });
    assert.equal(here.apply(fresh), true);
    assert.equal(here.apply(fresh), false);
    assert.equal(here.room("c-1").conversation.unread_count, 1);
  });

  it("of conversations that are not known move the place all the same", () => {
    const here = store();
    assert.equal(here.apply({ ...change(9, "message-new", { message: message(4) }), conversation_id: "c-2" }), true);
    assert.equal(here.places.of("c-2"), 9);
  });

  it("that tell of a new conversation ask for it to be read", () => {
    const here = store();
    const wanted = new Set();
    here.apply({ ...own(1, "conversation-added", { conversation: { id: "c-2" } }), conversation_id: "c-2" }, wanted);
    assert.deepEqual([...wanted], ["c-2"]);
  });

  it("that tell of the end of one remove it", () => {
    const here = store();
    here.apply(own(1, "conversation-removed", { conversation: { id: "c-1" } }));
    assert.deepEqual([here.rooms, here.places.value.positions], [[], {}]);
  });

  it("make two devices agree, whichever has done it and answered itself first", () => {
    const [one, other] = [store(), store()];
    const mine = message(1, { sender: me, client_msg_id: "mine" });
    one.room("c-1").draft({ client_msg_id: "mine", text: "text 1" });
    one.room("c-1").answered(mine);
    const log = [
      change(2, "message-new", { message: mine }),
      change(3, "message-new", { message: message(2) }),
      change(4, "reaction-added", { reaction: { seq: 1, reaction: { emoji: "x", count: 1, user_ids: ["bob"] } } }),
      change(5, "message-deleted", { message: message(2, { version: 2, text: "", deleted_at: "now" }) }),
      own(1, "unread-updated", { unread: { last_read_seq: 2, unread_count: 0, mention_count: 0 } }),
      own(2, "preferences-updated", { membership: { role: "member", last_read_seq: 2, favourite: true } }),
      own(3, "draft-updated", { draft: { conversation_id: "c-1", thread_root: "", text: "begun", reply_to: "" } }),
    ];
    for (const each of log) one.apply(each);
    for (const each of [...log, ...log]) other.apply(each);
    const seen = (each) => {
      const room = each.room("c-1");
      return {
        conversation: room.conversation,
        messages: room.history.messages,
        draft: each.draft("c-1"),
        places: each.places.value,
        unsent: room.unsent,
      };
    };
    assert.deepEqual(seen(one), seen(other));
    assert.equal(seen(one).conversation.my.favourite, true);
    assert.equal(seen(one).draft.text, "begun");
  });
});

describe("what is the person's own", () => {
  it("is a draft until it is empty", () => {
    const here = store();
    here.keepDraft({ conversation_id: "c-1", text: "begun" });
    assert.equal(here.draft("c-1").text, "begun");
    here.apply(own(1, "draft-updated", { draft: { conversation_id: "c-1", thread_root: "", text: "", reply_to: "" } }));
    assert.equal(here.draft("c-1"), undefined);
  });

  it("is an invitation until it is answered", () => {
    const here = store();
    const invite = { id: "i-1", user_id: "alice", state: "open" };
    here.apply(own(1, "invite-received", { invite }));
    assert.equal(here.invites.size, 1);
    here.apply(own(2, "invite-updated", { invite: { ...invite, state: "declined" } }));
    assert.equal(here.invites.size, 0);
  });

  it("is a bookmark, whose message stays whole when a feed names it only", () => {
    const here = store();
    here.keepBookmark({ message: message(1), note: "" });
    here.apply(own(1, "bookmark-updated", { bookmark: { message: { id: "m-1", seq: 1 }, note: "later" } }));
    assert.deepEqual([here.bookmarks.get("m-1").note, here.bookmarks.get("m-1").message.text], ["later", "text 1"]);
    here.apply(own(2, "bookmark-updated", { bookmark: { message: { id: "m-1" }, removed: true } }));
    assert.equal(here.bookmarks.size, 0);
  });

  it("is a plan until it is sent", () => {
    const here = store();
    here.apply(own(1, "scheduled-updated", { scheduled: { id: "s-1", state: "waiting" } }));
    assert.equal(here.scheduled.size, 1);
    here.apply(own(2, "scheduled-sent", { scheduled: { id: "s-1", state: "sent" } }));
    assert.equal(here.scheduled.size, 0);
  });

  it("is what is unread in conversations that are not hidden", () => {
    const here = store();
    here.know({ ...conversation, id: "c-2", unread_count: 3, mention_count: 1 });
    here.know({ ...conversation, id: "c-3", unread_count: 5, my: { hidden: true } });
    assert.deepEqual(here.unread, { messages: 3, mentions: 1 });
  });
});

describe("profiles", () => {
  it("are learned from everything, and never from the nameless", () => {
    const here = store();
    here.apply(
      change(2, "message-new", {
        message: message(1, { sender: { id: "carl", full_name: "Carl", username: "carl" } }),
      }),
    );
    here.profile({ id: "carl", full_name: "", username: "" });
    assert.equal(here.who("carl").full_name, "Carl");
    assert.equal(here.who("nobody").full_name, "Somebody");
  });
});
