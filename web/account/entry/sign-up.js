// Making an account.

import { request } from "../../api.js";
import { Field, Form, passwordField } from "../../form.js";
import { card, ways } from "./card.js";

export function signUp(door) {
  const fields = [
    new Field({
      name: "username",
      label: "Username",
      hint: "3 to 32 letters, digits, dots, dashes or underscores.",
      required: true,
      maxlength: 32,
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
    }),
    new Field({
      name: "email",
      label: "Mail address",
      type: "email",
      required: true,
      maxlength: 254,
      autocomplete: "email",
    }),
    passwordField({ fresh: true }),
    new Field({
      name: "full_name",
      label: "Full name",
      hint: "Others see it. You can leave it out.",
      maxlength: 100,
      autocomplete: "name",
    }),
  ];
  const form = new Form({
    label: "Sign up",
    fields,
    submit: "Sign up",
    act: async ({ username, email, password, full_name }, { key }) => {
      const body = { username: username.trim(), email: email.trim(), password, full_name: full_name.trim() };
      const account = await request("POST", "/api/users/register", { body, key });
      door.mailSent({
        text: `There is a mail on its way to ${account.email}. Open the link in it to confirm the address.`,
        next: () => door.logIn(account.username),
      });
    },
  });
  return card("Sign up", [form.node, ways(["Log in instead", "/account"])], () => form.focus());
}
