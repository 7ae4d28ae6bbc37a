// People whom a person does not want to hear from.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { initials } from "../../initials.js";
import { actButton } from "../act.js";
import { fold, panel } from "../panel.js";
import { Rows } from "../rows.js";
import { say } from "../toast.js";

const FOUND = 10;

export function blocked(me) {
  const button = (label, user, act) => actButton(label, act, { of: user.full_name });
  const rows = new Rows({
    label: "Blocked people",
    empty: "You have blocked nobody.",
    make: (user) =>
      row(
        user,
        button("Unblock", user, () => unblock(user)),
      ),
  });
  const found = new Rows({
    label: "People found",
    empty: "There is nobody else of that name.",
    make: (user) =>
      row(
        user,
        button("Block", user, () => block(user)),
      ),
  });
  let [items, results] = [[], null];

  const search = new Form({
    label: "Find people",
    fields: [
      new Field({
        name: "q",
        label: "Name",
        type: "search",
        required: true,
        maxlength: 100,
        autocomplete: "off",
        hint: "How the name or the username begins.",
      }),
    ],
    submit: "Find",
    act: async ({ q }) => {
      const answer = await me.request("GET", "/api/users", { query: { q: q.trim(), limit: FOUND } });
      results = answer.items.filter(({ id }) => id !== me.account.id);
      show();
      return answer.page.has_more ? `The first ${FOUND} are shown.` : "";
    },
  });

  async function block({ id, full_name }) {
    await me.request("POST", `/api/users/${id}/block`, { body: {} });
    say(`${full_name} is blocked.`);
    await refresh();
  }

  async function unblock({ id, full_name }) {
    await me.request("DELETE", `/api/users/${id}/block`);
    say(`${full_name} is blocked no longer.`);
    await refresh();
  }

  function show() {
    const ids = new Set(items.map(({ id }) => id));
    rows.show(items);
    if (results) found.show(results.filter(({ id }) => !ids.has(id)));
  }

  async function refresh() {
    items = (await me.request("GET", "/api/users/me/blocks", { query: { limit: 100 } })).items;
    show();
  }

  const about = "Neither of you can begin a conversation with the other, or add the other to a group. Nobody is told.";
  search.node.append(found.node);
  const node = panel("", about, rows.node, fold("Block somebody", search));
  return { node, refresh, ready: refresh().catch((error) => rows.fail(error)) };
}

function row({ full_name, username }, button) {
  return element(
    "li",
    { class: "row" },
    element("span", { class: "avatar", "aria-hidden": "true" }, initials(full_name)),
    element(
      "div",
      { class: "about-row" },
      element("p", { class: "name" }, full_name),
      element("p", { class: "facts" }, `@${username}`),
    ),
    button,
  );
}
