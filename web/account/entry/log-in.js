// Logging in: name and password, then a code where there is a second factor.

import { element } from "../../element.js";
import { codeField, Field, Form, passwordField } from "../../form.js";
import { logIn as open } from "../../own.js";
import { callout, card, ways } from "./card.js";
import { providers } from "./providers.js";

const LOCKED = {
  LOGIN_LOCKED:
    "After too many failed tries this name cannot log in for a while. A mail with a link that unlocks it is on its way.",
};

/** `notice` says why one is here again, `problem` what went wrong; `username` is filled in. */
export function logIn(door, { notice, problem, username = "" } = {}) {
  const name = new Field({
    name: "username",
    label: "Username or mail address",
    value: username,
    required: true,
    maxlength: 254,
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
  });
  const password = passwordField({});
  const form = new Form({
    label: "Log in",
    fields: [name, password],
    submit: "Log in",
    words: LOCKED,
    act: (values) => enter(door, values, (given) => step.replaceChildren(...codeStep(door, given))),
  });
  const step = element(
    "div",
    {},
    form.node,
    ways(["Forgot your password?", "/account#forgot"], ["Sign up", "/account#sign-up"]),
    providers(),
  );
  const children = [notice && callout("calm", notice), problem && callout("bad", problem), step].filter(Boolean);
  return card("Log in", children, () => (username ? password : name).input.focus());
}

async function enter(door, { username, password }, askForCode) {
  try {
    door.enter(await open(username.trim(), password));
  } catch (error) {
    if (error.code !== "SECOND_FACTOR_REQUIRED") throw error;
    askForCode({ username: username.trim(), password });
  }
}

function codeStep(door, { username, password }) {
  const code = codeField({ hint: "Of your authenticator, or a recovery code." });
  const form = new Form({
    label: "Second factor",
    fields: [code],
    submit: "Log in",
    words: LOCKED,
    act: async (values) => door.enter(await open(username, password, values.code.trim())),
  });
  setTimeout(() => form.focus()); // once it is in the page
  const back = element("button", { class: "button", type: "button", onclick: () => door.logIn(username) }, "Back");
  return [element("p", { class: "about" }, "Your account is guarded by a second factor."), form.node, back];
}
