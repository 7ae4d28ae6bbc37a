// Choosing an emoji.

import { element } from "../element.js";
import { openPopover, rove } from "./menu.js";

const EMOJI = [
  ["👍", "thumbs up"],
  ["👎", "thumbs down"],
  ["❤️", "heart"],
  ["😂", "tears of joy"],
  ["🎉", "party"],
  ["🙏", "thank you"],
  ["👀", "eyes"],
  ["✅", "done"],
  ["🔥", "fire"],
  ["😮", "surprised"],
  ["😢", "sad"],
  ["😡", "angry"],
  ["😀", "grin"],
  ["😊", "smile"],
  ["😉", "wink"],
  ["😍", "in love"],
  ["😎", "cool"],
  ["🤔", "thinking"],
  ["😅", "sweat"],
  ["😴", "asleep"],
  ["🤯", "mind blown"],
  ["🥳", "celebrating"],
  ["🤝", "handshake"],
  ["👏", "clapping"],
  ["💪", "strong"],
  ["👋", "wave"],
  ["🙌", "hooray"],
  ["💯", "hundred"],
  ["⭐", "star"],
  ["🚀", "rocket"],
  ["💡", "idea"],
  ["⚡", "quick"],
  ["🐛", "bug"],
  ["🔧", "wrench"],
  ["📌", "pin"],
  ["❓", "question"],
  ["❗", "important"],
  ["⏳", "wait"],
  ["☕", "coffee"],
  ["🍕", "pizza"],
  ["🌱", "sprout"],
  ["🦊", "fox"],
];
const COLUMNS = 6;

/** The first of the list, for one click. */
export const QUICK = EMOJI.slice(0, 3).map(([emoji]) => emoji);

/** Opens a picker at `anchor`; `choose(emoji)` is called once. */
export function pickEmoji(anchor, choose) {
  const node = element("div", {
    class: "menu emojis",
    popover: "auto",
    role: "group",
    "aria-label": "Choose an emoji",
  });
  const take = (emoji) => {
    node.hidePopover();
    choose(emoji);
  };
  const buttons = EMOJI.map(([emoji, name]) =>
    element("button", { type: "button", "aria-label": name, title: name, onclick: () => take(emoji) }, emoji),
  );
  node.append(...buttons);
  rove(node, buttons, COLUMNS);
  return openPopover(anchor, node, buttons[0]);
}
