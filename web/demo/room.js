// One conversation as one person knows it: itself, its members, its messages, and those still on their way. Pure.

import { History } from "./history.js";
import { calls } from "./mentions.js";

export class Room {
  #me;
  #members = new Map(); // user id -> member, those that are known
  #unsent = new Map(); // client_msg_id -> draft, in the order written
  #typing = new Map(); // user id -> thread they write in
  #threads = new Map(); // root id -> replies by seq, of threads that were read
  #marks = new Map(); // root id -> mark in the thread

  history = new History();
  /** True when something was made unread on purpose: it stays so until the conversation is opened anew. */
  held = false;

  constructor(me, conversation) {
    this.#me = me;
    this.conversation = blank;
    this.#merge(conversation);
  }

  get id() {
    return this.conversation.id;
  }

  /** Takes in the conversation as an answer shows it, unless the log has told more already. */
  know(conversation) {
    if (this.conversation.my && (conversation.last_pos ?? 0) < this.conversation.last_pos) return;
    this.#merge(conversation);
  }

  /** Takes in what a change is about. `groups` are the ids of the groups that we are in. */
  apply({ type, pos, data, actor_id }, groups = new Set()) {
    const { message, conversation, member, receipt, unread, typing, reaction, thread, pinned, membership } = data;
    const fresh = pos > this.conversation.last_pos; // else an answer has told of it before
    if (message) this.#told(type, message, { pos, fresh, groups });
    if (conversation) this.#merge(conversation);
    if (member) this.#membership(type, member, fresh);
    if (receipt) this.receipt(receipt);
    if (unread) this.#count(unread);
    if (typing && typing.user_id !== this.#me) this.#write(type, typing);
    if (reaction) this.history.patch(reaction.seq, pos, (known) => react(known, reaction.reaction));
    if (reaction) this.#everyThread(reaction.seq, (known) => react(known, reaction.reaction));
    if (thread) this.#thread(thread, pos);
    if (pinned) this.history.patch(pinned.seq, pos, () => ({ pinned_at: pinned.pinned_at }));
    if (pinned) this.#everyThread(pinned.seq, () => ({ pinned_at: pinned.pinned_at }));
    if (membership) this.conversation = { ...this.conversation, my: { ...this.conversation.my, ...membership } };
    if (data.thread_mark) this.#marks.set(data.thread_mark.root_id, data.thread_mark);
    if (message && type === "message-new") this.#typing.delete(actor_id || message.sender.id);
    if (fresh) this.conversation = { ...this.conversation, last_pos: pos };
  }

  /** Messages of an answer to something that we did. */
  answered(message) {
    this.history.merge([message]);
    this.#inThread(message);
    this.#sent(message);
  }

  /** A page of history; see History.page. */
  page(messages, query, asked) {
    this.history.page(messages, query, asked);
    for (const message of messages) this.#sent(message);
    const last = messages.at(-1);
    const last_seq = Math.max(this.conversation.last_seq, last?.seq ?? 0);
    if (last) this.conversation = { ...this.conversation, last_seq };
  }

  /** Drops what is known of messages and members: too much was missed. */
  forget() {
    this.history.clear();
    this.#threads.clear();
  }

  // --- members

  member(member) {
    const known = this.#members.get(member.user.id);
    const kept = member.user.full_name || member.user.username ? member.user : (known?.user ?? member.user);
    this.#members.set(member.user.id, { ...known, ...member, user: kept });
    this.receipt({ user_id: member.user.id, ...member });
  }

  /** In the order they became known. */
  get members() {
    return [...this.#members.values()];
  }

  /** Forgets members who are not in the full list that was read. */
  everybody(members) {
    this.#members = new Map(members.map((each) => [each.user.id, { ...this.#members.get(each.user.id), ...each }]));
  }

  get others() {
    return this.members.filter(({ user }) => user.id !== this.#me);
  }

  /** Notes marks of a member; what others see of them never moves back. */
  receipt({ user_id, last_read_seq = 0, last_delivered_seq = 0 }) {
    const known = this.#members.get(user_id);
    if (!known) return;
    const read = Math.max(known.last_read_seq ?? 0, last_read_seq);
    const delivered = Math.max(known.last_delivered_seq ?? 0, last_delivered_seq, read);
    this.#members.set(user_id, { ...known, last_read_seq: read, last_delivered_seq: delivered });
  }

  /** Up to where every other member that is known has read, and up to where it has reached them. */
  get reached() {
    const others = this.others;
    const least = (name) => (others.length ? Math.min(...others.map((each) => each[name] ?? 0)) : 0);
    return { read: least("last_read_seq"), delivered: least("last_delivered_seq") };
  }

  // --- what is unread

  get read_seq() {
    return this.conversation.my?.last_read_seq ?? 0;
  }

  /** Notes that we have read up to there. */
  read({ last_read_seq, unread_count, mention_count = 0 }) {
    const { conversation } = this;
    if (last_read_seq < this.read_seq) return;
    this.conversation = { ...conversation, unread_count, mention_count, my: { ...conversation.my, last_read_seq } };
  }

  // --- messages of ours that are shown before the server has them

  draft(draft) {
    this.#unsent.set(draft.client_msg_id, { ...draft, failure: "" });
  }

  fail(client_msg_id, failure) {
    const draft = this.#unsent.get(client_msg_id);
    if (draft) this.#unsent.set(client_msg_id, { ...draft, failure });
  }

  discard(client_msg_id) {
    this.#unsent.delete(client_msg_id);
  }

  get unsent() {
    return [...this.#unsent.values()];
  }

  /** Ours that wait for an answer, in the order written: to be sent again, unchanged, after a reconnect. */
  get waiting() {
    return this.unsent.filter((draft) => !draft.failure);
  }

  // --- who writes

  /** Ids of the others who write in the conversation, or in a thread of it. */
  typing(thread_root = "") {
    return [...this.#typing].filter(([, root]) => root === thread_root).map(([id]) => id);
  }

  stopTyping(user_id) {
    this.#typing.delete(user_id);
  }

  // --- threads

  /** Takes in all replies of a thread as they were read; from then on they are kept up to date. */
  openThread(root, replies, mark) {
    this.history.merge([root]);
    const kept = this.#threads.get(root.id) ?? new Map();
    for (const reply of replies) if (newer(kept.get(reply.seq), reply)) kept.set(reply.seq, reply);
    this.#threads.set(root.id, kept);
    if (mark) this.#marks.set(root.id, mark);
  }

  closeThread(root_id) {
    this.#threads.delete(root_id);
  }

  /** By ascending seq; undefined when the thread was not read. */
  replies(root_id) {
    const known = this.#threads.get(root_id);
    return known && [...known.values()].sort((a, b) => a.seq - b.seq);
  }

  threadMark(root_id) {
    return this.#marks.get(root_id);
  }

  /** Any known message. */
  message(id) {
    return (
      this.history.find(id) ??
      [...this.#threads.values()].flatMap((each) => [...each.values()]).find((m) => m.id === id)
    );
  }

  /** Our last message that can be changed, in the conversation or in a thread. */
  lastOwn(thread_root = "") {
    const own = (message) => message.sender.id === this.#me && !message.deleted_at;
    if (thread_root) return this.replies(thread_root)?.findLast(own);
    return this.history.before(this.conversation.last_seq + 1, (message) => own(message) && !isReply(message));
  }

  // What feeds leave out stays as it was.
  #merge(conversation) {
    const told = Object.entries(conversation).filter(([, value]) => value !== null && value !== undefined);
    const { last_seq, last_pos } = this.conversation;
    this.conversation = {
      ...this.conversation,
      ...Object.fromEntries(told),
      archived_at: conversation.archived_at ?? null,
      last_seq: Math.max(last_seq, conversation.last_seq ?? 0),
      last_pos: Math.max(last_pos, conversation.last_pos ?? 0),
    };
    for (const member of conversation.members ?? []) this.member(member);
  }

  #told(type, message, { pos, fresh, groups }) {
    const { conversation } = this;
    const known = this.history.get(message.seq);
    const come = type === "message-new";
    const gone = type === "message-deleted" && !known?.deleted_at;
    const back = type === "message-updated" && known?.deleted_at && !message.deleted_at;
    const counted = fresh && message.sender.id !== this.#me && message.seq > this.read_seq;
    const change = !counted ? 0 : come || back ? 1 : gone ? -1 : 0;
    const mentioned = calls(gone && known ? known : message, this.#me, groups) ? change : 0;
    this.history.tell(message, pos);
    this.#inThread(message);
    this.#sent(message);
    this.conversation = {
      ...conversation,
      last_seq: Math.max(conversation.last_seq, message.seq),
      last_message: message.seq >= (conversation.last_message?.seq ?? 0) ? message : conversation.last_message,
      unread_count: Math.max(0, (conversation.unread_count ?? 0) + change),
      mention_count: Math.max(0, (conversation.mention_count ?? 0) + mentioned),
      my: come ? { ...conversation.my, hidden: false } : conversation.my,
    };
  }

  #membership(type, member, fresh) {
    const { id } = member.user;
    const [known, count] = [this.#members.has(id), this.conversation.member_count];
    if (type === "member-removed") {
      this.#members.delete(id);
      this.#typing.delete(id);
    } else if (known || count === this.#members.size || type !== "member-added") this.member(member);
    if (id === this.#me && type !== "member-removed") {
      this.conversation = { ...this.conversation, my: { ...this.conversation.my, role: member.role } };
    }
    const change = !fresh ? 0 : type === "member-added" ? 1 : type === "member-removed" ? -1 : 0;
    this.conversation = { ...this.conversation, member_count: Math.max(0, count + change) };
  }

  #count(unread) {
    if (unread.last_read_seq < this.read_seq) this.held = true;
    const my = { ...this.conversation.my, last_read_seq: unread.last_read_seq };
    this.conversation = { ...this.conversation, ...unread, my };
  }

  #write(type, { user_id, thread_root = "" }) {
    if (type === "typing") this.#typing.set(user_id, thread_root);
    else this.#typing.delete(user_id);
  }

  #thread(thread, pos) {
    const root = this.history.find(thread.root_id);
    if (root) this.history.patch(root.seq, pos, () => ({ thread }));
  }

  #inThread(message) {
    const replies = isReply(message) && this.#threads.get(message.thread.root_id);
    if (replies && newer(replies.get(message.seq), message)) replies.set(message.seq, message);
  }

  #everyThread(seq, change) {
    for (const replies of this.#threads.values()) {
      const known = replies.get(seq);
      if (known) replies.set(seq, { ...known, ...change(known) });
    }
  }

  #sent(message) {
    if (message.sender.id === this.#me) this.#unsent.delete(message.client_msg_id);
  }
}

const blank = { unread_count: 0, mention_count: 0, member_count: 0, last_seq: 0, last_pos: 0, last_message: null };
const newer = (known, message) => !known || message.version >= known.version;

/** Whether a message stands in a thread, and not in the timeline. */
export function isReply(message) {
  return Boolean(message.thread?.root_id && message.thread.root_id !== message.id);
}

// One emoji as it stands now, at its place.
function react(message, reaction) {
  const before = message.reactions ?? [];
  const there = before.some(({ emoji }) => emoji === reaction.emoji);
  const changed = there
    ? before.map((each) => (each.emoji === reaction.emoji ? reaction : each))
    : [...before, reaction];
  return { reactions: changed.filter(({ count }) => count > 0) };
}
