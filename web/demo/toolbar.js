// What can be done with the message under the pointer or the focus. There is one toolbar for a timeline; it goes to
// where it is needed.

import { element, icon } from "../element.js";
import { pickEmoji, QUICK } from "./emoji.js";
import { openMenu } from "./menu.js";
import { manages, may } from "./rights.js";

export class Toolbar {
  #session;
  #room;
  #on;
  #node = null;
  #open_before = false; // the message was the one with the toolbar when it was touched

  /** `room()` is the one that is open; `on` has the acts by name, each called with the message. */
  constructor({ list, session, room, on, in_thread = false }) {
    this.#session = session;
    this.#room = room;
    this.#on = on;
    this.in_thread = in_thread;
    list.addEventListener(
      "pointerover",
      ({ target, pointerType }) => pointerType !== "touch" && this.#at(target.closest(".message")),
    );
    list.addEventListener("pointerleave", () => this.#leave());
    list.addEventListener("focusin", ({ target }) => this.#at(target.closest(".message")));
    list.addEventListener(
      "pointerdown",
      ({ target }) => (this.#open_before = this.#at_message === target.closest(".message")),
    );
    list.addEventListener(
      "click",
      ({ target }) => !target.closest("button, a") && this.#tapped(target.closest(".message")),
    );
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  get #at_message() {
    return this.#node?.closest(".message") ?? null;
  }

  #message(node) {
    const id = node?.dataset.id;
    return id ? this.#room()?.message(id) : undefined;
  }

  #at(node) {
    if (!node || this.#at_message === node) return;
    if (this.#node?.querySelector('[aria-expanded="true"]')) return; // its menu is open
    this.#node?.remove();
    const message = this.#message(node);
    if (!message || message.deleted_at) return;
    this.#node = this.#build(message, node);
    node.querySelector("article").append(this.#node);
  }

  #leave() {
    if (this.#node?.contains(document.activeElement) || this.#node?.querySelector('[aria-expanded="true"]')) return;
    this.#node?.remove();
    this.#node = null;
  }

  // Where there is no pointer to hover with, a tap opens the actions.
  #tapped(node) {
    if (node && this.#open_before && matchMedia("(hover: none)").matches) this.#node.remove();
    else this.#at(node);
  }

  #build(message) {
    const mine = message.sender.id === this.#session.user.id;
    const writes = may(this.#room().conversation, "post");
    const button = (name, label, act) =>
      element(
        "button",
        { type: "button", class: "round", "aria-label": label, title: label, onclick: act },
        icon(name),
      );
    const quick = [...QUICK].map((emoji) =>
      element(
        "button",
        {
          type: "button",
          class: "round quick",
          "aria-label": `React with ${emoji}`,
          onclick: () => this.#on.react(message, emoji),
        },
        emoji,
      ),
    );
    return element(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Message" },
      ...quick,
      button("react", "React", ({ currentTarget }) =>
        pickEmoji(currentTarget, (emoji) => this.#on.react(message, emoji)),
      ),
      writes && button("reply", "Reply", () => this.#on.reply(message)),
      !this.in_thread && button("thread", "Reply in thread", () => this.#on.thread(message)),
      mine && writes && button("edit", "Edit", () => this.#on.edit(message)),
      button("more", "More", ({ currentTarget }) => this.#more(currentTarget, message)),
    );
  }

  #more(anchor, message) {
    const { conversation } = this.#room();
    const mine = message.sender.id === this.#session.user.id;
    const kept = this.#session.store.bookmarks.has(message.id);
    const act = (name) => () => this.#on[name](message);
    openMenu(anchor, "More", [
      !this.in_thread && { label: "Mark unread from here", icon: "unread", act: act("markUnread") },
      may(conversation, "pin") &&
        (message.pinned_at
          ? { label: "Unpin", icon: "pin", act: act("unpin") }
          : { label: "Pin", icon: "pin", act: act("pin") }),
      { label: kept ? "Remove from saved" : "Save for later", icon: "bookmark", act: act(kept ? "forget" : "keep") },
      { label: "Forward", icon: "forward", act: act("forward") },
      { label: "Copy text", icon: "twice", act: act("copy") },
      message.reactions?.length > 0 && { label: "Who reacted", icon: "react", act: act("whoReacted") },
      { label: "Who has read this", icon: "read", act: act("readers") },
      message.edited_at && { label: "Edit history", icon: "history", act: act("history") },
      !mine && { label: "Report", icon: "report", act: act("report") },
      (mine || manages(conversation)) && { label: "Delete", icon: "delete", danger: true, act: act("remove") },
    ]);
  }

  // With the focus on a message, single keys do what its buttons do.
  #key(event) {
    const node = event.target.closest(".message");
    if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
    const message = this.#message(node);
    if (!message || message.deleted_at) return;
    const mine = message.sender.id === this.#session.user.id;
    const keys = {
      r: () => this.#on.reply(message),
      t: () => !this.in_thread && this.#on.thread(message),
      e: () => mine && this.#on.edit(message),
      Delete: () => (mine || manages(this.#room().conversation)) && this.#on.remove(message),
      Enter: () => this.#node?.querySelector("button")?.focus(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
}
