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
    build: (body, dialog) => attempt(dialog, draw),
  });

  async function draw() {
    const pins = await acts.pins(room);
    const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
    const body = dialog.querySelector(".dialog-body");
    const unpin = ({ message }) =>
      element("button", { class: "button", type: "button", onclick: () => attempt(dialog, async () => (await acts.unpin(message.id), draw())) }, "Unpin");
    const rows = pins.map((pin) => foundRow(context, dialog, { message: pin.message, more: may(room.conversation, "pin") ? [unpin(pin)] : [] }));
    body.replaceChildren(rows.length ? element("ul", { class: "plain-list" }, ...rows) : element("p", { class: "facts" }, "Nothing is pinned here."));
  }
}
