// Asking for a link that sets a new password.

import { request } from "../../api.js";
import { Field, Form } from "../../form.js";
import { element } from "../../element.js";
import { card, ways } from "./card.js";

export function forgot(door) {
  const email = new Field({
    name: "email",
    label: "Mail address",
    type: "email",
    required: true,
    maxlength: 254,
    autocomplete: "email",
  });
  const form = new Form({
    label: "Forgot your password",
    fields: [email],
    submit: "Send me a link",
    act: async (values, { key }) => {
      const body = { email: values.email.trim() };
      await request("POST", "/api/users/password/forgot", { body, key });
      door.mailSent({
        text: `If there is an account with the address ${body.email}, a mail with a link is on its way. The link works for half an hour.`,
        next: () => door.logIn(""),
      });
    },
  });
  const about = element("p", { class: "about" }, "We send a link that sets a new one to the address of your account.");
  return card("Forgot your password?", [about, form.node, ways(["Back to the log-in", "/account"])], () =>
    form.focus(),
  );
}
