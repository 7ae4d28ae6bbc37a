// Forms: labelled fields with a line below each for a hint or what is wrong, and one way to send them.

import { element } from "./element.js";
import { clock } from "./time.js";
import { atFields, passwordHint, waitInWords, waitOf } from "./words.js";

let made = 0;

/** One labelled control. The line below it is always there, so that nothing moves when something is wrong. */
export class Field {
  #hint;
  #note;
  #check;

  /** `check(value)` may say what is wrong before anything is sent; other attributes are the control's own. */
  constructor({ name, label, hint = "", kind = "input", check = () => "", options = [], value = "", ...attributes }) {
    const id = `${name}-${++made}`;
    this.name = name;
    this.label = label;
    this.#hint = hint;
    this.#check = check;
    this.#note = element("p", { class: "note", id: `${id}-note` }, hint);
    const described = { id, name, class: "field", "aria-describedby": `${id}-note`, ...attributes };
    this.input = element(kind, described, ...options);
    this.input.value = value;
    this.control = element("div", { class: "control" }, this.input);
    this.node = element("div", { class: "entry" }, element("label", { for: id }, label), this.control, this.#note);
    this.input.addEventListener("input", () => this.clear());
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    this.input.value = text;
  }

  /** Shows another hint, unless something is wrong. */
  hint(text) {
    this.#hint = text;
    if (!this.input.hasAttribute("aria-invalid")) this.#note.textContent = text;
  }

  /** Shows what is wrong with the value. */
  refuse(text) {
    this.input.setAttribute("aria-invalid", "true");
    this.#note.textContent = text;
  }

  clear() {
    this.input.removeAttribute("aria-invalid");
    this.#note.textContent = this.#hint;
  }

  /** Refuses what need not be sent to be known as wrong; true when nothing is. */
  check() {
    const text = this.#fault();
    if (text) this.refuse(text);
    return !text;
  }

  #fault() {
    const { validity } = this.input;
    if (validity.valueMissing) return "Please fill this in.";
    if (validity.typeMismatch && this.input.type === "email") return "That is not a mail address.";
    return this.#check(this.value);
  }
}

/** A password: can be shown, and a new one is told how long it should be. */
export function passwordField({ name = "password", label = "Password", fresh = false, ...more }) {
  const field = new Field({
    name,
    label,
    type: "password",
    required: true,
    autocomplete: fresh ? "new-password" : "current-password",
    hint: fresh ? passwordHint("") : "",
    check: (value) => (fresh && [...value].length < 8 ? "At least 8 characters." : ""),
    ...more,
  });
  const show = element("button", { type: "button", class: "reveal", "aria-pressed": "false" }, "Show");
  show.setAttribute("aria-label", `Show ${label.toLowerCase()}`);
  show.addEventListener("click", () => {
    const shown = field.input.type === "password";
    field.input.type = shown ? "text" : "password";
    show.setAttribute("aria-pressed", String(shown));
    show.textContent = shown ? "Hide" : "Show";
  });
  field.control.append(show);
  if (fresh) field.input.addEventListener("input", () => field.hint(passwordHint(field.value)));
  return field;
}

/** A code of the authenticator, or a recovery code. */
export function codeField({ label = "Code", hint = "", ...more } = {}) {
  const typed = { autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", maxlength: 32 };
  const check = (value) => (value.trim().length < 6 ? "A code has six digits." : "");
  return new Field({ name: "code", label, hint, required: true, check, ...typed, ...more });
}

/** Fields and a button. What goes wrong is said at its field, or above the button. */
export class Form {
  #fields;
  #act;
  #words;
  #button;
  #problem = element("div", { class: "callout bad", role: "alert", hidden: true });
  #said = element("p", { class: "said", role: "status" });
  #busy = false;
  #key = crypto.randomUUID();
  #waiting;

  /**
   * `act(values, {key})` sends what was written, and may answer what to say of it; `key` stays the same while a failed
   * try is repeated. `others` stand beside the button; `words` has better ones for some codes of problems.
   */
  constructor({ label, fields, submit, act, danger = false, others = [], words = {} }) {
    this.#fields = fields;
    this.#act = act;
    this.#words = words;
    this.#button = element("button", { class: `button ${danger ? "danger" : "primary"}`, type: "submit" }, submit);
    this.node = element(
      "form",
      { class: "form", novalidate: true, "aria-label": label },
      ...fields.map((field) => field.node),
      this.#problem,
      element("div", { class: "actions" }, this.#button, ...others, this.#said),
    );
    this.node.addEventListener("submit", (event) => this.#submit(event));
    this.node.addEventListener("input", () => this.#edited());
  }

  /** Puts the cursor into the first field. */
  focus() {
    this.#fields[0]?.input.focus();
  }

  /** Says that something went well, or nothing. */
  say(text) {
    this.#said.textContent = text;
  }

  /** Empties all fields. */
  reset() {
    for (const field of this.#fields) field.value = "";
  }

  /** Shows what was thrown. */
  refuse(error) {
    const { fields, rest } = atFields(
      error,
      this.#fields.map((field) => field.name),
    );
    for (const field of this.#fields) if (fields[field.name]) field.refuse(fields[field.name]);
    if (rest) this.#complain(this.#words[error.code] ?? rest);
    if (waitOf(error)) this.#wait(waitOf(error), error.code === "LOGIN_LOCKED");
    this.#fields.find((field) => fields[field.name])?.input.focus();
  }

  /** Shows a problem that is about no field. */
  #complain(...content) {
    this.#problem.hidden = false;
    this.#problem.replaceChildren(...content);
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#busy || this.#waiting) return;
    this.#problem.hidden = true;
    this.say("");
    const wrong = this.#fields.filter((field) => !field.check());
    if (wrong.length) return wrong[0].input.focus();
    this.#work(true);
    try {
      const values = Object.fromEntries(this.#fields.map((field) => [field.name, field.value]));
      this.say((await this.#act(values, { key: this.#key })) ?? "");
      this.#key = crypto.randomUUID();
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#work(false);
    }
  }

  #work(now) {
    this.#busy = now;
    this.node.setAttribute("aria-busy", String(now));
    this.#allow();
  }

  // The button keeps the focus, which it would lose if it were really disabled.
  #allow() {
    this.#button.setAttribute("aria-disabled", String(this.#busy || Boolean(this.#waiting)));
  }

  // The clock ticks for those who see it; others are told once.
  #wait(seconds, of_name) {
    const ends = performance.now() + seconds * 1000;
    const shown = element("span", { class: "clock", "aria-hidden": "true" });
    this.#problem.append(
      " ",
      element("span", { class: "visually-hidden" }, waitInWords(seconds)),
      element("span", { "aria-hidden": "true" }, "Try again in "),
      shown,
    );
    const tick = () => {
      const left = (ends - performance.now()) / 1000;
      shown.textContent = `${clock(left)}.`;
      if (left <= 0) this.#free();
    };
    this.#waiting = { timer: setInterval(tick, 250), of_name };
    tick();
    this.#allow();
  }

  #free() {
    clearInterval(this.#waiting?.timer);
    this.#waiting = null;
    this.#problem.hidden = true;
    this.#allow();
  }

  // Another name is not locked because this one is.
  #edited() {
    this.#key = crypto.randomUUID();
    this.say("");
    if (this.#waiting?.of_name) this.#free();
  }
}
