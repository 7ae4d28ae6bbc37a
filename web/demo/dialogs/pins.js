// What is pinned in a conversation.

import { element } from "../../element.js";
import { attempt, openDialog } from "../dialog.js";
import { may } from "../rights.js";
import { foundRow } from "./found.js";

export function pinsDialog(context, room) {
  const { session, acts } = context;
  openDialog({
    title: "Pinned messages",
    who: session.user,
    build: (body, dialog) => {
      const list = element("ul", { class: "plain-list" });
      const none = element("p", { class: "facts", hidden: true }, "Nothing is pinned here.");
      const pinning = may(room.conversation, "pin");
      body.append(list, none);
      draw();

      function draw() {
        return attempt(dialog, async () => {
          const pins = await acts.pins(room);
          list.replaceChildren(...pins.map(({ message }) => row(message)));
          none.hidden = pins.length > 0;
        });
      }

      function row(message) {
        const unpin = async () => (await attempt(dialog, () => acts.unpin(message.id))) && draw();
        const button = element("button", { class: "button", type: "button", onclick: unpin }, "Unpin");
        return foundRow(context, dialog, { message, more: pinning ? [button] : [] });
      }
    },
  });
}
