// The box in which a person writes, answers a message, or changes one. What is begun is kept as a draft, the same on
// all devices of the person.

import { icon } from "../element.js";
import { Completion } from "./completing.js";
import { mentionsOf } from "./mentions.js";
import { may, silence } from "./rights.js";
import { titleOf } from "./listing.js";

const SAVE_AFTER_MS = 700;

export class Composer {
  #form;
  #text;
  #session;
  #acts;
  #completion;
  #room = null;
  #thread_root = "";
  #context = null; // {kind: "reply" | "edit", message}
  #before_edit = null; // what was begun when an edit began
  #saved = ""; // the draft as the server has it, as far as we know
  #taken = ""; // the one that was last taken over
  #dirty = false; // something is not saved yet: what comes from elsewhere must not replace it
  #timer;

  /** Called with what failed. */
  onProblem = () => {};
  /** Called with `{text, silent}` to be sent; `send()` hands out what a send needs. */
  onSent = () => {};

  constructor(form, { session, acts }) {
    this.#form = form;
    this.#session = session;
    this.#acts = acts;
    this.#text = form.querySelector("textarea");
    this.#completion = new Completion({ text: this.#text, list: form.querySelector(".completion"), session, acts });
    form.querySelector(".cancel").append(icon("close"));
    form.querySelector(".send").append(icon("send"));
    form.querySelector(".cancel").addEventListener("click", () => this.#leave());
    form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("blur", () => acts.stopTyping());
    new ResizeObserver(() => this.#fit()).observe(form);
  }

  /** Begins to write in a conversation, or in a thread of it, with what was begun there. */
  open(room, thread_root = "") {
    this.flush();
    this.#room = room;
    this.#thread_root = thread_root;
    this.#context = null;
    this.#before_edit = null;
    this.#dirty = false;
    this.#completion.open(room);
    this.#take(this.#draft());
    this.draw();
  }

  reply(message) {
    if (this.#context?.kind === "edit") this.#leave();
    this.#enter({ kind: "reply", message }, this.#text.value);
    this.#changed();
  }

  edit(message) {
    if (this.#context?.kind !== "edit") this.#before_edit = { text: this.#text.value, context: this.#context };
    this.#enter({ kind: "edit", message }, message.text);
  }

  /** Puts something in at the cursor. */
  insert(text) {
    this.#text.setRangeText(text, this.#text.selectionStart, this.#text.selectionEnd, "end");
    this.#text.focus();
    this.#typed();
  }

  focus() {
    this.#text.focus();
  }

  /** Takes out what is written, as a message to be sent; null when there is nothing. */
  take(instead = "") {
    const text = this.#text.value.trim() || instead;
    if (!text || this.#context?.kind === "edit") return null;
    const reply_to = this.#context?.message.id;
    const message = {
      text,
      format: "markdown",
      ...(reply_to && { reply_to }),
      ...(this.#thread_root && { thread_root: this.#thread_root }),
      ...this.#mentions(text),
    };
    this.#context = null;
    this.#showContext();
    this.#set("");
    this.#acts.stopTyping();
    this.#forgetDraft();
    return message;
  }

  /** What changed elsewhere: a draft of another device, a message that was deleted, whether one may write. */
  draw() {
    const room = this.#room;
    if (!room) return;
    const now = this.#context && room.message(this.#context.message.id);
    if (now?.deleted_at) this.#leave();
    this.#follow();
    const why = silence(room.conversation);
    this.#form.classList.toggle("silenced", Boolean(why));
    this.#form.querySelector(".why").textContent = why;
    this.#text.disabled = Boolean(why);
    const to = this.#thread_root ? "Reply in thread" : `Message ${titleOf(room, this.#session.store)}`;
    this.#text.placeholder = to;
    this.#text.setAttribute("aria-label", to);
    this.#allow();
  }

  /** Saves at once what waits to be saved. */
  flush() {
    if (this.#room && this.#timer) this.#save();
  }

  #mentions(text) {
    const { store } = this.#session;
    const users = new Map(store.people.map(({ id, username }) => [username?.toLowerCase(), id]));
    const groups = new Map([...store.groups.values()].map(({ id, handle }) => [handle, id]));
    const mentions = mentionsOf(text, { users, groups });
    if (!mentions) return {};
    const all = may(this.#room.conversation, "mention_all");
    return { mentions: { ...mentions, all: mentions.all && all, here: mentions.here && all } };
  }

  #submit(event) {
    event.preventDefault();
    const context = this.#context;
    if (context?.kind === "edit") {
      const text = this.#text.value.trim();
      if (!text) return;
      this.#leave();
      this.#change(context.message, text);
    } else {
      const message = this.take();
      if (message) this.onSent(message);
    }
    this.#text.focus();
  }

  // What could not be changed is given back to the writer.
  async #change(message, text) {
    if (text === message.text) return;
    const room = this.#room;
    try {
      await this.#acts.edit(room, message, text, this.#mentions(text).mentions);
    } catch (error) {
      this.onProblem(error);
      if (this.#room === room && !this.#text.value && !this.#context) this.#enter({ kind: "edit", message }, text);
    }
  }

  #key(event) {
    if (event.isComposing || this.#completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape" && this.#context) {
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
      this.#changed();
    } else if (event.key === "ArrowUp" && !this.#text.value) {
      const last = this.#room.lastOwn(this.#thread_root);
      if (last) event.preventDefault();
      if (last) this.edit(last);
    }
  }

  #typed() {
    this.#fit();
    this.#allow();
    this.#completion.typed();
    if (this.#context?.kind === "edit") return;
    this.#changed();
    if (this.#text.value.trim()) this.#acts.typing(this.#room, this.#thread_root);
    else this.#acts.stopTyping();
  }

  // --- the draft

  #draft() {
    return this.#session.store.draft(this.#room.id, this.#thread_root) ?? { text: "", reply_to: "" };
  }

  #print() {
    const reply_to = this.#context?.kind === "reply" ? this.#context.message.id : "";
    return JSON.stringify([this.#text.value, reply_to]);
  }

  #changed() {
    this.#dirty = this.#print() !== this.#saved;
    clearTimeout(this.#timer);
    this.#timer = this.#dirty ? setTimeout(() => this.#save(), SAVE_AFTER_MS) : null;
  }

  // A draft that was saved before is taken back with the message; one that never was needs nothing.
  #forgetDraft() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const empty = JSON.stringify(["", ""]);
    this.#dirty = this.#saved !== empty;
    if (this.#dirty) this.#save();
  }

  async #save() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const [room, thread_root, print] = [this.#room, this.#thread_root, this.#print()];
    const [text, reply_to] = JSON.parse(print);
    this.#saved = print;
    try {
      const { data } = await this.#acts.saveDraft(room, { thread_root, text, reply_to });
      this.#session.store.keepDraft(data);
    } catch {
      if (this.#room === room && this.#thread_root === thread_root) this.#saved = "";
      return; // saved with the next key
    }
    if (this.#room === room && this.#thread_root === thread_root) this.#dirty = this.#print() !== this.#saved;
    this.#session.onChange();
  }

  // Takes over what another device has written, unless we are in the middle of writing.
  #follow() {
    if (this.#dirty || this.#context?.kind === "edit") return;
    const { text, reply_to = "" } = this.#draft();
    const print = JSON.stringify([text, reply_to]);
    if (print !== this.#taken && print !== this.#print()) this.#take({ text, reply_to });
    this.#taken = print;
  }

  #take({ text, reply_to }) {
    const message = reply_to && this.#room.message(reply_to);
    this.#context = message ? { kind: "reply", message } : null;
    this.#showContext();
    this.#set(text);
    this.#saved = this.#print();
    this.#taken = JSON.stringify([text, reply_to ?? ""]);
  }

  // --- what it is about

  #enter(context, text) {
    this.#context = context;
    this.#showContext();
    this.#set(text);
    this.#text.focus();
    this.#text.setSelectionRange(text.length, text.length);
  }

  #leave() {
    const edited = this.#context?.kind === "edit";
    this.#context = edited ? this.#before_edit?.context : null;
    if (edited) this.#set(this.#before_edit?.text ?? "");
    this.#before_edit = null;
    this.#showContext();
    this.#text.focus();
  }

  #showContext() {
    const box = this.#form.querySelector(".context");
    box.hidden = !this.#context;
    if (!this.#context) return;
    const { kind, message } = this.#context;
    const name = this.#session.store.who(message.sender.id).full_name;
    box.querySelector("b").textContent = kind === "edit" ? "Editing" : `Reply to ${name}`;
    box.querySelector("span").textContent = message.text;
  }

  #set(text) {
    this.#text.value = text;
    this.#completion.close();
    this.#fit();
    this.#allow();
  }

  #allow() {
    this.#form.querySelector(".send").disabled = this.#text.disabled || !this.#text.value.trim();
  }

  #fit() {
    this.#text.style.height = "auto";
    if (this.#text.scrollHeight) this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
