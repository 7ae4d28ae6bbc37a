// The list of conversations: which of them, in which order, and what a line says. Pure.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** What can be chosen; `server` is the filter of the API for those that are not read at first. */
export const FILTERS = [
  { key: "all", label: "All", test: (c) => !c.my?.hidden && !c.archived_at },
  { key: "unread", label: "Unread", test: (c) => !c.my?.hidden && c.unread_count > 0 },
  { key: "favourite", label: "Favourites", test: (c) => c.my?.favourite && !c.my?.hidden },
  { key: "muted", label: "Muted", test: (c, now) => isMuted(c, now) && !c.my?.hidden },
  { key: "archived", label: "Archived", test: (c) => Boolean(c.archived_at), server: "archived" },
  { key: "hidden", label: "Hidden", test: (c) => Boolean(c.my?.hidden), server: "hidden" },
];

export function isMuted({ my }, now) {
  return Boolean(my?.muted_until && Date.parse(my.muted_until) > now) || my?.notify === "none";
}

/** What a conversation is called: two people by the other one. */
export function titleOf(room, store) {
  const { type, name } = room.conversation;
  if (type !== "dm") return name || "Unnamed";
  const other = room.others[0]?.user;
  return other ? store.who(other.id).full_name || other.full_name : "Yourself";
}

/** The rooms to show: favourites first, then by the last message. `keep` is shown in any case: it is open. */
export function listed(store, { filter, words, now, keep }) {
  const { test } = FILTERS.find(({ key }) => key === filter);
  const wanted = words.trim().toLowerCase();
  const fits = (room) =>
    titleOf(room, store).toLowerCase().includes(wanted) || room.conversation.topic?.toLowerCase().includes(wanted);
  const shown = store.rooms.filter((room) =>
    wanted ? fits(room) : test(room.conversation, now) || (room.id === keep && filter === "unread"),
  );
  const at = ({ conversation }) => Date.parse(conversation.last_message?.created_at ?? conversation.created_at);
  const top = ({ conversation }) => (conversation.my?.favourite ? 1 : 0);
  return shown.sort((a, b) => top(b) - top(a) || at(b) - at(a) || (a.id < b.id ? 1 : -1));
}

/** The line below the name: what one has begun to write, or the last message. */
export function previewOf(room, store) {
  const draft = store.draft(room.id);
  if (draft?.text) return { kind: "draft", text: draft.text };
  const { last_message: last, type, topic } = room.conversation;
  if (!last) return { kind: "empty", text: topic || "No messages yet" };
  if (last.deleted_at) return { kind: "empty", text: "Message deleted" };
  const who =
    last.sender.id === store.me ? "You" : type === "dm" ? "" : store.who(last.sender.id).full_name.split(" ")[0];
  return { kind: "message", who, text: last.text };
}

/** A moment in short, as seen from `now`: the time of today, else the day. */
export function whenOf(at, now) {
  const date = new Date(at);
  return date.toDateString() === new Date(now).toDateString() ? CLOCK.format(date) : DAY.format(date);
}
