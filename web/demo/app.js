// Puts the demo together: logs two people in, opens their conversation, and mounts a pane for each. They are the two
// seeded ones, or the first of them and who is logged in at this tab.

import { Login, Problem, request } from "../api.js";
import { drawOwner } from "../bar.js";
import { element } from "../element.js";
import { kept, resume } from "../own.js";
import { Inspector } from "./inspector.js";
import { Pane } from "./pane.js";
import { Session } from "./session.js";

const stage = document.querySelector(".stage");
const tabs = document.querySelector(".tabs");
const joined = new URLSearchParams(location.search).get("as") === "me";

function tabOf(key) {
  return tabs.querySelector(`[data-tab="${key}"]`);
}

// On a phone one view is shown at a time; CSS decides, this only says which.
function show(key) {
  stage.dataset.tab = key;
  for (const button of tabs.children) button.setAttribute("aria-pressed", String(button.dataset.tab === key));
}

function explain(error) {
  const box = stage.querySelector(".problem");
  const absent = error instanceof Problem && error.status === 404;
  box.textContent = absent
    ? "There are no seeded users here: the demo works with the development server only."
    : `The demo could not start: ${error.message}`;
  box.hidden = false;
}

// Who `again()` logs in once more when the session was ended; oneself goes to the account page for that.
async function find() {
  const { users, password } = await request("GET", "/dev/seed");
  const seeded = async (name) => {
    const again = () => Login.open(name, password, "Demo page");
    return { login: await again(), again };
  };
  if (!joined) return Promise.all(users.map(seeded));
  const own = await resume();
  if (!own) return location.replace("/account");
  return [{ login: own, again: null }, await seeded(users[0])];
}

function offerToJoin() {
  const link = document.querySelector(".join");
  link.hidden = !kept();
  if (!joined) return;
  link.href = "/demo";
  link.replaceChildren("Back", element("span", {}, " to alice and bob"));
}

async function start() {
  const inspector = new Inspector(stage.querySelector(".inspector"));
  const people = await find();
  const conversation = await people[0].login.request("POST", "/api/messages/conversations", {
    body: { type: "dm", member_ids: [people[1].login.user.id] },
  });
  people.forEach(({ login, again }, index) => {
    const name = login.user.full_name;
    const session = new Session({
      login,
      again,
      conversation,
      onRecord: (entry) => inspector.record({ ...entry, person: { name, hue: index } }),
    });
    const pane = new Pane({ session, hue: index, onUnread: (any) => tabOf(index).classList.toggle("unread", any) });
    pane.node.dataset.tab = index;
    stage.querySelector(".panes").append(pane.node);
    tabOf(index).firstElementChild.textContent = name;
    session.open();
  });
  tabs.classList.remove("waiting");
}

tabs.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) show(button.dataset.tab);
});
drawOwner();
offerToJoin();
start().catch(explain);
