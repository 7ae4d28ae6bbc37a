// One conversation as one person knows it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isReply, Room } from "../../../web/demo/room.js";

const member = (id, fields = {}) => ({
  user: { id, full_name: id },
  role: "member",
  last_read_seq: 0,
  last_delivered_seq: 0,
  ...fields,
});
const conversation = {
  id: "c-1",
  type: "group",
  name: "Us",
  member_count: 3,
  last_seq: 2,
  last_pos: 2,
  unread_count: 0,
  mention_count: 0,
  members: [member("alice", { last_read_seq: 2 }), member("bob"), member("carl")],
  my: { role: "member", last_read_seq: 2 },
};

function message(seq, fields = {}) {
  return {
    id: `m-${seq}`,
    seq,
    sender: { id: "bob" },
    client_msg_id: `k-${seq}`,
    text: `text ${seq}`,
    version: 1,
    ...fields,
  };
}

const room = (fields = {}) => new Room("alice", { ...conversation, ...fields });
const change = (type, data, pos = 0, fields = {}) => ({ type, pos, data, ...fields });
const news = (seq, fields = {}, pos = seq) => change("message-new", { message: message(seq, fields) }, pos);
const counts = ({ conversation: { unread_count, mention_count } }) => [unread_count, mention_count];

describe("what is unread", () => {
  it("grows with messages of others, and with those that call us", () => {
    const here = room();
    here.apply(news(3));
    here.apply(news(4, { mentions: { user_ids: ["alice"] } }));
    here.apply(news(5, { sender: { id: "alice" } }));
    here.apply(news(6, { mentions: { all: true } }));
    assert.deepEqual(counts(here), [3, 2]);
    assert.equal(here.conversation.last_message.seq, 6);
  });

  it("counts groups that we are in", () => {
    const here = room();
    here.apply(news(3, { mentions: { group_ids: ["g-1"] } }), new Set(["g-1"]));
    here.apply(news(4, { mentions: { group_ids: ["g-2"] } }), new Set(["g-1"]));
    assert.deepEqual(counts(here), [2, 1]);
  });

  it("is not counted twice when an answer has told of it before", () => {
    const here = room();
    here.know({ ...conversation, last_seq: 3, last_pos: 3, unread_count: 1 });
    here.apply(news(3));
    assert.deepEqual(counts(here), [1, 0]);
  });

  it("shrinks with a deletion and comes back with its end", () => {
    const here = room();
    here.apply(news(3, { mentions: { user_ids: ["alice"] } }));
    here.apply(
      change("message-deleted", { message: message(3, { version: 2, deleted_at: "now", mentions: null }) }, 4),
    );
    assert.deepEqual(counts(here), [0, 0]);
    here.apply(
      change("message-updated", { message: message(3, { version: 3, mentions: { user_ids: ["alice"] } }) }, 5),
    );
    assert.deepEqual(counts(here), [1, 1]);
  });

  it("is what the own log says, in absolute numbers", () => {
    const here = room();
    here.apply(news(3));
    here.apply(change("unread-updated", { unread: { last_read_seq: 3, unread_count: 0, mention_count: 0 } }));
    assert.deepEqual([counts(here), here.read_seq, here.held], [[0, 0], 3, false]);
  });

  it("stays unread once it was made so on purpose", () => {
    const here = room();
    here.apply(change("unread-updated", { unread: { last_read_seq: 0, unread_count: 2, mention_count: 0 } }));
    assert.deepEqual([counts(here), here.held], [[2, 0], true]);
  });
});

describe("the conversation itself", () => {
  it("keeps what feeds leave out", () => {
    const here = room();
    here.apply(
      change(
        "conversation-updated",
        { conversation: { id: "c-1", name: "Them", my: null, unread_count: null, members: [] } },
        3,
      ),
    );
    assert.deepEqual([here.conversation.name, here.conversation.my.role, here.members.length], ["Them", "member", 3]);
  });

  it("is not set back by an answer that was on its way", () => {
    const here = room();
    here.apply(change("conversation-updated", { conversation: { id: "c-1", name: "Them" } }, 3));
    here.know(conversation);
    assert.equal(here.conversation.name, "Them");
  });

  it("is archived and opened again", () => {
    const here = room();
    here.apply(change("conversation-archived", { conversation: { id: "c-1", archived_at: "now" } }, 3));
    assert.equal(here.conversation.archived_at, "now");
    here.apply(change("conversation-unarchived", { conversation: { id: "c-1", archived_at: null } }, 4));
    assert.equal(here.conversation.archived_at, null);
  });

  it("counts who comes and goes, once", () => {
    const here = room();
    here.apply(change("member-added", { member: member("dora") }, 3));
    assert.deepEqual([here.conversation.member_count, here.members.length], [4, 4]);
    here.apply(change("member-removed", { member: member("bob") }, 4));
    assert.deepEqual(
      [here.conversation.member_count, here.members.map((each) => each.user.id)],
      [3, ["alice", "carl", "dora"]],
    );
    here.apply(change("member-updated", { member: member("alice", { role: "admin" }) }, 5));
    assert.equal(here.conversation.my.role, "admin");
  });
});

