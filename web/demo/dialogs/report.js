// Reporting a message to the admins of the workspace.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { openDialog } from "../dialog.js";

const CATEGORIES = [
  ["spam", "Unwanted advertising"],
  ["abuse", "Insults, threats or harassment"],
  ["illegal", "Against the law"],
  ["other", "Something else"],
];

export function reportDialog({ session, acts, say }, message) {
  openDialog({
    title: "Report a message",
    who: session.user,
    build: (body, dialog) => {
      const options = CATEGORIES.map(([value, label]) => element("option", { value }, label));
      const form = new Form({
        label: "Report",
        fields: [
          new Field({ name: "category", label: "What is wrong", kind: "select", options, value: "spam" }),
          new Field({
            name: "comment",
            label: "In your words",
            kind: "textarea",
            rows: 4,
            maxlength: 1000,
            hint: "Only the admins of the workspace read this.",
          }),
        ],
        submit: "Report",
        danger: true,
        act: async ({ category, comment }) => {
          await acts.report(message.id, category, comment);
          dialog.close();
          say("Thank you. The admins will look at it.");
        },
      });
      body.append(element("blockquote", { class: "said" }, message.text), form.node);
    },
  });
}
