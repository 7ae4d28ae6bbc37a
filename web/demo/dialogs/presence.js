// How one wants to be seen, and for how long.

import { CHOICES, endOf } from "../../account/until.js";
import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { openDialog } from "../dialog.js";

const STATUSES = [
  ["available", "Available"],
  ["away", "Away"],
  ["busy", "Busy"],
  ["invisible", "Invisible: others see you as offline"],
];

export function presenceDialog({ session, acts }) {
  const { store } = session;
  const present = store.presences.of(store.me);
  const select = (name, label, options) =>
    new Field({
      name,
      label,
      kind: "select",
      options: options.map(([value, text]) => element("option", { value }, text)),
      value: options[0][0],
    });
  openDialog({
    title: "How others see you",
    who: session.user,
    build: (body, dialog) => {
      const status = select("status", "You are", STATUSES);
      if (present.status) status.value = present.status;
      const form = new Form({
        label: "How others see you",
        fields: [
          status,
          new Field({
            name: "message",
            label: "Message",
            maxlength: 140,
            autocomplete: "off",
            placeholder: "What are you up to?",
            value: present.message ?? "",
          }),
          new Field({ name: "emoji", label: "Emoji", maxlength: 64, autocomplete: "off", value: present.emoji ?? "" }),
          select("until", "How long", CHOICES),
        ],
        submit: "Save",
        act: async ({ status, message, emoji, until }) => {
          const ends = endOf(until, new Date());
          const said = { status, message: message.trim(), emoji: emoji.trim() };
          await acts.presence({ ...said, ...(ends && { expires_at: ends.toISOString() }) });
          dialog.close();
        },
      });
      body.append(form.node);
    },
  });
}
