// One row of a timeline as an element.

import { element, icon } from "../element.js";
import { Avatar } from "./avatar.js";
import { gapNode } from "./scroller.js";
import { mentionNodes, richNodes } from "./rich.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const TICKS = { waiting: "Waiting to be sent", sent: "Sent", delivered: "Delivered", read: "Read" };
const TICK_ICONS = { waiting: "waiting", sent: "sent", delivered: "read", read: "read" };

/**
 * Makes elements of rows. `who(id)` is a profile, `groups` are those of the workspace, and `on` has what `visit`,
 * `react`, `thread`, `undelete`, `retry` and `discard` do.
 */
export class MessageRows {
  #who;
  #me;
  #handles;
  #on;

  constructor({ who, me, handles, on }) {
    this.#who = who;
    this.#me = me;
    this.#handles = handles;
    this.#on = on;
  }

  node(row) {
    if (row.gap) return gapNode();
    const { mine, first, deleted, calls_me } = row;
    const classes = ["message", mine && "mine", first && "first", deleted && "deleted", calls_me && "calls-me"];
    const name = this.#name(row);
    return element(
      "li",
      { class: classes.filter(Boolean).join(" "), "data-id": row.id, "data-seq": row.seq, tabindex: "-1" },
      row.day && element("div", { class: "day" }, element("span", {}, row.day)),
      row.is_new && element("div", { class: "new", role: "separator" }, element("span", {}, "New")),
      element(
        "article",
        { "aria-label": `${mine ? "You" : name}, ${CLOCK.format(new Date(row.at))}` },
        element("div", { class: "gutter" }, first ? Avatar(this.#who(row.sender_id)) : time(row.at)),
        element(
          "div",
          { class: "content" },
          first && this.#head(row, name),
          row.quote && this.#quote(row.quote),
          element("div", { class: "said-line" }, this.#body(row), trailing(row)),
          row.forwarded && this.#forwarded(row.forwarded),
          row.files > 0 && element("p", { class: "facts" }, row.files === 1 ? "1 file" : `${row.files} files`),
          row.previews?.map(preview),
          row.undeletable && this.#undelete(row),
          row.reactions?.length > 0 && this.#reactions(row),
          row.thread && this.#thread(row),
          row.failure && this.#failure(row),
          row.readers?.length > 0 && this.#readers(row.readers),
        ),
      ),
    );
  }

  #name({ sender_id, name }) {
    return name || this.#who(sender_id).full_name;
  }

  #head(row, name) {
    return element(
      "p",
      { class: "head" },
      element("b", {}, name),
      row.bot && element("span", { class: "badge" }, "bot"),
      time(row.at),
    );
  }

  #body({ text, html, deleted, mentions }) {
    if (deleted) return element("p", { class: "text" }, "Message deleted");
    const called = this.#called(mentions);
    if (html) return element("div", { class: "text rich", dir: "auto" }, ...richNodes(html, called));
    return element("p", { class: "text", dir: "auto" }, ...mentionNodes(text, called));
  }

  // Which handles of the text the server took for a call, and whether they mean me.
  #called(mentions) {
    if (!mentions) return () => "";
    const handles = new Map();
    if (mentions.all) handles.set("all", "me");
    if (mentions.here) handles.set("here", "me");
    for (const id of mentions.user_ids ?? [])
      handles.set(this.#who(id).username?.toLowerCase(), id === this.#me ? "me" : "other");
    for (const id of mentions.group_ids ?? []) {
      const { handle, mine } = this.#handles(id);
      handles.set(handle, mine ? "me" : "other");
    }
    return (handle) => handles.get(handle) ?? "";
  }

  #quote({ id, sender_id, text }) {
    const name = sender_id ? this.#who(sender_id).full_name : "";
    const attributes = { class: "quote", type: "button", onclick: () => this.#on.visit(id) };
    return element("button", attributes, name && element("b", {}, name), element("span", {}, text));
  }

  #forwarded({ sender_id, at, text, html }) {
    const head = element("p", { class: "facts" }, `Forwarded from ${this.#who(sender_id).full_name}, `, time(at));
    return element("blockquote", { class: "forwarded" }, head, this.#body({ text, html }));
  }

  #undelete({ id }) {
    return element(
      "p",
      {},
      element("button", { class: "link", type: "button", onclick: () => this.#on.undelete(id) }, "Undo"),
    );
  }

  #reactions({ id, reactions }) {
    const one = ({ emoji, count, user_ids }) => {
      const mine = user_ids.includes(this.#me);
      const names = user_ids.map((user_id) => (user_id === this.#me ? "You" : this.#who(user_id).full_name));
      const more = count - user_ids.length;
      const title = `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
      return element(
        "button",
        {
          type: "button",
          class: "reaction",
          "aria-pressed": String(mine),
          "aria-label": `${emoji}, ${count}: ${title}`,
          title,
          onclick: () => this.#on.react(id, emoji, !mine),
        },
        element("span", { "aria-hidden": "true" }, emoji),
        element("span", { class: "count" }, count),
      );
    };
    return element("div", { class: "reactions" }, ...reactions.map(one));
  }

  #thread({ id, thread: { reply_count }, thread_unread }) {
    return element(
      "button",
      { type: "button", class: "thread-link", onclick: () => this.#on.thread(id) },
      icon("thread"),
      `${reply_count} ${reply_count === 1 ? "reply" : "replies"}`,
      thread_unread > 0 && element("span", { class: "badge accent" }, `${thread_unread} new`),
    );
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

  #readers(ids) {
    const names = ids.map((id) => this.#who(id).full_name);
    const label = `Read up to here by ${names.join(", ")}`;
    return element(
      "div",
      { class: "readers", role: "img", "aria-label": label, title: label },
      ...ids.map((id) => Avatar(this.#who(id))),
    );
  }
}

function time(at) {
  return element("time", { datetime: at, title: FULL.format(new Date(at)) }, CLOCK.format(new Date(at)));
}

// What a page says of itself, as text: these are words of strangers. Its picture is not loaded, which would tell them.
function preview({ url, title, description, site_name }) {
  return element(
    "a",
    { class: "preview-card", href: url, target: "_blank", rel: "noopener noreferrer nofollow" },
    site_name && element("span", { class: "facts" }, site_name),
    element("b", {}, title),
    description && element("span", {}, description),
  );
}

// What is said of a message at its end.
function trailing({ tick, edited, pinned, kept, silent, replayed, expires_at }) {
  const sign = (name, label) =>
    element("span", { class: "sign", role: "img", "aria-label": label, title: label }, icon(name));
  return element(
    "p",
    { class: "meta" },
    replayed && element("span", { class: "badge warn" }, "replayed"),
    edited && element("span", {}, "edited"),
    expires_at && sign("waiting", `Disappears ${FULL.format(new Date(expires_at))}`),
    silent && sign("muted", "Sent silently"),
    pinned && sign("pin", "Pinned"),
    kept && sign("bookmark", "Saved"),
    tick &&
      element(
        "span",
        { class: `reached ${tick}`, role: "img", "aria-label": TICKS[tick], title: TICKS[tick] },
        icon(TICK_ICONS[tick]),
      ),
  );
}
