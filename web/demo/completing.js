// The list of people, groups and everybody that opens while a mention is written.

import { element } from "../element.js";
import { Avatar } from "./avatar.js";
import { begun, candidates, completed } from "./completion.js";
import { may } from "./rights.js";

const ASK_AFTER_MS = 150;
let made = 0;

export class Completion {
  #text;
  #list;
  #session;
  #acts;
  #room = null;
  #found = [];
  #chosen = 0;
  #timer;

  constructor({ text, list, session, acts }) {
    this.#text = text;
    this.#list = list;
    this.#session = session;
    this.#acts = acts;
    list.id = `completion-${++made}`;
    text.setAttribute("aria-autocomplete", "list");
    text.setAttribute("aria-controls", list.id);
    text.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the text keeps the focus
  }

  open(room) {
    this.#room = room;
    this.close();
  }

  close() {
    this.#found = [];
    this.#list.hidden = true;
    this.#text.removeAttribute("aria-activedescendant");
  }

  /** To be told of each change of the text. */
  typed() {
    clearTimeout(this.#timer);
    const now = begun(this.#text.value, this.#text.selectionStart);
    if (!now) return this.close();
    this.#show(now.words);
    const { member_count } = this.#room.conversation;
    if (member_count > this.#room.members.length) this.#timer = setTimeout(() => this.#ask(now.words), ASK_AFTER_MS);
  }

  /** To be asked first about each key. Returns true when it was for the list. */
  key(event) {
    if (this.#list.hidden) return false;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Enter" && this.#isComplete()) return false; // nothing is left to complete: it is sent
    if (event.key in steps) this.#choose(this.#chosen + steps[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") this.#complete(this.#found[this.#chosen]);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #isComplete() {
    const words = begun(this.#text.value, this.#text.selectionStart)?.words;
    return this.#chosen === 0 && this.#found[0]?.handle.toLowerCase() === words;
  }

  #show(words) {
    const { store, user } = this.#session;
    const others = this.#room.others.map((member) => store.who(member.user.id));
    const inside = new Set(this.#room.members.map((member) => member.user.id));
    const complete = inside.size >= this.#room.conversation.member_count;
    const more = complete ? [] : store.people.filter(({ id }) => id !== user.id && !inside.has(id));
    const everybody = this.#room.conversation.type !== "dm" && may(this.#room.conversation, "mention_all");
    this.#found = candidates(words, { people: [...others, ...more], groups: [...store.groups.values()], everybody });
    if (!this.#found.length) return this.close();
    this.#list.hidden = false;
    this.#list.replaceChildren(...this.#found.map((each, index) => this.#option(each, index)));
    this.#choose(0);
  }

  // Of a large conversation not everybody is known here.
  async #ask(words) {
    await this.#acts.people(words).catch(() => {});
    if (begun(this.#text.value, this.#text.selectionStart)?.words === words) this.#show(words);
  }

  #option(each, index) {
    const { kind, id, handle, name } = each;
    const sign =
      kind === "person"
        ? Avatar(this.#session.store.who(id))
        : element("span", { class: "avatar square", "aria-hidden": "true" }, "@");
    return element(
      "li",
      { role: "option", id: `${this.#list.id}-${index}`, onclick: () => this.#complete(each) },
      sign,
      element("b", {}, name),
      element("span", {}, `@${handle}`),
    );
  }

  #choose(index) {
    this.#chosen = (index + this.#found.length) % this.#found.length;
    [...this.#list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#chosen)));
    this.#list.children[this.#chosen].scrollIntoView({ block: "nearest" });
    this.#text.setAttribute("aria-activedescendant", this.#list.children[this.#chosen].id);
  }

  #complete({ handle }) {
    const { value, selectionStart } = this.#text;
    const now = begun(value, selectionStart);
    if (!now) return this.close();
    const { text, cursor } = completed(value, selectionStart, now, handle);
    this.#text.value = text;
    this.#text.setSelectionRange(cursor, cursor);
    this.close();
    this.#text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
