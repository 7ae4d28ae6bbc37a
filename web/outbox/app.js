// The outbox of a development server: every mail that it would have sent, newest first.

import { request } from "../api.js";
import { element } from "../element.js";
import { distance, moment } from "../time.js";
import { inWords } from "../words.js";
import { linked } from "./links.js";

const EVERY_MS = 2_000;

const find = (selector) => document.querySelector(selector);
const [box, list, mail, problem] = [".outbox", ".mails", ".mail", ".problem"].map(find);
const rows = new Map(); // id -> {node, time, created_at}
let chosen = null;

async function look() {
  try {
    const { items } = await request("GET", "/dev/outbox.json");
    show([...items].sort((a, b) => b.created_at.localeCompare(a.created_at)));
    problem.hidden = true;
  } catch (error) {
    problem.textContent =
      error.status === 404 ? "There is no outbox here: it belongs to the development server." : inWords(error);
    problem.hidden = false;
  }
}

// Mails do not change: only new ones are added, and the old ones tell their age.
function show(items) {
  const ids = new Set(items.map(({ id }) => id));
  for (const [id, { node }] of rows) if (!ids.has(id)) node.remove();
  for (const item of items.toReversed()) if (!rows.has(item.id)) add(item);
  for (const { time, created_at } of rows.values()) time.textContent = distance(created_at);
  find(".nothing").hidden = items.length > 0;
}

function add(item) {
  const time = element("time", { datetime: item.created_at, title: moment(item.created_at) });
  const open = element(
    "button",
    { type: "button", onclick: () => choose(item, open) },
    element("b", {}, item.subject),
    element("span", { class: "to" }, item.to),
    time,
  );
  const node = element("li", {}, open);
  rows.set(item.id, { node, time, created_at: item.created_at });
  list.prepend(node);
}

function choose(item, button) {
  chosen?.removeAttribute("aria-current");
  chosen = button;
  chosen.setAttribute("aria-current", "true");
  find("#subject").textContent = item.subject;
  find(".mail .to").textContent = `To ${item.to}, ${moment(item.created_at)}`;
  find("iframe").src = `/dev/outbox/${encodeURIComponent(item.id)}`;
  find(".text").replaceChildren(...linked(item.text).map(part));
  mail.hidden = false;
  box.classList.add("reading");
  turn(item.html ? "html" : "text");
  find("#subject").focus({ preventScroll: true });
}

function part({ text, href }) {
  return href ? element("a", { href, target: "_blank", rel: "noopener" }, text) : text;
}

function turn(form) {
  find("iframe").hidden = form !== "html";
  find(".text").hidden = form !== "text";
  for (const button of mail.querySelectorAll("[data-form]")) {
    button.setAttribute("aria-pressed", String(button.dataset.form === form));
  }
}

// On a phone the list or the mail is shown.
function back() {
  box.classList.remove("reading");
  chosen?.focus();
}

async function watch() {
  if (document.visibilityState === "visible") await look();
  setTimeout(watch, EVERY_MS);
}

for (const button of mail.querySelectorAll("[data-form]"))
  button.addEventListener("click", () => turn(button.dataset.form));
find(".back").addEventListener("click", back);
watch();
