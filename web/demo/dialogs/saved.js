// The messages that the person keeps.

import { element } from "../../element.js";
import { attempt, openDialog } from "../dialog.js";
import { foundRow } from "./found.js";

export function savedDialog(context) {
  const { session, acts } = context;
  openDialog({
    title: "Saved messages",
    who: session.user,
    build: (body, dialog) => {
      draw();

      function draw() {
        const kept = [...session.store.bookmarks.values()].sort(
          (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at),
        );
        const rows = kept.map(({ message, note }) =>
          foundRow(context, dialog, { message, more: [noteField(message, note), forget(message)] }),
        );
        body.replaceChildren(
          rows.length
            ? element("ul", { class: "plain-list" }, ...rows)
            : element("p", { class: "facts" }, "Nothing is saved: “Save for later” is in the menu of a message."),
        );
      }

      function noteField(message, note) {
        const input = element("input", {
          class: "field",
          value: note,
          maxlength: 500,
          placeholder: "Note to yourself",
          "aria-label": "Note",
        });
        input.addEventListener("change", () => attempt(dialog, () => acts.bookmark(message, input.value)));
        return input;
      }

      function forget(message) {
        const act = async () => (await attempt(dialog, () => acts.forgetBookmark(message))) && draw();
        return element("button", { class: "button", type: "button", onclick: act }, "Remove");
      }
    },
  });
}
