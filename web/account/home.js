// What people see who are logged in: sections on the left, the panels of one of them on the right.

import { element } from "../element.js";
import { initials } from "../initials.js";
import { inWords } from "../words.js";
import { blocked } from "./panels/blocked.js";
import { bots } from "./panels/bots.js";
import { email } from "./panels/email.js";
import { erase } from "./panels/erase.js";
import { exported } from "./panels/exported.js";
import { factor } from "./panels/factor.js";
import { ownKeys } from "./panels/keys.js";
import { password } from "./panels/password.js";
import { profile } from "./panels/profile.js";
import { sessions } from "./panels/sessions.js";
import { status } from "./panels/status.js";
import { hush } from "./toast.js";
import { watch } from "./watch.js";

const SECTIONS = [
  { hash: "#profile", name: "Profile", panels: [profile, status] },
  { hash: "#security", name: "Security", panels: [password, factor, email] },
  { hash: "#sessions", name: "Sessions", panels: [sessions] },
  { hash: "#blocked", name: "Blocked people", panels: [blocked] },
  { hash: "#keys", name: "Keys and bots", panels: [ownKeys, bots] },
  { hash: "#data", name: "Your data", panels: [exported, erase] },
];
const PATIENCE_MS = 500;

export class Home {
  #me;
  #onLeft;
  #stop;
  #heading = element("h1", { tabindex: "-1" });
  #panels = element("div", { class: "panels" });
  #who = element("p", { class: "who" });
  #links = new Map();
  #shown = []; // the panels in view
  #section = null;

  /** `onLeft(notice)` is called once the person has left for good. The element is in `node`. */
  constructor(me, { onLeft }) {
    this.#me = me;
    this.#onLeft = onLeft;
    for (const { hash, name } of SECTIONS) this.#links.set(hash, element("a", { href: hash }, name));
    const logOut = element("button", { class: "button", type: "button", onclick: () => this.#logOut() }, "Log out");
    this.node = element(
      "div",
      { class: "page" },
      element("aside", {}, this.#who, element("nav", { "aria-label": "Account" }, ...this.#links.values()), logOut),
      element("div", { class: "content" }, this.#heading, this.#panels),
    );
    me.onChange((account) => this.#greet(account));
    this.#stop = watch(() => this.#refresh());
  }

  /** Shows the section of an address; the first one for an address that names none. */
  async open(hash) {
    const section = SECTIONS.find((each) => each.hash === hash) ?? SECTIONS[0];
    const first = !this.#section;
    hush();
    this.#section = section;
    for (const [each, link] of this.#links) {
      if (each === section.hash) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${section.name} · Massive Scale Chat`;
    try {
      if (!this.#me.account) await this.#me.load();
      await this.#fill(section);
      if (!first && section === this.#section) this.#heading.focus();
    } catch (error) {
      this.#fail(error, hash);
    }
  }

  /** Nobody looks any more. */
  close() {
    this.#stop();
    this.#leavePanels();
  }

  // Panels are shown once they know what to show, unless that takes long: so nothing moves a moment later.
  async #fill(section) {
    const made = section.panels.map((make) => make(this.#me, { onLeft: this.#onLeft }));
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    await Promise.race([patience, Promise.all(made.map(({ ready }) => ready))]);
    if (section !== this.#section) return made.forEach(({ leave }) => leave?.()); // another one was chosen meanwhile
    this.#leavePanels();
    this.#shown = made;
    this.#heading.textContent = section.name;
    this.#panels.replaceChildren(...made.map(({ node }) => node));
  }

  #leavePanels() {
    for (const { leave } of this.#shown) leave?.();
    this.#shown = [];
  }

  #fail(error, hash) {
    const again = element("button", { class: "button", type: "button", onclick: () => this.open(hash) }, "Try again");
    this.#panels.replaceChildren(
      element("p", { class: "callout bad", role: "alert" }, inWords(error)),
      element("div", { class: "actions" }, again),
    );
  }

  #greet({ full_name, username }) {
    this.#who.replaceChildren(
      element("span", { class: "avatar", "aria-hidden": "true" }, initials(full_name)),
      element("span", { class: "names" }, element("b", {}, full_name), element("span", {}, `@${username}`)),
    );
  }

  async #refresh() {
    await this.#me.load();
    await Promise.all(this.#shown.map(({ refresh }) => refresh?.()));
  }

  async #logOut() {
    try {
      await this.#me.logOut();
      this.#onLeft("You are logged out.");
    } catch (error) {
      this.#fail(error, this.#section.hash);
    }
  }
}
