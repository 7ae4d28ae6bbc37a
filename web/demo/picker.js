// Choosing people of the workspace: a field that finds them by name, and those chosen as chips.

import { element, icon } from "../element.js";
import { Avatar } from "./avatar.js";

const ASK_AFTER_MS = 150;
let made = 0;

export class PeoplePicker {
  #acts;
  #single;
  #except;
  #chosen = new Map();
  #found = [];
  #at = 0;
  #timer;
  #input;
  #list;
  #chips = element("ul", { class: "chips", "aria-label": "Chosen people" });

  /** Called with the ids chosen now. */
  onChange = () => {};

  /** `except(id)` is true of those who cannot be chosen; `single` allows for one. */
  constructor({ acts, label, single = false, except = () => false }) {
    this.#acts = acts;
    this.#single = single;
    this.#except = except;
    const id = `picker-${++made}`;
    this.#list = element("ul", {
      class: "choices",
      role: "listbox",
      id: `${id}-list`,
      "aria-label": "People",
      hidden: true,
    });
    this.#input = element("input", {
      class: "field",
      id,
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": `${id}-list`,
      "aria-autocomplete": "list",
      autocomplete: "off",
      placeholder: "Name",
    });
    this.node = element(
      "div",
      { class: "entry picker" },
      element("label", { for: id }, label),
      this.#chips,
      this.#input,
      this.#list,
    );
    this.#input.addEventListener("input", () => this.#soon());
    this.#input.addEventListener("focus", () => this.#soon());
    this.#input.addEventListener("blur", () => this.#close());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get ids() {
    return [...this.#chosen.keys()];
  }

  clear() {
    this.#chosen.clear();
    this.#draw();
  }

  focus() {
    this.#input.focus();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), ASK_AFTER_MS);
  }

  async #ask() {
    const q = this.#input.value.trim();
    const people = await this.#acts.people(q).catch(() => []);
    if (q !== this.#input.value.trim() || document.activeElement !== this.#input) return;
    this.#found = people.filter(({ id }) => !this.#chosen.has(id) && !this.#except(id)).slice(0, 8);
    this.#list.replaceChildren(
      ...this.#found.map((user, index) =>
        element(
          "li",
          { role: "option", id: `${this.#list.id}-${index}`, onclick: () => this.#take(user) },
          Avatar(user),
          element("span", { class: "name" }, user.full_name),
          element("span", { class: "facts" }, `@${user.username}`),
        ),
      ),
    );
    this.#list.hidden = !this.#found.length;
    this.#input.setAttribute("aria-expanded", String(this.#found.length > 0));
    if (this.#found.length) this.#choose(0);
  }

  #choose(index) {
    this.#at = (index + this.#found.length) % this.#found.length;
    [...this.#list.children].forEach((each, at) => each.setAttribute("aria-selected", String(at === this.#at)));
    this.#input.setAttribute("aria-activedescendant", this.#list.children[this.#at].id);
  }

  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Backspace" && !this.#input.value) return this.#drop(this.ids.at(-1));
    if (this.#list.hidden) return event.key === "Enter" && event.preventDefault();
    if (by) this.#choose(this.#at + by);
    else if (event.key === "Enter") this.#take(this.#found[this.#at]);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #take(user) {
    if (this.#single) this.#chosen.clear();
    this.#chosen.set(user.id, user);
    this.#input.value = "";
    this.#close();
    this.#draw();
  }

  #drop(id) {
    this.#chosen.delete(id);
    this.#draw();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  #draw() {
    const chip = ({ id, full_name }) =>
      element(
        "li",
        {},
        full_name,
        element(
          "button",
          { class: "round", type: "button", "aria-label": `Remove ${full_name}`, onclick: () => this.#drop(id) },
          icon("close"),
        ),
      );
    this.#chips.replaceChildren(...[...this.#chosen.values()].map(chip));
    this.onChange(this.ids);
  }
}
