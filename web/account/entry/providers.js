// Logging in at OpenID providers, where the installation has any.

import { request } from "../../api.js";
import { element } from "../../element.js";

/** A button for each; nothing where there are none. */
export function providers() {
  const node = element("div", { class: "providers", hidden: true });
  request("GET", "/api/users/oauth").then(
    ({ items }) => {
      node.append(...items.map(button));
      node.hidden = !items.length;
    },
    () => {}, // one logs in with a password then
  );
  return node;
}

function button({ name, title }) {
  const href = `/api/users/oauth/${encodeURIComponent(name)}/start?return_to=/account`;
  return element("a", { class: "button", href }, `Log in with ${title}`);
}
