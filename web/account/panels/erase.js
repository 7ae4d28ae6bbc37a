// The end of an account.

import { Field, Form, passwordField } from "../../form.js";
import { fold, panel } from "../panel.js";

export function erase(me, { onLeft }) {
  const { username } = me.account;
  const form = new Form({
    label: "Erase account",
    danger: true,
    fields: [
      new Field({
        name: "confirmation",
        label: `Type ${username} to confirm`,
        autocomplete: "off",
        autocapitalize: "none",
        spellcheck: "false",
        check: (value) => (value.trim() === username ? "" : `Please type ${username}.`),
      }),
      passwordField({}),
    ],
    submit: "Erase it for good",
    act: async ({ password }) => {
      await me.request("POST", "/api/users/me:erase", { body: { password } });
      me.forget();
      onLeft("Your account is erased.");
    },
  });
  const about =
    "Your profile, password, sessions, keys and blocks are removed, and your name is free again. What you wrote stays, " +
    "by nobody one could name. This cannot be undone.";
  return { node: panel("Erase account", about, fold("Erase my account", form, { danger: true })) };
}
