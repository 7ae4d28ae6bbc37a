// What came of a click that changed a list: said at the edge of the window, so that nothing moves.

import { element } from "../element.js";

const SHOWN_MS = 6_000;

/** Says that something went well. */
export function say(text) {
  put("good", text);
}

/** Says what went wrong. */
export function complain(text) {
  put("bad", text);
}

/** What was said before is of no interest any more. */
export function hush() {
  document.querySelector(".toasts").replaceChildren();
}

function put(kind, text) {
  const toast = element("p", { class: `toast ${kind}` }, text);
  document.querySelector(".toasts").replaceChildren(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}
