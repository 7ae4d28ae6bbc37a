// Who may do what in a conversation, as far as it decides what is offered. The server has the last word. Pure.

const RANKS = ["owner", "admin", "member", "guest"];

/** Whether somebody of `role` has at least the rights of `least`. */
export function atLeast(role, least) {
  const rank = RANKS.indexOf(role);
  return rank >= 0 && rank <= Math.max(0, RANKS.indexOf(least));
}

/** Whether we may manage a conversation: its name, its members, and messages of others. */
export function manages({ type, my }) {
  return type !== "dm" && atLeast(my?.role, "admin");
}

/** Whether we may do what the conversation's permissions are about: `post`, `invite`, `mention_all` or `pin`. */
export function may({ type, my, permissions, archived_at }, what) {
  if (archived_at) return false;
  if (type === "dm") return what !== "invite";
  return atLeast(my?.role, "admin") || atLeast(my?.role, permissions?.[what] ?? "member");
}

/** Why we may not write; empty when we may. */
export function silence(conversation) {
  if (conversation.archived_at) return "This conversation is archived: nobody can write in it.";
  if (may(conversation, "post")) return "";
  return conversation.my?.role === "guest" ? "You are a guest here, and may only read." : "Only admins may write here.";
}

/** The roles that somebody of `role` may give. */
export function grantable(role) {
  return RANKS.filter((each) => atLeast(role, each) && (each !== "owner" || role === "owner"));
}
