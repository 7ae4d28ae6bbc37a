// The card that everything before the log-in is shown in.

import { element } from "../../element.js";

/** A view with a heading; `focus` is called once it is in the page. */
export function card(title, children, focus) {
  const heading = element("h1", { tabindex: "-1" }, title);
  const node = element("section", { class: "entrance" }, heading, ...children);
  return { title, node, focus: focus ?? (() => heading.focus()) };
}

/** Links below the card's form: `[text, address]`. */
export function ways(...links) {
  return element("p", { class: "ways" }, ...links.map(([text, href]) => element("a", { href }, text)));
}

export function callout(kind, text) {
  return element("p", { class: `callout ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
}
