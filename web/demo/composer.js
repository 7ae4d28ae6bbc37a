// The box in which a person writes, answers a message, or changes one.

import { icon } from "../element.js";

export class Composer {
  #form;
  #text;
  #session;
  #context = null; // {kind: "reply" | "edit", message}

  constructor(form, session) {
    this.#form = form;
    this.#session = session;
    this.#text = form.querySelector("textarea");
    const to = session.others[0].full_name;
    this.#text.placeholder = `Message ${to}`;
    this.#text.setAttribute("aria-label", `Message ${to}`);
    form.querySelector(".cancel").append(icon("close"));
    form.querySelector(".send").append(icon("send"));
    form.querySelector(".cancel").addEventListener("click", () => this.#leave());
    form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("blur", () => session.stopTyping());
  }

  reply(message) {
    this.#enter({ kind: "reply", message }, this.#text.value);
  }

  edit(message) {
    this.#enter({ kind: "edit", message }, message.text);
  }

  /** Takes the text out. */
  take() {
    const text = this.#text.value.trim();
    this.#set("");
    return text;
  }

  /** A message that was deleted meanwhile can be neither answered nor changed. */
  draw() {
    const now = this.#context && this.#session.store.message(this.#context.message.id);
    if (now?.deleted_at) this.#leave();
  }

  #submit(event) {
    event.preventDefault();
    const context = this.#context;
    const text = this.#text.value.trim();
    if (!text) return;
    this.#context = null;
    this.#showContext();
    this.#set("");
    if (context?.kind === "edit") this.#change(context.message, text);
    else this.#session.send(text, context?.message.id);
    this.#text.focus();
  }

  // What could not be changed is given back to the writer.
  async #change(message, text) {
    if (text === message.text || (await this.#session.edit(message.id, text))) return;
    if (!this.#text.value && !this.#context) this.#enter({ kind: "edit", message }, text);
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape" && this.#context) {
      this.#leave();
    } else if (event.key === "ArrowUp" && !this.#text.value) {
      const { messages, me } = this.#session.store;
      const last = messages.findLast((message) => message.sender.id === me && !message.deleted_at);
      if (last) event.preventDefault();
      if (last) this.edit(last);
    }
  }

  #typed() {
    this.#fit();
    if (this.#context?.kind === "edit") return;
    if (this.#text.value.trim()) this.#session.typing();
    else this.#session.stopTyping();
  }

  #enter(context, text) {
    this.#context = context;
    this.#showContext();
    this.#set(text);
    this.#text.focus();
  }

  #leave() {
    if (this.#context?.kind === "edit") this.#set("");
    this.#context = null;
    this.#showContext();
    this.#text.focus();
  }

  #showContext() {
    const box = this.#form.querySelector(".context");
    box.hidden = !this.#context;
    if (!this.#context) return;
    const { kind, message } = this.#context;
    box.querySelector("b").textContent = kind === "edit" ? "Editing" : `Reply to ${message.sender.full_name}`;
    box.querySelector("span").textContent = message.text;
  }

  #set(text) {
    this.#text.value = text;
    this.#fit();
  }

  #fit() {
    this.#form.querySelector(".send").disabled = !this.#text.value.trim();
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
