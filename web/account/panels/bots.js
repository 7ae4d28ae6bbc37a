// The bots of a person, each with its keys.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { actButton } from "../act.js";
import { fold, panel } from "../panel.js";
import { Rows } from "../rows.js";
import { say } from "../toast.js";
import { keys } from "./keys.js";

const PATH = "/api/users/bots";

export function bots(me) {
  const rows = new Rows({
    label: "Bots",
    empty: "You have no bot.",
    make: row,
    print: ({ username, full_name }) => [username, full_name],
  });

  const form = new Form({
    label: "New bot",
    fields: [
      new Field({
        name: "username",
        label: "Username of the bot",
        required: true,
        maxlength: 32,
        autocomplete: "off",
        autocapitalize: "none",
        spellcheck: "false",
        hint: "3 to 32 letters, digits, dots, dashes or underscores.",
      }),
      new Field({ name: "full_name", label: "Name to show", maxlength: 100, autocomplete: "off" }),
    ],
    submit: "Make a bot",
    act: async ({ username, full_name }, { key }) => {
      const body = { username: username.trim(), full_name: full_name.trim() };
      const bot = await me.request("POST", PATH, { body, key });
      form.reset();
      await refresh();
      return `${bot.full_name} is there. Make it a key, so that it can act.`;
    },
  });

  function row(bot) {
    const { id, username, full_name } = bot;
    const inside = element("div", {});
    const own = element("details", { class: "own" }, element("summary", {}, "Keys"), inside);
    own.addEventListener("toggle", () => {
      inside.replaceChildren(...(own.open ? [keys(me, `${PATH}/${id}/api-keys`, full_name).node] : []));
    });
    return element(
      "li",
      { class: "row bot" },
      element(
        "div",
        { class: "about-row" },
        element("p", { class: "name" }, full_name),
        element("p", { class: "facts" }, `@${username}`),
      ),
      actButton("Erase", () => erase(bot), { sure: "Really erase?", of: full_name }),
      own,
    );
  }

  async function erase({ id, full_name }) {
    await me.request("DELETE", `${PATH}/${id}`);
    say(`${full_name} is erased.`);
    await refresh();
  }

  async function refresh() {
    rows.show((await me.request("GET", "/api/users/me/bots", { query: { limit: 100 } })).items);
  }

  const about = "Users that are programs. A bot is yours, cannot log in, and acts by its own keys.";
  const node = panel("Bots", about, rows.node, fold("New bot", form));
  return { node, refresh, ready: refresh().catch((error) => rows.fail(error)) };
}
