// Beginning a conversation.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { openDialog } from "../dialog.js";
import { PeoplePicker } from "../picker.js";

const TITLES = { dm: "New message", group: "New group", channel: "New channel" };

export function newDialog({ session, acts, open }, type) {
  openDialog({
    title: TITLES[type],
    who: session.user,
    build: (body, dialog) => {
      const people = new PeoplePicker({ acts, label: type === "dm" ? "To" : "People", single: type === "dm" });
      const visibility = [
        element("option", { value: "public" }, "Everybody in the workspace can find and join it"),
        element("option", { value: "private" }, "Only those who are invited"),
      ];
      const fields = [
        type !== "dm" &&
          new Field({ name: "name", label: "Name", required: true, maxlength: 100, autocomplete: "off" }),
        type !== "dm" && new Field({ name: "topic", label: "What it is about", maxlength: 500, autocomplete: "off" }),
        type === "channel" &&
          new Field({
            name: "visibility",
            label: "Who can see it",
            kind: "select",
            options: visibility,
            value: "public",
          }),
      ].filter(Boolean);
      const form = new Form({
        label: TITLES[type],
        fields,
        submit: type === "dm" ? "Write" : "Create",
        act: async ({ name, topic, visibility }) => {
          if (type === "dm" && !people.ids.length) return void people.focus();
          const open_to_all = visibility === "public" && { visibility, join_policy: "open" };
          const room = await acts.create({
            type,
            member_ids: people.ids,
            ...(name && { name: name.trim() }),
            ...(topic && { topic: topic.trim() }),
            ...open_to_all,
          });
          dialog.close();
          open(room.id);
        },
      });
      form.node.prepend(...(type === "dm" ? [people.node] : []));
      if (type !== "dm") form.node.insertBefore(people.node, form.node.children[fields.length]);
      body.append(form.node);
    },
  });
}
