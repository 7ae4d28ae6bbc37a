// Changing the password.

import { Form, passwordField } from "../../form.js";
import { fold, panel } from "../panel.js";

export function password(me) {
  const form = new Form({
    label: "Password",
    fields: [
      passwordField({ label: "Present password" }),
      passwordField({ name: "new_password", label: "New password", fresh: true }),
    ],
    submit: "Set the new password",
    act: async (body) => {
      await me.request("POST", "/api/users/password/change", { body });
      form.reset();
      return "Your password is changed, and all other sessions were ended.";
    },
  });
  return { node: panel("Password", "A new password ends all sessions but this one.", fold("Change password", form)) };
}
