// What one client knows: its place in the logs, its conversations, and what is the person's own. Pure (no page, no
// network, no clock), so that the rules of catching up can be tested alone. Every device of a person holds one; fed
// with the same changes in whatever order, they come to the same.

import { Places } from "./places.js";
import { Presences } from "./presence.js";
import { Room } from "./room.js";

export class Store {
  #rooms = new Map(); // by conversation id
  #profiles = new Map(); // by user id

  places = new Places();
  presences = new Presences();
  drafts = new Map(); // `conversation thread` -> draft
  invites = new Map(); // by id, those that wait for our answer
  bookmarks = new Map(); // by message id
  scheduled = new Map(); // by id
  groups = new Map(); // by id

  /** `me` is the user, as the log-in tells it. */
  constructor(me) {
    this.me = me.id;
    this.profile(me);
  }

  get rooms() {
    return [...this.#rooms.values()];
  }

  room(id) {
    return this.#rooms.get(id);
  }

  /** Takes a conversation in, as an answer shows it. Returns its room. */
  know(conversation) {
    const room = this.#rooms.get(conversation.id);
    if (room) room.know(conversation);
    else this.#rooms.set(conversation.id, new Room(this.me, conversation));
    for (const { user } of conversation.members ?? []) this.profile(user);
    return this.#rooms.get(conversation.id);
  }

  /** Removes a conversation that we are not in any more. */
  leave(id) {
    this.#rooms.delete(id);
    this.places.leave(id);
  }

  /** Takes in who somebody is; of somebody nameless nothing is learned. */
  profile(user) {
    if (user?.id && (user.full_name || user.username)) this.#profiles.set(user.id, user);
  }

  /** Who somebody is, as far as is known. */
  who(id) {
    return this.#profiles.get(id) ?? { id, username: "", full_name: "Somebody", avatar: "" };
  }

  get people() {
    return [...this.#profiles.values()];
  }

  /**
   * Takes a change in. Returns false for one that was already known. What cannot be told from the change alone is
   * added to `wanted`: ids of conversations to be read.
   */
  apply(change, wanted = new Set()) {
    if (!this.places.pass(change)) return false;
    const { type, conversation_id, data } = change;
    this.#learn(data);
    if (type === "conversation-removed" || type === "conversation-deleted") this.leave(conversation_id);
    else if (type === "conversation-added") wanted.add(conversation_id);
    else this.#rooms.get(conversation_id)?.apply(change, this.#ownGroups());
    if (change.user_pos > 0) this.#own(type, data);
    return true;
  }

  // Drafts are held by conversation and thread.

  draft(conversation_id, thread_root = "") {
    return this.drafts.get(`${conversation_id} ${thread_root}`);
  }

  keepDraft(draft) {
    const key = `${draft.conversation_id} ${draft.thread_root ?? ""}`;
    if (draft.text || draft.reply_to) this.drafts.set(key, draft);
    else this.drafts.delete(key);
  }

  /** Takes in one of the person's own things; what has ended is dropped. */
  keepInvite(invite) {
    const open = invite.state === "open" && invite.user_id === this.me;
    if (open) this.invites.set(invite.id, invite);
    else this.invites.delete(invite.id);
  }

  keepBookmark({ removed, ...bookmark }) {
    const { id } = bookmark.message;
    const whole = bookmark.message.sender ? bookmark.message : (this.bookmarks.get(id)?.message ?? bookmark.message);
    if (removed) this.bookmarks.delete(id);
    else this.bookmarks.set(id, { ...bookmark, message: whole });
  }

  keepScheduled(scheduled) {
    if (scheduled.state === "waiting" || scheduled.state === "failed") this.scheduled.set(scheduled.id, scheduled);
    else this.scheduled.delete(scheduled.id);
  }

  keepGroup(group) {
    if (group.deleted) this.groups.delete(group.id);
    else this.groups.set(group.id, group);
  }

  /** What we have not read in all conversations together. */
  get unread() {
    const shown = this.rooms.map((room) => room.conversation).filter(({ my }) => !my?.hidden);
    const sum = (name) => shown.reduce((total, each) => total + (each[name] ?? 0), 0);
    return { messages: sum("unread_count"), mentions: sum("mention_count") };
  }

  #own(type, { draft, invite, bookmark, scheduled, group }) {
    if (draft) this.keepDraft(draft);
    if (invite) this.keepInvite(invite);
    if (bookmark) this.keepBookmark(bookmark);
    if (scheduled) this.keepScheduled(scheduled);
    if (group) this.keepGroup(group);
  }

  #learn({ message, conversation, member, invite }) {
    for (const user of [message?.sender, member?.user, invite?.created_by]) this.profile(user);
    for (const each of conversation?.members ?? []) this.profile(each.user);
  }

  #ownGroups() {
    const mine = [...this.groups.values()].filter(({ user_ids = [] }) => user_ids.includes(this.me));
    return new Set(mine.map(({ id }) => id));
  }
}
