// A message as lists outside of its conversation show it: who, where, when, and a way to it.

import { element } from "../../element.js";
import { moment } from "../../time.js";
import { Avatar } from "../avatar.js";
import { titleOf } from "../listing.js";
import { isReply } from "../room.js";

/** A row that leads to `message`. `snippet` is the text in pieces; `more` stands below it. */
export function foundRow({ session, open }, dialog, { message, snippet, more = [] }) {
  const room = session.store.room(message.conversation_id);
  const sender = session.store.who(message.sender?.id);
  const go = () => {
    dialog.close();
    if (isReply(message)) open(message.conversation_id, undefined, message.thread.root_id);
    else open(message.conversation_id, message.seq);
  };
  const text = snippet?.length
    ? snippet.map((piece) => (piece.hit ? element("mark", {}, piece.text) : piece.text))
    : [message.text];
  return element(
    "li",
    { class: "found" },
    element(
      "button",
      { type: "button", onclick: go },
      Avatar(sender),
      element(
        "span",
        { class: "two" },
        element(
          "span",
          { class: "upper" },
          element("b", {}, sender.full_name),
          element(
            "span",
            { class: "facts" },
            `${room ? titleOf(room, session.store) : ""} · ${moment(message.created_at)}`,
          ),
        ),
        element("span", { class: "said" }, ...(message.deleted_at ? ["Message deleted"] : text)),
      ),
    ),
    ...more,
  );
}
