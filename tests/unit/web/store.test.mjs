// The rules of one client's knowledge: places, versions, messages on their way, read marks.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Store } from "../../../web/demo/store.js";

const HERE = "c-1";
const ELSEWHERE = "c-2";
const conversation = {
  id: HERE,
  members: [
    { user: { id: "alice" }, last_read_seq: 2 },
    { user: { id: "bob" }, last_read_seq: 0 },
  ],
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

function change(pos, fields = {}) {
  const data = { message: message(pos) };
  return { type: "message-new", conversation_id: HERE, pos, user_pos: 0, data, ...fields };
}

function started(positions = { [HERE]: 0 }, user_pos = 0) {
  const store = new Store({ me: "alice", conversation });
  store.start({ user_pos, positions });
  return store;
}

const texts = (store) => store.messages.map((each) => each.text);

describe("place", () => {
  it("is unknown before the first hello, and where the logs stand after it", () => {
    const store = new Store({ me: "alice", conversation });
    assert.equal(store.place, undefined);
    store.start({ user_pos: 7, positions: { [HERE]: 4, [ELSEWHERE]: 9 } });
    assert.deepEqual(store.place, { user_pos: 7, positions: { [HERE]: 4, [ELSEWHERE]: 9 } });
  });

  it("moves with each change of either log, in any conversation", () => {
    const store = started({ [HERE]: 4, [ELSEWHERE]: 9 }, 7);
    store.apply(change(5));
    store.apply(change(10, { conversation_id: ELSEWHERE }));
    store.apply(change(0, { type: "unread-updated", user_pos: 8, data: { unread: { last_read_seq: 3 } } }));
    assert.deepEqual(store.place, { user_pos: 8, positions: { [HERE]: 5, [ELSEWHERE]: 10 } });
    assert.deepEqual(texts(store), ["text 5"]);
  });

  it("never moves back", () => {
    const store = started({ [HERE]: 4 }, 7);
    store.settle({ user_pos: 3, positions: { [HERE]: 2, [ELSEWHERE]: 1 } });
    assert.deepEqual(store.place, { user_pos: 7, positions: { [HERE]: 4, [ELSEWHERE]: 1 } });
  });

  it("drops a change that was applied before", () => {
    const store = started({ [HERE]: 4 }, 7);
    assert.equal(store.apply(change(5)), true);
    assert.equal(store.apply(change(5, { data: { message: message(5, { text: "again", version: 9 }) } })), false);
    assert.equal(store.apply(change(0, { user_pos: 7, data: {} })), false);
    assert.deepEqual(texts(store), ["text 5"]);
  });

  it("misses what lies between the last change and this one", () => {
    const store = started({ [HERE]: 4 }, 7);
    assert.equal(store.misses(change(5)), false);
    assert.equal(store.misses(change(6)), true);
    assert.equal(store.misses(change(0, { user_pos: 8 })), false);
    assert.equal(store.misses(change(0, { user_pos: 9 })), true);
    assert.equal(store.misses(change(0)), false, "live changes stand in no log");
    assert.equal(store.misses(change(30, { conversation_id: "new" })), false, "a new conversation starts anywhere");
  });
});

describe("messages", () => {
  it("are held by seq, whatever order they come in", () => {
    const store = started();
    store.merge([message(3), message(4)]);
    store.merge([message(1), message(2)]);
    assert.deepEqual(texts(store), ["text 1", "text 2", "text 3", "text 4"]);
    assert.deepEqual([store.first_seq, store.last_seq], [1, 4]);
    assert.equal(store.message("m-2").seq, 2);
  });

  it("are none at first", () => {
    assert.deepEqual([started().first_seq, started().last_seq], [0, 0]);
  });

  it("change to a higher version only", () => {
    const store = started();
    store.merge([message(1, { version: 2, text: "edited" })]);
    store.merge([message(1)]);
    assert.deepEqual(texts(store), ["edited"]);
    const deleted = {
      type: "message-deleted",
      data: { message: message(1, { version: 3, text: "", deleted_at: "now" }) },
    };
    store.apply(change(1, deleted));
    assert.equal(store.message("m-1").deleted_at, "now");
  });
});

describe("messages of ours on their way", () => {
  const draft = { client_msg_id: "mine", text: "hi", created_at: "now" };
  const confirmed = message(1, { sender: { id: "alice" }, client_msg_id: "mine" });

  it("wait in the order written until the answer or the event comes, whichever is first", () => {
    const store = started();
    store.draft(draft);
    store.draft({ ...draft, client_msg_id: "other" });
    assert.deepEqual(
      store.waiting.map((each) => each.client_msg_id),
      ["mine", "other"],
    );
    store.apply(change(1, { data: { message: confirmed } }));
    assert.deepEqual(
      store.waiting.map((each) => each.client_msg_id),
      ["other"],
    );
    store.merge([confirmed]);
    assert.equal(store.messages.length, 1);
  });

  it("are not taken for somebody else's message with the same client id", () => {
    const store = started();
    store.draft(draft);
    store.merge([message(1, { client_msg_id: "mine" })]);
    assert.equal(store.waiting.length, 1);
  });

  it("stay to be seen when refused, and are not sent again by themselves", () => {
    const store = started();
    store.draft(draft);
    store.fail("mine", "too long");
    assert.deepEqual([store.waiting.length, store.unsent[0].failure], [0, "too long"]);
    store.draft(store.unsent[0]);
    assert.equal(store.waiting.length, 1, "until the person tries again");
    store.discard("mine");
    assert.deepEqual(store.unsent, []);
  });

  it("are not revived by a failure that comes after the message", () => {
    const store = started();
    store.draft(draft);
    store.merge([confirmed]);
    store.fail("mine", "late");
    assert.deepEqual(store.unsent, []);
  });
});

describe("read marks", () => {
  it("start with those of the members and only rise", () => {
    const store = started();
    assert.deepEqual([store.readBy("alice"), store.readBy("bob"), store.readBy("nobody")], [2, 0, 0]);
    const receipt = (seq) =>
      change(0, { type: "receipt-read", data: { receipt: { user_id: "bob", last_read_seq: seq } } });
    store.apply(receipt(5));
    store.apply(receipt(3));
    assert.deepEqual([store.readBy("bob"), store.read_by_others], [5, 5]);
  });

  it("of ours follow what another device of ours has read", () => {
    const store = started();
    store.apply(change(0, { type: "unread-updated", user_pos: 1, data: { unread: { last_read_seq: 6 } } }));
    assert.deepEqual([store.readBy("alice"), store.read_by_others], [6, 0]);
  });
});

describe("typing", () => {
  const typing = (type, user_id) => change(0, { type, data: { typing: { user_id } } });

  it("lasts until it stops, expires, or the message comes", () => {
    const ends = [
      (store) => store.apply(typing("stop-typing", "bob")),
      (store) => store.stopTyping("bob"),
      (store) => store.apply(change(1)),
    ];
    for (const end of ends) {
      const store = started();
      store.apply(typing("typing", "bob"));
      assert.deepEqual(store.typing, ["bob"]);
      end(store);
      assert.deepEqual(store.typing, []);
    }
  });

  it("shows neither our own nor that of another conversation", () => {
    const store = started();
    store.apply(typing("typing", "alice"));
    store.apply({ ...typing("typing", "bob"), conversation_id: ELSEWHERE });
    assert.deepEqual(store.typing, []);
  });
});
