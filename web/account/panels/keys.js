// API keys, of a person or of a bot.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { date, distance, moment } from "../../time.js";
import { actButton } from "../act.js";
import { fold, panel } from "../panel.js";
import { Rows } from "../rows.js";
import { shownOnce } from "../secret.js";
import { say } from "../toast.js";

const SCOPES = [
  ["user:read", "Read profiles"],
  ["user:write", "Change the profile and status"],
  ["message:read", "Read conversations"],
  ["message:write", "Write messages"],
  ["presence:read", "See who is there"],
  ["presence:write", "Change how one is shown"],
];
const ENDS = [
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
  ["", "Never"],
];
const DAY_MS = 86_400_000;

/** The keys of who is logged in. */
export function ownKeys(me) {
  const { node, ...rest } = keys(me, "/api/users/me/api-keys", "you");
  const about = "For programs that act as you, within what the key allows. Send it as a bearer token.";
  return { node: panel("API keys", about, node), ...rest };
}

/** The keys at `path`, of `whom`: a list, and a form that makes one. */
export function keys(me, path, whom) {
  const rows = new Rows({
    label: `API keys of ${whom}`,
    empty: "There is no key.",
    make: (key) => row(key, () => revoke(key)),
    print: (key) => [key, used(key)],
  });
  const once = element("div", {});

  const name = new Field({
    name: "name",
    label: "Name",
    required: true,
    maxlength: 100,
    autocomplete: "off",
    hint: "What it is for.",
  });
  const ends = new Field({
    name: "ends",
    label: "Ends",
    kind: "select",
    value: "90",
    options: ENDS.map(([value, text]) => element("option", { value }, text)),
  });
  const scopes = new Scopes();
  const form = new Form({
    label: `New API key of ${whom}`,
    fields: [name, scopes, ends],
    submit: "Make a key",
    act: async (values) => {
      const expires_at = values.ends && new Date(Date.now() + Number(values.ends) * DAY_MS).toISOString();
      const body = { name: values.name.trim(), scopes: values.scopes, ...(expires_at && { expires_at }) };
      const { api_key, secret } = await me.request("POST", path, { body });
      name.value = "";
      reveal(api_key, secret);
      await refresh();
    },
  });

  function reveal(key, secret) {
    const shown = shownOnce({
      title: `Secret of ${key.name}`,
      about: "This is the only time that it is shown.",
      lines: [secret],
      file: `${key.name.replace(/[^\w-]+/g, "-")}.txt`,
      onKept: () => once.replaceChildren(),
    });
    once.replaceChildren(shown);
    folded.open = false;
  }

  async function revoke({ id, name: called }) {
    await me.request("DELETE", `${path}/${id}`);
    say(`${called} is good no longer.`);
    await refresh();
  }

  async function refresh() {
    rows.show((await me.request("GET", path, { query: { limit: 100 } })).items);
  }

  const folded = fold("New key", form);
  const node = element("div", { class: "keys" }, rows.node, once, folded);
  return { node, refresh, ready: refresh().catch((error) => rows.fail(error)) };
}

/** Boxes to tick, as a field of a form. */
class Scopes {
  name = "scopes";
  #boxes = SCOPES.map(([value]) => element("input", { type: "checkbox", value }));
  #note = element("p", { class: "note", role: "alert" });

  constructor() {
    this.input = this.#boxes[0];
    const rows = SCOPES.map(([value, text], index) =>
      element("label", { class: "tick" }, this.#boxes[index], element("span", {}, text), element("code", {}, value)),
    );
    this.node = element("fieldset", { class: "entry" }, element("legend", {}, "What it may do"), ...rows, this.#note);
    this.node.addEventListener("change", () => this.clear());
  }

  get value() {
    return this.#boxes.filter((box) => box.checked).map((box) => box.value);
  }

  refuse(text) {
    this.node.setAttribute("aria-invalid", "true");
    this.#note.textContent = text;
  }

  clear() {
    this.node.removeAttribute("aria-invalid");
    this.#note.textContent = "";
  }

  check() {
    if (!this.value.length) this.refuse("Choose at least one.");
    return this.value.length > 0;
  }
}

function row(key, revoke) {
  const { name, scopes, expires_at } = key;
  return element(
    "li",
    { class: "row" },
    element(
      "div",
      { class: "about-row" },
      element("p", { class: "name" }, name),
      element("p", { class: "facts" }, ...scopes.map((scope) => element("code", {}, scope))),
      element(
        "p",
        { class: "facts" },
        element("span", {}, used(key)),
        element(
          "span",
          { title: expires_at ? moment(expires_at) : "" },
          expires_at ? `ends ${date(expires_at)}` : "never ends",
        ),
      ),
    ),
    actButton("Revoke", revoke, { sure: "Really revoke?", of: name }),
  );
}

function used({ last_used_at }) {
  return last_used_at ? `last used ${distance(last_used_at)}` : "never used";
}
