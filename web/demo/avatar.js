// Somebody's circle, in a colour of their own.

import { element } from "../element.js";
import { initials } from "../initials.js";
import { otherOf } from "./presence.js";

const HUES = 6;

/** Which of the colours somebody has: the same everywhere. */
export function hueOf(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.codePointAt(0)) % 65_521;
  return sum % HUES;
}

/** Decoration: the name stands beside it. */
export function Avatar({ id, full_name, avatar }) {
  const picture = avatar && element("img", { src: avatar, alt: "", loading: "lazy" });
  return element(
    "span",
    { class: `avatar hue-${hueOf(id)}`, "aria-hidden": "true" },
    picture || initials(full_name || "?"),
  );
}

/** The sign of a conversation: its picture, the other person, or what kind it is. */
export function Badge(room, store) {
  const { type, avatar, visibility } = room.conversation;
  const other = room.others[0]?.user;
  if (type === "dm") return Avatar(other ? { ...other, ...store.who(other.id) } : store.who(store.me));
  if (avatar) return Avatar({ id: room.id, full_name: "", avatar });
  const sign = type === "channel" ? (visibility === "public" ? "#" : "🔒") : initials(room.conversation.name || "?");
  return element("span", { class: `avatar square hue-${hueOf(room.id)}`, "aria-hidden": "true" }, sign);
}

/** The sign of a conversation with a dot that shows how the other person is: decoration, too. */
export function LiveBadge(room, store) {
  const other = otherOf(room);
  const sign = Badge(room, store);
  if (!other) return sign;
  const { state } = store.presences.of(other);
  return element("span", { class: "live" }, sign, element("i", { class: "dot", "data-state": state }));
}
