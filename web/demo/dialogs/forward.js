// Passing a message on to another conversation.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { openDialog } from "../dialog.js";
import { listed, titleOf } from "../listing.js";
import { may } from "../rights.js";

export function forwardDialog({ session, acts, say, open }, message) {
  const { store } = session;
  const rooms = listed(store, { filter: "all", words: "", now: Date.now() }).filter((room) =>
    may(room.conversation, "post"),
  );
  openDialog({
    title: "Forward",
    who: session.user,
    build: (body, dialog) => {
      const options = rooms.map((room) => element("option", { value: room.id }, titleOf(room, store)));
      const form = new Form({
        label: "Forward",
        fields: [
          new Field({ name: "conversation_id", label: "To", kind: "select", options, value: rooms[0]?.id }),
          new Field({ name: "comment", label: "What you say to it", kind: "textarea", rows: 3, maxlength: 10000 }),
        ],
        submit: "Forward",
        act: async ({ conversation_id, comment }) => {
          await acts.forward(message.id, conversation_id, comment.trim());
          dialog.close();
          say("Forwarded.", { action: { label: "Go there", act: () => open(conversation_id) } });
        },
      });
      body.append(element("blockquote", { class: "said" }, message.text), form.node);
    },
  });
}
