// A new password, by the link of a mail.

import { request } from "../../api.js";
import { element } from "../../element.js";
import { Form, passwordField } from "../../form.js";
import { card, ways } from "./card.js";
import { cutOff } from "./use-link.js";

export function reset(token) {
  if (!token) return cutOff("Set a new password");
  const form = new Form({
    label: "Set a new password",
    fields: [passwordField({ name: "new_password", label: "New password", fresh: true })],
    submit: "Set the password",
    act: async ({ new_password }) => {
      await request("POST", "/api/users/password/reset", { body: { token, new_password } });
      const done = "Your new password is set, and all sessions were ended.";
      node.replaceChildren(element("p", { class: "callout good", role: "status" }, done), ways(["Log in", "/account"]));
    },
  });
  const node = element("div", {}, form.node);
  return card("Set a new password", [node], () => form.focus());
}
