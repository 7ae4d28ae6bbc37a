// How people are, as far as it was told, and in words. Pure.

import { whenOf } from "./listing.js";

const PEOPLE_AT_MOST = 800; // a socket hears of 1,000: 200 are left for the members of a group
const UNKNOWN = { state: "unknown" };
const CONNECTED = new Set(["online", "away", "busy"]);

/** How people are: whoever nothing was told of is unknown. */
export class Presences {
  #known = new Map(); // by user id
  #members = { id: "", user_ids: [], truncated: false };

  /** Takes in how somebody is now. */
  take(presence) {
    this.#known.set(presence.user_id, presence);
  }

  of(user_id) {
    return this.#known.get(user_id) ?? UNKNOWN;
  }

  /** Notes who is in the conversation that is open, or a part of them. */
  membersOf(id, user_ids, truncated) {
    this.#members = { id, user_ids, truncated };
  }

  /** How many of a conversation are connected; null when it cannot be told. `at_least` when there may be more. */
  connectedIn(id) {
    const { user_ids, truncated } = this.#members;
    const states = user_ids.map((each) => this.of(each).state);
    if (this.#members.id !== id || states.every((state) => state === "unknown")) return null;
    const count = states.filter((state) => CONNECTED.has(state)).length;
    return { count, at_least: truncated || states.includes("unknown") };
  }

  /** Forgets everybody but `people` and the members of conversation `id`: of others nothing is told any more. */
  keep(people, id) {
    if (this.#members.id !== id) this.membersOf("", [], false);
    const kept = new Set([...people, ...this.#members.user_ids]);
    for (const user_id of this.#known.keys()) if (!kept.has(user_id)) this.#known.delete(user_id);
  }
}

/** The other one of two; undefined for a group, and for a conversation with oneself. */
export function otherOf(room) {
  return room.conversation.type === "dm" ? room.others[0]?.user.id : undefined;
}

/** Of whom to hear, to show `rooms` with `open` opened: people, and the members of the open group, as `{id, count}`. */
export function watchedFor(rooms, open, me) {
  const others = [open, ...rooms].map((room) => room && otherOf(room)).filter(Boolean);
  const people = [...new Set([me, ...others])].slice(0, PEOPLE_AT_MOST);
  const is_group = open && open.conversation.type !== "dm";
  return { people, group: is_group ? { id: open.id, count: open.conversation.member_count } : null };
}

/** The line below the name of somebody, such as `online · 🎧 Do not knock`; empty when nothing is known. */
export function presenceLine(presence, now) {
  return [stateInWords(presence, now), said(presence)].filter(Boolean).join(" · ");
}

/** The same of oneself, for whom being available goes without saying. */
export function ownLine({ status, ...presence }) {
  return [status && status !== "available" && status, said(presence)].filter(Boolean).join(" · ");
}

/** The line of a group, such as `3 of 12 online`. */
export function groupLine(connected, member_count) {
  if (!connected) return `${member_count} ${member_count === 1 ? "member" : "members"}`;
  return `${connected.at_least ? "at least " : ""}${connected.count} of ${member_count} online`;
}

function stateInWords({ state, last_seen }, now) {
  if (state === "unknown") return "";
  return state === "offline" && last_seen ? `last seen ${whenOf(last_seen, now)}` : state;
}

function said({ emoji, message }) {
  return [emoji, message].filter(Boolean).join(" ");
}
