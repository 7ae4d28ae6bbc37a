// Puts the demo together: logs the two seeded people in, opens their conversation, and mounts a pane for each.

import { Login, Problem, request } from "../api.js";
import { Inspector } from "./inspector.js";
import { Pane } from "./pane.js";
import { Session } from "./session.js";

const stage = document.querySelector(".stage");
const tabs = document.querySelector(".tabs");

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

async function start() {
  const inspector = new Inspector(stage.querySelector(".inspector"));
  const { users, password } = await request("GET", "/dev/seed");
  const logins = await Promise.all(users.map((name) => Login.open(name, password, "Demo page")));
  const conversation = await logins[0].request("POST", "/api/messages/conversations", {
    body: { type: "dm", member_ids: [logins[1].user.id] },
  });
  logins.forEach((login, index) => {
    const name = login.user.full_name;
    const session = new Session({
      login,
      conversation,
      onRecord: (entry) => inspector.record({ ...entry, person: { name, hue: index } }),
    });
    const pane = new Pane({ session, hue: index, onUnread: (any) => tabOf(index).classList.toggle("unread", any) });
    pane.node.dataset.tab = index;
    stage.querySelector(".panes").append(pane.node);
    tabOf(index).firstElementChild.textContent = name;
    session.open();
  });
  tabs.hidden = false;
}

tabs.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) show(button.dataset.tab);
});
start().catch(explain);
