// Going somewhere by typing: conversations that one is in, and people of the workspace.

import { element } from "../../element.js";
import { Avatar, Badge } from "../avatar.js";
import { attempt, openDialog } from "../dialog.js";
import { listed, titleOf } from "../listing.js";

const ASK_AFTER_MS = 150;
const AT_MOST = 12;

export function switcherDialog(context) {
  const { session, acts, open } = context;
  const { store } = session;
  openDialog({
    title: "Go to",
    who: session.user,
    build: (body, dialog) => {
      let found = [];
      let chosen = 0;
      let timer;
      const list = element("ul", {
        class: "choices",
        role: "listbox",
        id: "switcher-choices",
        "aria-label": "Where to",
      });
      const input = element("input", {
        class: "field",
        type: "text",
        role: "combobox",
        placeholder: "A conversation or a person",
        "aria-label": "Go to",
        "aria-controls": list.id,
        "aria-expanded": "true",
        "aria-autocomplete": "list",
        autocomplete: "off",
        autofocus: true,
      });
      input.addEventListener("input", () => {
        draw([]);
        clearTimeout(timer);
        timer = setTimeout(ask, ASK_AFTER_MS);
      });
      input.addEventListener("keydown", (event) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (by) choose(chosen + by);
        else if (event.key === "Enter") found[chosen]?.act();
        else return;
        event.preventDefault();
      });
      body.append(input, list);
      draw([]);

      async function ask() {
        const q = input.value.trim();
        if (!q) return;
        const people = await acts.people(q, 8).catch(() => []);
        if (q === input.value.trim() && dialog.open) draw(people);
      }

      function draw(people) {
        const rooms = listed(store, { filter: "all", words: input.value, now: Date.now() });
        const with_dm = new Set(
          rooms.filter(({ conversation }) => conversation.type === "dm").map((room) => room.others[0]?.user.id),
        );
        found = [
          ...rooms.map((room) => ({
            sign: Badge(room, store),
            name: titleOf(room, store),
            note: noteOf(room),
            act: () => go(room.id),
          })),
          ...people
            .filter(({ id }) => !with_dm.has(id))
            .map((user) => ({
              sign: Avatar(user),
              name: user.full_name,
              note: `@${user.username}`,
              act: () => write(user),
            })),
        ].slice(0, AT_MOST);
        list.replaceChildren(...found.map(option));
        choose(0);
      }

      function option({ sign, name, note, act }, index) {
        return element(
          "li",
          { role: "option", id: `switcher-${index}`, "aria-selected": "false", onclick: act },
          sign,
          element("span", { class: "name" }, name),
          element("span", { class: "facts" }, note),
        );
      }

      function choose(index) {
        if (!found.length) return input.removeAttribute("aria-activedescendant");
        chosen = (index + found.length) % found.length;
        [...list.children].forEach((each, at) => each.setAttribute("aria-selected", String(at === chosen)));
        list.children[chosen].scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", list.children[chosen].id);
      }

      function go(id) {
        dialog.close();
        open(id);
      }

      async function write({ id }) {
        await attempt(dialog, async () => go((await acts.create({ type: "dm", member_ids: [id] })).id));
      }
    },
  });
}

function noteOf({ conversation }) {
  const { type, unread_count } = conversation;
  return unread_count ? `${unread_count} unread` : type === "dm" ? "" : type;
}
