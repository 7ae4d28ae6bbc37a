// Where mails are to be seen that a development server does not really send.

import { element } from "../element.js";

/** A link to the outbox; stays hidden where there is none. */
export function outboxLink() {
  const node = element(
    "p",
    { class: "callout calm", hidden: true },
    "This is a development server: its mails are kept in ",
    element("a", { href: "/dev/outbox", target: "_blank" }, "the outbox"),
    ".",
  );
  fetch("/dev/outbox", { method: "HEAD" }).then(
    ({ ok }) => (node.hidden = !ok),
    () => {},
  );
  return node;
}
