// What a person does, as calls of the API: by socket where it has an event for it, else by REST. Each act takes its
// answer into the store at once, so that it shows before the feed tells of it.

import { all } from "./load.js";
import { nextPage } from "./history.js";

const TYPING_REPEAT_MS = 3_000;
const MESSAGES = "/api/messages";
const CONVERSATIONS = `${MESSAGES}/conversations`;
const REPLIES_AT_MOST = 2_000;

export class Acts {
  #session;
  #typed = null; // {key, at}
  #marking = new Set(); // ids of conversations whose mark is on its way

  constructor(session) {
    this.#session = session;
  }

  /** Says how one wants to be seen: `{status, message, emoji, expires_at?}`, in place of what was said before. */
  async presence(said) {
    const { data } = await this.#session.call("presence-update", said);
    this.#session.watching.changed(data);
  }

  // --- messages

  async edit(room, message, text, mentions) {
    const { data } = await this.#session.call("edit-message", { id: message.id, text, ...(mentions && { mentions }) });
    this.#answered(room, data);
  }

  async remove(room, id) {
    this.#answered(room, (await this.#session.call("delete-message", { id })).data);
  }

  async undelete(room, id) {
    this.#answered(room, await this.#post(`${MESSAGES}/${id}:undelete`));
  }

  versions(id) {
    return all(this.#session, `${MESSAGES}/${id}/history`, {}, 200);
  }

  async restore(room, id, version) {
    this.#answered(room, await this.#post(`${MESSAGES}/${id}:restore`, { version }));
  }

  async react(message, emoji, on) {
    await this.#session.call(on ? "react" : "unreact", { message_id: message.id, emoji });
  }

  reactions(id) {
    return all(this.#session, `${MESSAGES}/${id}/reactions`, {}, 200);
  }

  pin(id) {
    return this.#session.request("PUT", `${MESSAGES}/${id}/pin`, { body: {} });
  }

  unpin(id) {
    return this.#session.request("DELETE", `${MESSAGES}/${id}/pin`);
  }

  pins(room) {
    return all(this.#session, `${CONVERSATIONS}/${room.id}/pins`, {}, 100);
  }

  async bookmark(message, note = "") {
    const bookmark = await this.#session.request("PUT", `${MESSAGES}/${message.id}/bookmark`, { body: { note } });
    this.#session.store.keepBookmark(bookmark);
    this.#session.onChange();
  }

  async forgetBookmark(message) {
    await this.#session.request("DELETE", `${MESSAGES}/${message.id}/bookmark`);
    this.#session.store.keepBookmark({ message, removed: true });
    this.#session.onChange();
  }

  async forward(id, conversation_id, comment) {
    const message = await this.#post(`${MESSAGES}/${id}:forward`, {
      conversation_id,
      comment,
      client_msg_id: crypto.randomUUID(),
    });
    const room = this.#session.store.room(conversation_id);
    if (room) this.#answered(room, message);
  }

  report(id, category, comment) {
    return this.#post(`${MESSAGES}/${id}/reports`, { category, comment });
  }

  /** Reads what is missing of the messages from `from` to `to`. Returns false when nothing is. */
  async readBetween(room, from, to) {
    const { last_seq, last_pos } = room.conversation;
    const query = nextPage(room.history, from, Math.min(to, last_seq));
    if (!query) return false;
    const asked = { as_of: this.#session.store.places.of(room.id) || last_pos, last_seq };
    const { items } = await this.#session.request("GET", MESSAGES, { query: { conversation_id: room.id, ...query } });
    room.page(items, query, asked);
    for (const { sender } of items) this.#session.store.profile(sender);
    this.#session.onChange();
    return true;
  }

  /** One message, from the store or the server. */
  async message(id) {
    for (const room of this.#session.store.rooms) if (room.message(id)) return room.message(id);
    return this.#session.request("GET", `${MESSAGES}/${id}`);
  }

  // --- threads

  async openThread(room, root_id) {
    const [replies, thread] = await Promise.all([
      all(this.#session, `${MESSAGES}/${root_id}/replies`, {}, REPLIES_AT_MOST),
      this.#session.request("GET", `${MESSAGES}/${root_id}/thread`),
    ]);
    room.openThread(thread.root, replies, thread.mark);
    this.#session.onChange();
  }

  async markThreadRead(room, root_id, seq) {
    if (this.#marking.has(root_id) || seq <= (room.threadMark(root_id)?.last_read_seq ?? 0)) return;
    this.#marking.add(root_id);
    try {
      const { mark } = await this.#session.request("PUT", `${MESSAGES}/${root_id}/thread/read`, { body: { seq } });
      room.apply({ type: "thread-read", pos: 0, data: { thread_mark: mark } });
    } finally {
      this.#marking.delete(root_id);
    }
  }

  // --- reading

  /** Marks everything up to `seq` as read, once per message. */
  async markRead(room, seq) {
    const { state, store } = this.#session;
    if (state !== "connected" || room.held || seq <= room.read_seq || this.#marking.has(room.id)) return;
    this.#marking.add(room.id);
    try {
      const { data } = await this.#session.call("mark-read", { conversation_id: room.id, seq });
      store.room(room.id)?.read(data);
      this.#session.onChange();
    } catch {
      // Asked again with the next change.
    } finally {
      this.#marking.delete(room.id);
    }
  }

  async markUnread(room, seq) {
    room.held = true;
    const { conversation_id: _, ...unread } = await this.#post(`${CONVERSATIONS}/${room.id}:markUnread`, { seq });
    room.apply({ type: "unread-updated", pos: 0, data: { unread } });
    this.#session.onChange();
  }

  /** Tells the others, at most every three seconds. */
  typing(room, thread_root = "") {
    const key = `${room.id} ${thread_root}`;
    if (this.#typed?.key === key && performance.now() - this.#typed.at < TYPING_REPEAT_MS) return;
    this.stopTyping();
    this.#typed = { key, at: performance.now(), request: place(room, thread_root) };
    this.#tell("typing", this.#typed.request);
  }

  stopTyping() {
    if (!this.#typed) return;
    const { request, at } = this.#typed;
    this.#typed = null;
    if (performance.now() - at < 2 * TYPING_REPEAT_MS) this.#tell("stop-typing", request);
  }

  // --- drafts and plans

  saveDraft(room, { thread_root = "", text, reply_to = "" }) {
    const draft = { ...place(room, thread_root), text, ...(reply_to && { reply_to }) };
    this.#session.store.keepDraft({ thread_root, reply_to, ...draft });
    return this.#session.call("draft-save", draft);
  }

  async schedule(room, message, send_at) {
    const body = { message: { conversation_id: room.id, ...message }, send_at };
    this.#keepScheduled(await this.#post(`${MESSAGES}/scheduled`, body));
  }

  async reschedule(id, change) {
    this.#keepScheduled(await this.#session.request("PATCH", `${MESSAGES}/scheduled/${id}`, { body: change }));
  }

  async cancelScheduled(id) {
    await this.#session.request("DELETE", `${MESSAGES}/scheduled/${id}`);
    this.#keepScheduled({ id, state: "cancelled" });
  }

  // --- conversations

  async create(body) {
    return this.#known(await this.#post(CONVERSATIONS, body));
  }

  channels(q) {
    return this.#session.request("GET", `${MESSAGES}/channels`, { query: { limit: 50, ...(q && { q }) } });
  }

  async join(id) {
    return this.#known(await this.#post(`${CONVERSATIONS}/${id}:join`));
  }

  async update(room, change) {
    return this.#known(await this.#session.request("PATCH", `${CONVERSATIONS}/${room.id}`, { body: change }));
  }

  async archive(room, on) {
    return this.#known(await this.#post(`${CONVERSATIONS}/${room.id}:${on ? "archive" : "unarchive"}`));
  }

  async prefer(room, change) {
    const path = `${CONVERSATIONS}/${room.id}/preferences`;
    const membership = await this.#session.request("PATCH", path, { body: change });
    room.apply({ type: "preferences-updated", pos: 0, data: { membership } });
    this.#session.onChange();
  }

  async leave(room) {
    await this.#post(`${CONVERSATIONS}/${room.id}:leave`);
    this.#session.store.leave(room.id);
    this.#session.onChange();
  }

  async erase(room) {
    await this.#session.request("DELETE", `${CONVERSATIONS}/${room.id}`);
    this.#session.store.leave(room.id);
    this.#session.onChange();
  }

  // --- members and invitations

  async readMembers(room) {
    const members = await all(this.#session, `${CONVERSATIONS}/${room.id}/members`, { limit: 200 });
    for (const { user } of members) this.#session.store.profile(user);
    room.everybody(members);
    this.#session.onChange();
  }

  async addMembers(room, user_ids) {
    const { items } = await this.#post(`${CONVERSATIONS}/${room.id}/members`, { user_ids });
    for (const member of items) room.member(member);
    this.#session.onChange();
  }

  async setRole(room, user_id, role) {
    const path = `${CONVERSATIONS}/${room.id}/members/${user_id}`;
    room.member(await this.#session.request("PATCH", path, { body: { role } }));
    this.#session.onChange();
  }

  removeMember(room, user_id) {
    return this.#session.request("DELETE", `${CONVERSATIONS}/${room.id}/members/${user_id}`);
  }

  invite(room, body) {
    return this.#post(`${CONVERSATIONS}/${room.id}/invites`, body);
  }

  invites(room) {
    return all(this.#session, `${CONVERSATIONS}/${room.id}/invites`, {}, 100);
  }

  revokeInvite(room, id) {
    return this.#session.request("DELETE", `${CONVERSATIONS}/${room.id}/invites/${id}`);
  }

  preview(code) {
    return this.#post(`${MESSAGES}/invites:preview`, { code });
  }

  /** `by` is `{id}` of an invitation or `{code}` of a link. */
  async accept(by) {
    const conversation = await this.#post(`${MESSAGES}/invites:accept`, by);
    if (by.id) this.#session.store.keepInvite({ id: by.id, state: "accepted" });
    return this.#known(conversation);
  }

  async decline(id) {
    await this.#post(`${MESSAGES}/invites/${id}:decline`);
    this.#session.store.keepInvite({ id, state: "declined" });
    this.#session.onChange();
  }

  // --- finding

  search(query) {
    return this.#session.request("GET", `${MESSAGES}/search`, { query });
  }

  /** People of the workspace whose name begins like that, without oneself. */
  async people(q, limit = 20) {
    const { items } = await this.#session.request("GET", "/api/users", { query: { limit, ...(q && { q }) } });
    const others = items.filter(({ id, is_active }) => id !== this.#session.user.id && is_active);
    for (const user of others) this.#session.store.profile(user);
    return others;
  }

  #post(path, body = {}) {
    return this.#session.request("POST", path, { body });
  }

  #known(conversation) {
    const room = this.#session.store.know(conversation);
    this.#session.onChange();
    return room;
  }

  #keepScheduled(scheduled) {
    this.#session.store.keepScheduled(scheduled);
    this.#session.onChange();
  }

  #answered(room, message) {
    room.answered(message);
    this.#session.onChange();
  }

  #tell(event, request) {
    this.#session.call(event, request).catch(() => {}); // a lost one does no harm
  }
}

const place = (room, thread_root) => ({ conversation_id: room.id, ...(thread_root && { thread_root }) });
