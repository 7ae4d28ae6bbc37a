// The mail address: whether it is confirmed, and another one.

import { element } from "../../element.js";
import { Field, Form, passwordField } from "../../form.js";
import { actButton } from "../act.js";
import { outboxLink } from "../outbox-link.js";
import { fold, panel } from "../panel.js";
import { say } from "../toast.js";

export function email(me) {
  const mail = element("div", {}); // where to look, in development
  const resend = actButton("Send the mail again", async () => {
    await me.request("POST", "/api/users/resend-verification", { body: {}, key: crypto.randomUUID() });
    say(`A link is on its way to ${me.account.email}.`);
    mail.replaceChildren(outboxLink());
  });
  const present = element("p", { class: "now" });

  function show({ email: address, is_verified }) {
    const badge = is_verified ? ["good", "Confirmed"] : ["warn", "Not confirmed yet"];
    present.replaceChildren(
      element("span", { class: "said" }, address),
      element("span", { class: `badge ${badge[0]}` }, badge[1]),
    );
    resend.hidden = is_verified;
  }

  const form = new Form({
    label: "Mail address",
    fields: [
      new Field({
        name: "email",
        label: "New mail address",
        type: "email",
        required: true,
        maxlength: 254,
        autocomplete: "email",
      }),
      passwordField({}),
    ],
    submit: "Change address",
    act: async (values, { key }) => {
      const body = { ...values, email: values.email.trim() };
      await me.request("POST", "/api/users/me/email", { body, key });
      form.reset();
      mail.replaceChildren(outboxLink());
      return `A link is on its way to ${body.email}. The address changes once it is used.`;
    },
  });

  show(me.account);
  const about = "For mails about your account. Nobody else sees it.";
  return {
    node: panel(
      "Mail address",
      about,
      present,
      mail,
      element("div", { class: "actions" }, fold("Change address", form), resend),
    ),
    leave: me.onChange(show),
  };
}
