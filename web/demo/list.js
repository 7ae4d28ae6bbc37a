// The list of conversations of a pane: one of them has the focus, the arrow keys move it.

import { element, icon } from "../element.js";
import { LiveBadge } from "./avatar.js";
import { FILTERS, isMuted, listed, previewOf, titleOf, whenOf } from "./listing.js";
import { openMenu } from "./menu.js";
import { otherOf } from "./presence.js";

export class ConversationList {
  #node;
  #list;
  #search;
  #session;
  #on;
  #filter = "all";
  #drawn = new Map(); // id -> {print, node}
  #focused = null; // id of the one that Tab reaches
  #current = null;
  #rooms = [];

  /** `on` has what `open`, `accept`, `decline` and `filter` do. */
  constructor(node, { session, on }) {
    this.#node = node;
    this.#session = session;
    this.#on = on;
    this.#list = node.querySelector(".conversations");
    this.#search = node.querySelector(".search");
    this.#search.addEventListener("input", () => this.draw(this.#current));
    this.#search.addEventListener("keydown", (event) => this.#searchKey(event));
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("focusin", ({ target }) => this.#focus(target.closest("[data-room]")));
    node.querySelector(".filters").addEventListener("click", ({ target }) => this.#choose(target.closest("button")));
  }

  /** The rooms that are listed, in their order. */
  get rooms() {
    return this.#rooms;
  }

  /** Shows the list as it is now; `current` is the id of the conversation that is open. */
  draw(current) {
    this.#current = current;
    const { store } = this.#session;
    const now = Date.now();
    const rooms = listed(store, { filter: this.#filter, words: this.#search.value, now, keep: current });
    this.#rooms = rooms;
    if (!rooms.some(({ id }) => id === this.#focused))
      this.#focused = (rooms.find(({ id }) => id === current) ?? rooms[0])?.id;
    const kept = new Map();
    for (const room of rooms) {
      const line = this.#line(room, now);
      const print = JSON.stringify(line);
      const old = this.#drawn.get(room.id);
      kept.set(room.id, old?.print === print ? old : { print, node: this.#replace(old, this.#item(room, line)) });
    }
    this.#put(kept);
    this.#node.querySelector(".none").hidden = rooms.length > 0;
    this.#node.querySelector(".none").textContent = this.#search.value ? "Nothing is called that." : "Nothing here.";
    this.#drawInvites();
    this.#drawFilters();
  }

  #put(kept) {
    for (const [id, { node }] of this.#drawn) if (kept.get(id)?.node !== node) node.remove();
    let place = this.#list.firstElementChild;
    for (const { node } of kept.values()) {
      if (node === place) place = place.nextElementSibling;
      else this.#list.insertBefore(node, place);
    }
    this.#drawn = kept;
  }

  // Everything that a line shows, as plain values.
  #line(room, now) {
    const { conversation } = room;
    const { store } = this.#session;
    const at = conversation.last_message?.created_at ?? conversation.created_at;
    const [typing] = room.typing();
    const other = otherOf(room);
    const writer = typing && conversation.type !== "dm" ? `${store.who(typing).full_name.split(" ")[0]} ` : "";
    return {
      title: titleOf(room, store),
      preview: typing ? { kind: "typing", text: `${writer}is typing…` } : previewOf(room, store),
      when: whenOf(at, now),
      unread: conversation.unread_count ?? 0,
      mentions: conversation.mention_count ?? 0,
      muted: isMuted(conversation, now),
      favourite: Boolean(conversation.my?.favourite),
      archived: Boolean(conversation.archived_at),
      presence: other && store.presences.of(other).state,
      sign: [conversation.type, conversation.visibility, conversation.avatar, conversation.name],
      current: room.id === this.#current,
      focused: room.id === this.#focused,
    };
  }

  #item(room, line) {
    const { title, preview, when, unread, mentions, muted, favourite, archived, presence, current, focused } = line;
    const said = [
      presence === "unknown" ? "presence unknown" : presence,
      unread && `${unread} unread`,
      mentions && `${mentions} mention you`,
      muted && "muted",
      favourite && "favourite",
      archived && "archived",
    ];
    const quiet = muted && !mentions;
    return element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: ["line", unread && !quiet && "unread", current && "current"].filter(Boolean).join(" "),
          "data-room": room.id,
          "aria-current": current && "true",
          tabindex: focused ? "0" : "-1",
          onclick: () => this.#on.open(room.id),
        },
        LiveBadge(room, this.#session.store),
        element(
          "span",
          { class: "two" },
          element(
            "span",
            { class: "upper" },
            element("span", { class: "title" }, title),
            favourite && icon("star"),
            muted && icon("muted"),
            archived && icon("archive"),
            element("span", { class: "when" }, when),
          ),
          element(
            "span",
            { class: "lower" },
            element(
              "span",
              { class: "preview", "data-kind": preview.kind },
              preview.kind === "draft" && element("b", {}, "Draft: "),
              preview.who && `${preview.who}: `,
              preview.text,
            ),
            mentions > 0 && element("span", { class: "count mention-count", "aria-hidden": "true" }, "@"),
            unread > 0 &&
              element(
                "span",
                { class: `count ${quiet ? "quiet" : ""}`, "aria-hidden": "true" },
                unread > 99 ? "99+" : unread,
              ),
          ),
        ),
        element("span", { class: "visually-hidden" }, said.filter(Boolean).join(", ")),
      ),
    );
  }

  #replace(old, node) {
    const refocus = () =>
      document.activeElement === document.body && node.firstElementChild.focus({ preventScroll: true });
    if (old?.node.contains(document.activeElement)) queueMicrotask(refocus); // once it is in the page
    return node;
  }

  // Invitations come first: somebody waits for an answer.
  #drawInvites() {
    const box = this.#node.querySelector(".invites");
    const invites = [...this.#session.store.invites.values()];
    const print = JSON.stringify(invites);
    if (box.dataset.print === print) return;
    box.dataset.print = print;
    box.hidden = !invites.length;
    box.replaceChildren(...invites.map((invite) => this.#invite(invite)));
  }

  #invite({ id, conversation_name, created_by }) {
    const from = this.#session.store.who(created_by?.id).full_name;
    const name = conversation_name || "a conversation";
    return element(
      "div",
      { class: "invite", role: "group", "aria-label": `Invitation to ${name}` },
      element("p", {}, element("b", {}, from), " invites you to ", element("b", {}, name)),
      element("button", { class: "button primary", type: "button", onclick: () => this.#on.accept(id) }, "Join"),
      element("button", { class: "button", type: "button", onclick: () => this.#on.decline(id) }, "Decline"),
    );
  }

  #drawFilters() {
    const { unread } = this.#session.store;
    for (const button of this.#node.querySelectorAll(".filters [data-filter]")) {
      button.setAttribute("aria-pressed", String(button.dataset.filter === this.#filter));
    }
    const other = FILTERS.slice(2).find(({ key }) => key === this.#filter);
    const more = this.#node.querySelector(".more-filters");
    more.firstElementChild.textContent = other?.label ?? "More";
    more.classList.toggle("chosen", Boolean(other));
    this.#node.querySelector("[data-filter=unread] .count").textContent = unread.messages || "";
  }

  #choose(button) {
    if (!button) return;
    if (button.dataset.filter) return this.#set(button.dataset.filter);
    const items = FILTERS.slice(2).map(({ key, label }) => ({
      label,
      checked: key === this.#filter,
      act: () => this.#set(key),
    }));
    openMenu(button, "More filters", items);
  }

  #set(key) {
    this.#filter = key;
    this.draw(this.#current);
    const { server } = FILTERS.find((each) => each.key === key);
    if (server) this.#on.filter(server);
  }

  #focus(button) {
    if (!button || button.dataset.room === this.#focused) return;
    this.#list.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.#focused = button.dataset.room;
    button.setAttribute("tabindex", "0");
  }

  #key(event) {
    const buttons = [...this.#list.querySelectorAll(".line")];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) this.#search.focus();
    else buttons[Math.min(to, buttons.length - 1)]?.focus();
  }

  #searchKey(event) {
    const first = this.#list.querySelector(".line");
    if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter" && this.#search.value) first?.click();
    else if (event.key === "Escape" && this.#search.value) this.#search.value = "";
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.draw(this.#current);
  }
}