describe("messages", () => {
  it("take reactions as they stand now, at their place", () => {
    const here = room();
    here.apply(news(3));
    const reacted = (emoji, count, pos) =>
      change("reaction-added", { reaction: { seq: 3, reaction: { emoji, count, user_ids: [] } } }, pos);
    here.apply(reacted("a", 1, 4));
    here.apply(reacted("b", 1, 5));
    here.apply(reacted("a", 2, 6));
    assert.deepEqual(
      here.message("m-3").reactions.map(({ emoji, count }) => [emoji, count]),
      [
        ["a", 2],
        ["b", 1],
      ],
    );
    here.apply(reacted("a", 0, 7));
    assert.deepEqual(
      here.message("m-3").reactions.map(({ emoji }) => emoji),
      ["b"],
    );
  });

  it("are pinned, and roots know their replies", () => {
    const here = room();
    here.apply(news(3));
    here.apply(change("message-pinned", { pinned: { message_id: "m-3", seq: 3, pinned_at: "now" } }, 4));
    here.apply(change("thread-updated", { thread: { root_id: "m-3", reply_count: 2, last_seq: 9 } }, 5));
    assert.deepEqual([here.message("m-3").pinned_at, here.message("m-3").thread.reply_count], ["now", 2]);
    here.apply(change("message-unpinned", { pinned: { message_id: "m-3", seq: 3, pinned_at: null } }, 6));
    assert.equal(here.message("m-3").pinned_at, null);
  });

  it("of a thread that is open are kept up to date", () => {
    const here = room();
    here.apply(news(3));
    const reply = (seq, fields) => message(seq, { thread: { root_id: "m-3" }, ...fields });
    here.openThread(here.message("m-3"), [reply(4)], { root_id: "m-3", last_read_seq: 0, unread_count: 1 });
    here.apply(change("message-new", { message: reply(5) }, 5));
    here.apply(change("message-updated", { message: reply(4, { version: 2, text: "edited" }) }, 6));
    assert.deepEqual(
      here.replies("m-3").map(({ text }) => text),
      ["edited", "text 5"],
    );
    assert.equal(isReply(here.message("m-5")), true);
    here.closeThread("m-3");
    assert.equal(here.replies("m-3"), undefined);
  });

  it("of ours can be changed, the last one first", () => {
    const here = room();
    here.page(
      [message(1, { sender: { id: "alice" } }), message(2, { sender: { id: "alice" }, thread: { root_id: "m-1" } })],
      { limit: 60 },
      { as_of: 2, last_seq: 2 },
    );
    assert.equal(here.lastOwn().id, "m-1", "not the reply in a thread");
  });
});

describe("messages of ours on their way", () => {
  const draft = { client_msg_id: "mine", text: "hi" };
  const confirmed = message(3, { sender: { id: "alice" }, client_msg_id: "mine" });

  it("wait in the order written until the answer or the event comes, whichever is first", () => {
    const here = room();
    here.draft(draft);
    here.draft({ ...draft, client_msg_id: "other" });
    here.apply(change("message-new", { message: confirmed }, 3));
    assert.deepEqual(
      here.waiting.map((each) => each.client_msg_id),
      ["other"],
    );
    here.answered(confirmed);
    assert.equal(here.history.size, 1);
  });

  it("are not taken for somebody else's message with the same client id", () => {
    const here = room();
    here.draft(draft);
    here.apply(news(3, { client_msg_id: "mine" }));
    assert.equal(here.waiting.length, 1);
  });

  it("stay to be seen when refused, and are not sent again by themselves", () => {
    const here = room();
    here.draft(draft);
    here.fail("mine", "too long");
    assert.deepEqual([here.waiting.length, here.unsent[0].failure], [0, "too long"]);
    here.draft(here.unsent[0]);
    assert.equal(here.waiting.length, 1, "until the person tries again");
    here.discard("mine");
    assert.deepEqual(here.unsent, []);
  });

  it("are not revived by a failure that comes after the message", () => {
    const here = room();
    here.draft(draft);
    here.answered(confirmed);
    here.fail("mine", "late");
    assert.deepEqual(here.unsent, []);
  });
});

describe("receipts", () => {
  const receipt = (user_id, last_read_seq, last_delivered_seq = 0) =>
    change("receipt-read", { receipt: { user_id, last_read_seq, last_delivered_seq } });

  it("reach as far as the slowest of the others, and only rise", () => {
    const here = room();
    here.apply(receipt("bob", 5));
    here.apply(receipt("bob", 3));
    assert.deepEqual(here.reached, { read: 0, delivered: 0 });
    here.apply(receipt("carl", 2, 4));
    assert.deepEqual(here.reached, { read: 2, delivered: 4 });
  });
});

describe("typing", () => {
  const typing = (type, user_id, thread_root = "") => change(type, { typing: { user_id, thread_root } });

  it("lasts until it stops, expires, or the message comes", () => {
    const ends = [
      (here) => here.apply(typing("stop-typing", "bob")),
      (here) => here.stopTyping("bob"),
      (here) => here.apply({ ...news(3), actor_id: "bob" }),
    ];
    for (const end of ends) {
      const here = room();
      here.apply(typing("typing", "bob"));
      assert.deepEqual(here.typing(), ["bob"]);
      end(here);
      assert.deepEqual(here.typing(), []);
    }
  });

  it("is not our own, and each thread has its own", () => {
    const here = room();
    here.apply(typing("typing", "alice"));
    here.apply(typing("typing", "bob", "m-1"));
    assert.deepEqual([here.typing(), here.typing("m-1")], [[], ["bob"]]);
  });
});
