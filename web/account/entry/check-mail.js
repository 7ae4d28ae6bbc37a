// A mail was sent: where to look, and how to go on.

import { element } from "../../element.js";
import { outboxLink } from "../outbox-link.js";
import { card } from "./card.js";

/** `next()` goes on to the log-in. */
export function checkMail({ text, next }) {
  const button = element("button", { class: "button primary", type: "button", onclick: next }, "Log in");
  return card("Check your mail", [
    element("p", { class: "about" }, text),
    outboxLink(),
    element("div", { class: "actions" }, button),
  ]);
}
