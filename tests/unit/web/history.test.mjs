// What is known of a conversation's messages, and what to ask for next.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { History, nextPage } from "../../../web/demo/history.js";

function message(seq, fields = {}) {
  return { id: `m-${seq}`, seq, sender: { id: "bob" }, text: `text ${seq}`, version: 1, ...fields };
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
const asked = { as_of: 0, last_seq: 100 };

describe("versions", () => {
  it("change to a higher one only", () => {
    const history = new History();
    history.merge([message(1, { version: 2, text: "edited" })]);
    history.merge([message(1)]);
    assert.equal(history.get(1).text, "edited");
    history.tell(message(1, { version: 3, text: "", deleted_at: "now" }), 9);
    assert.equal(history.find("m-1").deleted_at, "now");
  });

  it("of an answer that was on its way do not undo what the log told meanwhile", () => {
    const history = new History();
    history.merge([message(1)], 4);
    history.patch(1, 5, () => ({ pinned_at: "now", reactions: [{ emoji: "x", count: 1 }] }));
    history.merge([message(1)], 4);
    assert.equal(history.get(1).pinned_at, "now");
    history.merge([message(1, { version: 2, text: "edited" })], 4);
    assert.deepEqual([history.get(1).text, history.get(1).pinned_at], ["edited", "now"]);
    history.merge([message(1, { version: 2, pinned_at: null })], 5);
    assert.equal(history.get(1).pinned_at, null, "asked for after the log had told it");
  });

  it("of messages that are not known are not patched", () => {
    const history = new History();
    history.patch(7, 5, () => ({ pinned_at: "now" }));
    assert.equal(history.get(7), undefined);
  });
});

describe("pages", () => {
  it("say what is not for us between their ends", () => {
    const history = new History();
    history.page([message(10), message(12)], { before_seq: 15, limit: 2 }, asked);
    assert.deepEqual(
      [9, 10, 11, 12, 14, 15].map((seq) => history.knows(seq)),
      [false, true, true, true, true, false],
    );
    assert.equal(history.get(11), undefined);
  });

  it("that are not full end at the beginning", () => {
    const history = new History();
    history.page(range(40, 45), { before_seq: 46, limit: 10 }, asked);
    assert.equal(history.floor, 39, "what was before is not for us");
    assert.equal(history.knows(3), true);
  });

  it("without anything are answers too", () => {
    const history = new History();
    history.page([], { after_seq: 98, limit: 10 }, asked);
    assert.deepEqual([history.knows(98), history.knows(99), history.knows(100)], [false, true, true]);
    history.page([], { before_seq: 20, limit: 10 }, asked);
    assert.equal(history.floor, 19);
  });

  it("are forgotten together", () => {
    const history = new History();
    history.page(range(1, 5), { limit: 10 }, { ...asked, last_seq: 5 });
    history.clear();
    assert.deepEqual([history.size, history.knows(3), history.floor, history.find("m-3")], [0, false, 0, undefined]);
  });
});

describe("what to ask for next", () => {
  const known = (...spans) => {
    const history = new History();
    for (const [from, to] of spans) history.merge(range(from, to));
    return history;
  };

  it("is nothing where all is known", () => {
    assert.equal(nextPage(known([1, 50]), 10, 40), null);
  });

  it("is what lies around a place far from everything", () => {
    assert.deepEqual(nextPage(known([900, 1000]), 400, 420, 50), { around_seq: 410, limit: 50 });
  });

  it("is what lies before what is known, or after it", () => {
    assert.deepEqual(nextPage(known([50, 100]), 40, 60, 50), { before_seq: 50, limit: 50 });
    assert.deepEqual(nextPage(known([1, 45]), 40, 60, 50), { after_seq: 45, limit: 50 });
    assert.deepEqual(nextPage(known(), 1, 30, 50), { after_seq: 0, limit: 50 });
  });

  it("leads through 10,000 messages, each read once", () => {
    const history = new History();
    let read = 0;
    for (let to = 10_000, query; to > 0; to -= 25) {
      while ((query = nextPage(history, Math.max(1, to - 40), to, 60))) {
        const last = query.before_seq
          ? query.before_seq - 1
          : query.around_seq
            ? query.around_seq + 29
            : query.after_seq + 60;
        const page = range(Math.max(1, last - 59), Math.min(last, 10_000));
        read += page.filter(({ seq }) => !history.knows(seq)).length;
        history.page(page, query, { as_of: 0, last_seq: 10_000 });
      }
    }
    assert.deepEqual([history.size, read], [10_000, 10_000]);
  });
});
