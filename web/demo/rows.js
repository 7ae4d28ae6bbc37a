// What each row of a timeline shows, as plain values: two rows that print alike look alike. Pure.

import { isReply } from "./room.js";

const SAFE = /^https?:\/\//i;
const GROUP_MS = 5 * 60_000;
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const WITH_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/**
 * The row of message number `seq`: null when the timeline shows nothing there, `{gap: true}` when it is not known yet.
 * `view` has `new_after` (where what was unread began), `session` for who is who, and `now` in milliseconds.
 */
export function timelineRow(room, seq, view) {
  const message = room.history.get(seq);
  if (!message) return room.history.knows(seq) ? null : { key: `gap ${seq}`, gap: true };
  if (isReply(message)) return null;
  const before = room.history.before(seq, (each) => !isReply(each));
  const complete = Boolean(before) || room.history.knows(seq - 1) || seq === 1;
  return { ...messageRow(room, message, view, before), ...marks(message, before, complete, view) };
}

/** The row of a reply in a thread. */
export function replyRow(room, message, before, view) {
  return { ...messageRow(room, message, view, before), ...marks(message, before, true, { now: view.now }) };
}

/** The row of a message of ours that the server does not have yet. */
export function unsentRow(room, draft, view) {
  const { client_msg_id, text, reply_to, created_at, failure } = draft;
  return {
    key: `${view.me} ${client_msg_id}`,
    client_msg_id,
    text,
    mine: true,
    sender_id: view.me,
    at: created_at,
    first: true,
    tick: failure ? "" : "waiting",
    failure,
    quote: quoteOf(reply_to, room),
  };
}

function messageRow(room, message, view, before) {
  const { id, seq, sender, client_msg_id, text, html, created_at } = message;
  const mine = sender.id === view.me;
  const deleted = Boolean(message.deleted_at);
  return {
    key: `${sender.id} ${client_msg_id}`,
    id,
    seq,
    text,
    html: deleted ? "" : html,
    mine,
    sender_id: sender.id,
    name: sender.full_name,
    bot: sender.kind === "bot",
    at: created_at,
    first: !before || !together(before, message),
    tick: mine && !deleted ? tickOf(view.reached, seq) : "",
    edited: Boolean(message.edited_at) && !deleted,
    deleted,
    undeletable:
      deleted &&
      message.undelete_until &&
      Date.parse(message.undelete_until) > view.now &&
      message.deleted_by === view.me,
    pinned: Boolean(message.pinned_at),
    kept: view.kept?.(id) ?? false,
    silent: Boolean(message.silent),
    expires_at: deleted ? null : (message.expires_at ?? null),
    previews: deleted ? [] : (message.previews ?? []).filter(({ url }) => SAFE.test(url)),
    files: deleted ? 0 : (message.attachments?.length ?? 0),
    forwarded: deleted ? null : forwardedOf(message.forwarded),
    calls_me: !deleted && (view.callsMe?.(message) ?? false),
    mentions: deleted ? null : mentionsIn(message),
    replayed: mine && view.replayed.has(client_msg_id),
    quote: quoteOf(message.reply_to, room),
    reactions: deleted
      ? []
      : (message.reactions ?? []).map(({ emoji, count, user_ids = [] }) => ({ emoji, count, user_ids })),
    thread: message.thread?.root_id === id && message.thread.reply_count ? message.thread : null,
    thread_unread: room.threadMark(id)?.unread_count ?? 0,
    readers: view.readers?.(seq) ?? [],
  };
}

function marks(message, before, complete, { new_after, now }) {
  const day = (each) => each && new Date(each.created_at).toDateString();
  const new_day = complete && day(before) !== day(message);
  const is_new = new_after !== undefined && message.seq > new_after && (!before || before.seq <= new_after) && complete;
  return { day: new_day ? dayName(message.created_at, now) : "", is_new, ...((new_day || is_new) && { first: true }) };
}

function tickOf({ read, delivered }, seq) {
  return read >= seq ? "read" : delivered >= seq ? "delivered" : "sent";
}

function mentionsIn({ mentions }) {
  const any = mentions && (mentions.all || mentions.here || mentions.user_ids?.length || mentions.group_ids?.length);
  return any ? mentions : null;
}

function quoteOf(id, room) {
  if (!id) return null;
  const message = room.message(id);
  if (!message) return { id, sender_id: "", text: "An earlier message" };
  return {
    id,
    sender_id: message.sender.id,
    text: message.deleted_at ? "Message deleted" : message.text.slice(0, 200),
  };
}

function together(a, b) {
  return a.sender.id === b.sender.id && Date.parse(b.created_at) - Date.parse(a.created_at) < GROUP_MS && !b.reply_to;
}

function forwardedOf(forwarded) {
  if (!forwarded) return null;
  const { sender, created_at, text, html } = forwarded;
  return { sender_id: sender?.id ?? "", at: created_at, text, html };
}

/** A day in words, as seen from `now`. */
export function dayName(at, now) {
  const midnight = (each) => new Date(each).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (days < 180 ? DAY : WITH_YEAR).format(new Date(at));
}
