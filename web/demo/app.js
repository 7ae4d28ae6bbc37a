// Puts the demo together: logs two people in, opens their conversation, and mounts a pane for each. They are the two
// seeded ones, one of them on two devices (`?as=alice,alice`), or the first of them and who is logged in at this tab
// (`?as=me`).

import { Login, Problem, request } from "../api.js";
import { drawOwner } from "../bar.js";
import { element } from "../element.js";
import { kept, resume } from "../own.js";
import { hueOf } from "./avatar.js";
import { Inspector } from "./inspector.js";
import { Pane } from "./pane.js";
import { Session } from "./session.js";

const stage = document.querySelector(".stage");
const tabs = document.querySelector(".tabs");
const layout = document.querySelector(".layout");
const asked = new URLSearchParams(location.search).get("as") ?? "";
const joined = asked === "me";
const panes = [];
let active = 0;

function tabOf(key) {
  return tabs.querySelector(`[data-tab="${key}"]`);
}

// On a phone one view is shown at a time; CSS decides, this only says which.
function show(key) {
  stage.dataset.tab = key;
  if (key !== "events") active = Number(key);
  for (const button of tabs.children) button.setAttribute("aria-pressed", String(button.dataset.tab === key));
}

// On a desk: both panes or one, with the events or without.
function arrange(button) {
  if (button.dataset.solo !== undefined) {
    stage.dataset.solo = button.dataset.solo;
    for (const each of layout.querySelectorAll("[data-solo]"))
      each.setAttribute("aria-pressed", String(each === button));
  } else {
    const shown = stage.classList.toggle("without-events");
    button.setAttribute("aria-pressed", String(!shown));
  }
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
  const named = asked.split(",").filter((name) => users.includes(name));
  if (!joined) return Promise.all((named.length === 2 ? named : users).map(seeded));
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

// The conversation of two people is there from the first visit; somebody on two devices goes to the latest.
async function firstOf([{ login }, other]) {
  if (login.user.id === other.login.user.id) return undefined;
  const body = { type: "dm", member_ids: [other.login.user.id] };
  return (await login.request("POST", "/api/messages/conversations", { body })).id;
}

function linksOf({ username }) {
  if (joined) return [];
  const two = { label: `${username} on two devices`, href: `/demo?as=${username},${username}` };
  return asked ? [{ label: "alice and bob", href: "/demo" }] : [two];
}

async function start() {
  const inspector = new Inspector(stage.querySelector(".inspector"));
  const people = await find();
  const first = await firstOf(people);
  people.forEach(({ login, again }, index) => {
    const name = login.user.full_name;
    const person = { name, hue: hueOf(login.user.id) };
    const session = new Session({ login, again, onRecord: (entry) => inspector.record({ ...entry, person }) });
    const onUnread = (any) => tabOf(index).classList.toggle("unread", any);
    const pane = new Pane({ session, first, links: linksOf(login.user), onUnread });
    panes.push(pane);
    pane.node.dataset.tab = index;
    pane.node.addEventListener("focusin", () => (active = index));
    pane.node.addEventListener("pointerdown", () => (active = index));
    stage.querySelector(".panes").append(pane.node);
    tabOf(index).firstElementChild.textContent = name;
    layout.querySelector(`[data-solo="${index}"]`).textContent = name.split(" ")[0];
    session.open();
  });
  tabs.classList.remove("waiting");
  layout.hidden = false;
  takeInvite();
}

// The code of an invitation stands behind the `#`, which no server is sent.
function takeInvite() {
  const code = new URLSearchParams(location.hash.slice(1)).get("invite");
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  panes.at(-1).invited(code);
}

tabs.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) show(button.dataset.tab);
});
layout.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) arrange(button);
});
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (!document.querySelector("dialog[open]")) panes[active]?.switch();
});
drawOwner();
offerToJoin();
start().catch(explain);
