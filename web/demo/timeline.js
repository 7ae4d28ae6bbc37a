// The messages of the conversation that is open: what is in view is read in and marked as read.

import { element } from "../element.js";
import { calls } from "./mentions.js";
import { isReply } from "./room.js";
import { timelineRow, unsentRow } from "./rows.js";
import { Scroller } from "./scroller.js";
import { spanAround } from "./virtual.js";

const ESTIMATE_PX = 44;
const AROUND = 10; // rows on both sides of the window that are read in with it
const READERS_AT_MOST = 10;
const SPAN = 300_000; // messages that are laid out at a time
const VISITED_MS = 1_600;

export class Timeline {
  #session;
  #acts;
  #scroller;
  #list;
  #view;
  #room = null;
  #base = 0; // the row of message number `seq` is `seq - #base`
  #context = {};
  #new_after;
  #reading = false;
  #opening = false; // the place to begin at is not reached yet: nothing was seen
  #unsent = 0;
  #skipped = 0; // where the unread began, when somebody jumped to the end before reading it
  #blocked_until = 0;

  /** Called with what failed. */
  onProblem = () => {};
  /** Called when the place in the list changed. */
  onMove = () => {};

  /** `rows` makes the elements of messages. */
  constructor({ view, list, session, acts, rows }) {
    this.#session = session;
    this.#acts = acts;
    this.#view = view;
    this.#list = list;
    this.#scroller = new Scroller({
      view,
      list,
      row: (index) => this.#row(index),
      build: (row) => (row.intro ? introNode(row) : rows.node(row)),
      onWindow: (from, to) => this.#drawn(from, to),
      estimate: ESTIMATE_PX,
    });
    this.#scroller.onScroll = () => {
      this.markSeen();
      this.onMove();
    };
  }

  /** Shows a conversation: at message number `seq` when it is given, else at the first unread, else at the end. */
  async open(room, seq) {
    const { unread_count, last_seq } = room.conversation;
    this.#room = room;
    room.held = false;
    this.#new_after = unread_count > 0 ? room.read_seq : undefined;
    this.#scroller.reset();
    this.#opening = true;
    this.#skipped = 0;
    const target = seq ?? (unread_count > 0 ? room.read_seq + 1 : 0);
    this.#base = spanAround(target || last_seq, last_seq, SPAN).base;
    const [from, to] = target ? [target - 20, target + 40] : [last_seq - 40, last_seq];
    await this.#readAll(room, Math.max(1, from), to);
    if (this.#room !== room) return;
    if (target) await this.visit(target, seq !== undefined);
    this.#opening = false;
    this.draw();
  }

  close() {
    this.#room = null;
  }

  draw() {
    const room = this.#room;
    if (!room) return;
    const unsent = this.#unsentOf(room).length;
    if (unsent > this.#unsent) {
      if (!this.#atEnd) this.#rebase(room.conversation.last_seq);
      this.#scroller.following = true;
    }
    this.#unsent = unsent;
    if (!this.#isSeen() && this.#new_after === undefined && room.conversation.unread_count)
      this.#new_after = room.read_seq;
    this.#prepare();
    this.#scroller.draw();
    this.markSeen();
    this.onMove();
  }

  /** Brings a message into view; `mark` makes it stand out for a moment. */
  async visit(seq, mark = true) {
    const room = this.#room;
    if (!room.history.knows(seq)) await this.#readAll(room, Math.max(1, seq - 20), seq + 20);
    if (this.#room !== room) return;
    if (seq <= this.#base || seq > this.#end) this.#rebase(seq, 0);
    this.#prepare(); // the list is as long as it is now
    this.#scroller.show(seq - this.#base);
    const node = mark && this.#scroller.node(seq - this.#base);
    if (!node) return;
    node.classList.add("visited");
    node.focus({ preventScroll: true });
    setTimeout(() => node.classList.remove("visited"), VISITED_MS);
  }

  latest() {
    if (this.#room.conversation.unread_count && this.#new_after !== undefined) this.#skipped = this.#new_after + 1;
    if (!this.#atEnd) this.#rebase(this.#room.conversation.last_seq);
    this.draw();
    this.#scroller.follow();
    this.markSeen();
    this.onMove();
  }

  /** Where the unread began, when it was jumped over and lies above what is in view; else 0. */
  get unreadAbove() {
    return this.#skipped && this.#skipped < this.#base + this.#scroller.firstSeen ? this.#skipped : 0;
  }

  /** Goes back to where the unread began. */
  backToUnread() {
    const seq = this.#skipped;
    this.#skipped = 0;
    return this.visit(seq, false);
  }

  get following() {
    return this.#scroller.following && this.#atEnd;
  }

  /** Moves the line above what is new, as after marking something unread. */
  newFrom(seq) {
    this.#new_after = seq - 1;
  }

  /** Marks what was seen as read. */
  markSeen() {
    const room = this.#room;
    if (!room || this.#opening || !this.#isSeen()) return;
    const { last_seq } = room.conversation;
    const seen = this.following ? last_seq : Math.min(this.#base + this.#scroller.lastSeen, last_seq);
    if (room.history.knows(seen)) this.#acts.markRead(room, seen);
  }

  /** Moves the focus among the messages that are drawn. Returns false at an end. */
  step(node, by) {
    const next = by > 0 ? node.nextElementSibling : node.previousElementSibling;
    const target = next?.classList.contains("message") || next?.classList.contains("gap") ? next : null;
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
    return Boolean(target);
  }

  focusLast() {
    const last = [...this.#list.querySelectorAll(".message")].at(-1);
    last?.focus();
  }

  #isSeen() {
    return document.visibilityState === "visible" && this.#view.checkVisibility() && this.#view.clientHeight > 0;
  }

  #unsentOf(room) {
    return room.unsent.filter(({ thread_root }) => !thread_root);
  }

  #row(index) {
    const room = this.#room;
    const seq = this.#base + index;
    if (seq === 0) return { key: `intro ${room.id}`, intro: true, text: this.#context.intro };
    if (index === 0) return null;
    if (seq <= this.#end) return timelineRow(room, seq, this.#context);
    return unsentRow(room, this.#unsentOf(room)[seq - this.#end - 1], this.#context);
  }

  // The last message that is laid out.
  get #end() {
    return Math.min(this.#room.conversation.last_seq, this.#base + SPAN);
  }

  get #atEnd() {
    return this.#end === this.#room.conversation.last_seq;
  }

  // Lays out another part, and shows message number `seq` of it: `at` is its place in the view.
  #rebase(seq, at) {
    this.#base = spanAround(seq, this.#room.conversation.last_seq, SPAN).base;
    this.#scroller.reset();
    this.#prepare();
    if (at !== undefined) this.#scroller.show(seq - this.#base, at);
  }

  #prepare() {
    const unsent = this.#atEnd ? this.#unsentOf(this.#room).length : 0;
    this.#context = this.#makeContext(this.#room);
    this.#scroller.resize(1 + this.#end - this.#base + unsent);
  }

  #makeContext(room) {
    const { store, replayed, user } = this.#session;
    const groups = new Set(
      [...store.groups.values()].filter((each) => each.user_ids?.includes(user.id)).map(({ id }) => id),
    );
    const readers = this.#readersOf(room);
    return {
      me: user.id,
      now: Date.now(),
      new_after: this.#new_after,
      replayed,
      reached: room.reached,
      kept: (id) => store.bookmarks.has(id),
      callsMe: (message) => message.sender.id !== user.id && calls(message, user.id, groups),
      readers: (seq) => readers.get(seq),
      intro: introOf(room, store),
    };
  }

  // Under each message, who has read up to it: in groups that are small enough to show it.
  #readersOf(room) {
    const found = new Map();
    const { type, member_count } = room.conversation;
    if (type === "dm" || member_count > READERS_AT_MOST) return found;
    for (const { user, last_read_seq } of room.others) {
      const message = room.history.before((last_read_seq ?? 0) + 1, (each) => !isReply(each));
      if (message && message.sender.id !== user.id)
        found.set(message.seq, [...(found.get(message.seq) ?? []), user.id]);
    }
    return found;
  }

  // At an edge of what is laid out, what lies beyond is laid out next.
  #drawn(from, to) {
    if (!this.#room) return;
    const [first, last] = [this.#base + from, this.#base + to];
    const before = from === 0 && this.#base > 0;
    const after = last > this.#end && !this.#atEnd;
    if ((before || after) && !this.#opening) {
      const seq = this.#base + (before ? this.#scroller.firstSeen : this.#scroller.lastSeen);
      queueMicrotask(() => this.#rebase(seq, before ? 0 : 1));
    }
    this.#read(first, last);
  }

  // One page at a time; the next drawing asks for what is missing then.
  async #read(from, to) {
    const room = this.#room;
    if (!room || this.#reading || performance.now() < this.#blocked_until) return;
    const first = Math.max(1, from - AROUND);
    const last = Math.min(to + AROUND, room.conversation.last_seq);
    if (first > last || !this.#lacks(room, first, last)) return;
    this.#reading = true;
    try {
      await this.#acts.readBetween(room, first, last);
    } catch (error) {
      this.#blocked_until = performance.now() + 2_000;
      setTimeout(() => this.draw(), 2_100);
      this.onProblem(error);
    } finally {
      this.#reading = false;
    }
  }

  #lacks(room, first, last) {
    for (let seq = first; seq <= last; seq++) if (!room.history.knows(seq)) return true;
    return false;
  }

  async #readAll(room, from, to) {
    try {
      while (await this.#acts.readBetween(room, from, to));
    } catch (error) {
      this.onProblem(error);
    }
  }
}

function introOf(room, store) {
  const { type, name } = room.conversation;
  if (type === "dm") return `The beginning of your conversation with ${store.who(room.others[0]?.user.id).full_name}.`;
  return `The beginning of ${name || "this conversation"}.`;
}

function introNode({ text }) {
  return element("li", { class: "beginning" }, text);
}
