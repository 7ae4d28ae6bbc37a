// The list of messages of one pane: grouped by sender, with days between, redrawn only where something changed.

import { element, icon } from "../element.js";
import { initials } from "../initials.js";

const GROUP_MS = 5 * 60_000;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Draws into `list`; `hues` has each user's colour, `on` what reply, edit, remove, retry, discard and visit do. */
export class Timeline {
  #list;
  #hues;
  #on;
  #drawn = new Map(); // key -> {print, node}

  constructor({ list, hues, on }) {
    this.#list = list;
    this.#hues = hues;
    this.#on = on;
  }

  /** Shows what the session's store holds now. */
  draw(session) {
    const kept = new Map();
    for (const row of rowsOf(session)) {
      const print = JSON.stringify(row);
      const old = this.#drawn.get(row.key);
      kept.set(row.key, old?.print === print ? old : { print, node: this.#node(row) });
    }
    for (const [key, { node }] of this.#drawn) if (kept.get(key)?.node !== node) node.remove();
    let place = this.#list.firstChild;
    for (const { node } of kept.values()) {
      if (node === place) place = place.nextSibling;
      else this.#list.insertBefore(node, place);
    }
    this.#drawn = kept;
  }

  /** Brings a message into view and marks it for a moment. Returns false when it is not in the list. */
  visit(id) {
    const node = this.#list.querySelector(`[data-id="${id}"]`);
    node?.scrollIntoView({ block: "center", behavior: "smooth" });
    node?.classList.add("visited");
    setTimeout(() => node?.classList.remove("visited"), 1500);
    return Boolean(node);
  }

  #node(row) {
    if (row.day) return element("li", { class: "day" }, element("span", {}, row.day));
    const { mine, first, last, name } = row;
    const classes = ["message", mine && "mine", first && "first", last && "last", row.deleted && "deleted"];
    return element(
      "li",
      { class: classes.filter(Boolean).join(" "), "data-id": row.id },
      !mine &&
        element(
          "span",
          { class: `avatar hue-${this.#hues[row.sender_id] ?? 0}`, "aria-hidden": "true" },
          initials(name),
        ),
      element(
        "article",
        { "aria-label": `${mine ? "You" : name}, ${CLOCK.format(new Date(row.at))}` },
        row.quote && this.#quote(row.quote),
        element("p", { class: "text", dir: "auto" }, row.deleted ? "Message deleted" : row.text),
        meta(row),
        row.failure && this.#failure(row),
        this.#actions(row),
      ),
    );
  }

  #quote({ id, name, text }) {
    const attributes = { class: "quote", type: "button", onclick: () => this.#on.visit(id) };
    return element("button", attributes, element("b", {}, name), element("span", {}, text));
  }

  #failure({ client_msg_id, failure }) {
    return element(
      "p",
      { class: "failure", role: "alert" },
      `Not sent. ${failure} `,
      element("button", { type: "button", onclick: () => this.#on.retry(client_msg_id) }, "Try again"),
      element("button", { type: "button", onclick: () => this.#on.discard(client_msg_id) }, "Discard"),
    );
  }

  #actions({ id, mine, deleted }) {
    if (!id || deleted) return null;
    const button = (name, label, act) =>
      element(
        "button",
        { type: "button", class: "round", "aria-label": label, title: label, onclick: () => act(id) },
        icon(name),
      );
    return element(
      "div",
      { class: "actions" },
      button("reply", "Reply", this.#on.reply),
      mine && button("edit", "Edit", this.#on.edit),
      mine && button("delete", "Delete", this.#on.remove),
    );
  }
}

// Plain values only: two rows that print alike look alike.
function rowsOf({ store, user, replayed }) {
  const rows = [
    ...store.messages.map((message) => written(message, store, replayed)),
    ...store.unsent.map((draft) => unsent(draft, store, user)),
  ];
  const day = (row) => row && new Date(row.at).toDateString();
  return rows.flatMap((row, index) => {
    const [before, after] = [rows[index - 1], rows[index + 1]];
    const newDay = day(row) !== day(before);
    const shaped = {
      ...row,
      first: newDay || !together(before, row),
      last: !together(row, after) || day(row) !== day(after),
    };
    return newDay ? [{ key: `day ${day(row)}`, day: dayName(row.at) }, shaped] : [shaped];
  });
}

function written(message, store, replayed) {
  const { id, seq, sender, client_msg_id, text, created_at } = message;
  const mine = sender.id === store.me;
  return {
    key: `${sender.id} ${client_msg_id}`,
    id,
    client_msg_id,
    text,
    mine,
    sender_id: sender.id,
    name: sender.full_name,
    at: created_at,
    tick: mine && (store.read_by_others >= seq ? "read" : "sent"),
    edited: Boolean(message.edited_at),
    deleted: Boolean(message.deleted_at),
    replayed: mine && replayed.has(client_msg_id),
    quote: quoteOf(message.reply_to, store),
  };
}

function unsent({ client_msg_id, text, reply_to, created_at, failure }, store, user) {
  return {
    key: `${user.id} ${client_msg_id}`,
    client_msg_id,
    text,
    mine: true,
    sender_id: user.id,
    name: user.full_name,
    at: created_at,
    tick: failure ? "" : "waiting",
    failure,
    quote: quoteOf(reply_to, store),
  };
}

function quoteOf(id, store) {
  if (!id) return null;
  const message = store.message(id);
  if (!message) return { id, name: "", text: "An earlier message" };
  return {
    id,
    name: message.sender.full_name,
    text: message.deleted_at ? "Message deleted" : message.text.slice(0, 200),
  };
}

function together(a, b) {
  return Boolean(a && b && a.sender_id === b.sender_id && Date.parse(b.at) - Date.parse(a.at) < GROUP_MS);
}

function dayName(at) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(new Date(at));
}

const TICKS = { waiting: "Waiting to be sent", sent: "Sent", read: "Read" };

function meta({ at, tick, edited, deleted, replayed }) {
  const mark =
    tick && !deleted && element("span", { class: `tick ${tick}`, role: "img", "aria-label": TICKS[tick] }, icon(tick));
  return element(
    "p",
    { class: "meta" },
    replayed && element("span", { class: "badge warn" }, "replayed"),
    edited && !deleted && "edited",
    element("time", { datetime: at, title: FULL.format(new Date(at)) }, CLOCK.format(new Date(at))),
    mark,
  );
}
