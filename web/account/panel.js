// The frame of one subject on the account page, and what it keeps out of sight until it is wanted.

import { element } from "../element.js";

let made = 0;

/** A frame around `children`; `about` says what the subject is. Without a title it is that of the whole section. */
export function panel(title, about, ...children) {
  const id = title && `panel-${++made}`;
  return element(
    "section",
    { class: "panel", "aria-labelledby": id },
    element("div", { class: "head" }, title && element("h2", { id }, title), element("p", { class: "about" }, about)),
    ...children,
  );
}

/** A form behind a button. */
export function fold(label, form, { danger = false } = {}) {
  const summary = element("summary", { class: `button ${danger ? "danger" : ""}` }, label);
  const node = element("details", { class: "fold" }, summary, form.node);
  node.addEventListener("toggle", () => node.open && form.focus());
  return node;
}
