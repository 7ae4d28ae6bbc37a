// Finding messages by their words: everywhere, or in one conversation.

import { element, icon } from "../../element.js";
import { attempt, openDialog } from "../dialog.js";
import { titleOf } from "../listing.js";
import { foundRow } from "./found.js";

const ASK_AFTER_MS = 250;

export function searchDialog(context, room = null) {
  const { session, acts } = context;
  openDialog({
    title: "Search messages",
    who: session.user,
    wide: true,
    build: (body, dialog) => {
      const input = element("input", {
        class: "field",
        type: "text",
        placeholder: "Words, or “some words in a row”",
        "aria-label": "Search for",
        autocomplete: "off",
        maxlength: 200,
        autofocus: true,
      });
      const here = room && element("input", { type: "checkbox", checked: true });
      const mine = element("input", { type: "checkbox" });
      const list = element("ul", { class: "plain-list", "aria-label": "Found messages" });
      const said = element("p", { class: "facts", role: "status" });
      const more = element("button", { class: "button", type: "button", hidden: true }, "More");
      const tick = (box, label) => element("label", { class: "tick" }, box, label);
      const form = element(
        "form",
        { class: "search-form", role: "search" },
        element("div", { class: "control" }, icon("search"), input),
        element(
          "div",
          { class: "ticks" },
          here && tick(here, `Only in ${titleOf(room, session.store)}`),
          tick(mine, "Only what mentions me"),
        ),
      );
      body.append(form, said, list, more);
      let timer;
      let asked = 0;
      form.addEventListener("submit", (event) => (event.preventDefault(), ask()));
      form.addEventListener("change", () => ask());
      input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(ask, ASK_AFTER_MS);
      });

      async function ask(cursor = "") {
        const q = input.value.trim();
        const number = ++asked;
        if (!/[\p{L}\p{N}]/u.test(q)) return show([], "");
        const query = {
          q,
          limit: 20,
          ...(here?.checked && { conversation_id: room.id }),
          ...(mine.checked && { mentions_me: true }),
          ...(cursor && { cursor }),
        };
        await attempt(dialog, async () => {
          const { items, page, indexing } = await acts.search(query);
          if (number !== asked) return;
          const note = indexing ? "The newest messages cannot be found yet: try again in a moment." : "";
          show(items, items.length || cursor ? note : note || "No message has all of these words.", { cursor, page });
        });
      }

      function show(items, words, { cursor = "", page = {} } = {}) {
        said.textContent = words;
        const rows = items.map((found) => foundRow(context, dialog, found));
        if (cursor) list.append(...rows);
        else list.replaceChildren(...rows);
        more.hidden = !page.has_more;
        more.onclick = () => ask(page.next_cursor);
      }
    },
  });
}
