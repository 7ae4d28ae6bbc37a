// The right end of every page's bar: who is logged in at this tab.

import { element } from "./element.js";
import { initials } from "./initials.js";
import { kept } from "./own.js";

/** Fills `.owner`, which stays hidden when nobody is logged in. */
export function drawOwner() {
  const [link, user] = [document.querySelector(".owner"), kept()?.user];
  if (!user) return;
  link.hidden = false;
  link.replaceChildren(
    element("span", { class: "avatar", "aria-hidden": "true" }, initials(user.full_name)),
    element("span", { class: "visually-hidden" }, "Logged in as "),
    element("span", { class: "name" }, user.full_name),
  );
}
