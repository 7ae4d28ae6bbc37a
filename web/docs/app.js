// The API reference: drawn from /api/openapi.json alone, so that it says what the running system does.

import { request } from "../api.js";
import { drawOwner } from "../bar.js";
import { element } from "../element.js";
import { fieldList, prose } from "./fields.js";
import { methodBadge, operationSection, operationsOf } from "./operation.js";
import { Session } from "./session.js";

const content = document.querySelector(".content");
const nav = document.querySelector(".contents");
const token = document.querySelector("#token");
const session = new Session();

function group({ name, description }, operations, components) {
  const title = name.replace(/Service$/, "");
  nav.append(
    element("h2", {}, title),
    element(
      "ul",
      {},
      operations.map((each) =>
        element(
          "li",
          {},
          element("a", { href: `#${each.id}` }, element("span", {}, each.title), methodBadge(each.method)),
        ),
      ),
    ),
  );
  content.append(
    element("header", { class: "group", id: name }, element("h2", {}, title), element("p", {}, prose(description))),
    ...operations.map((each) => operationSection(each, components, session)),
  );
}

function socketEvents(events, components) {
  const names = Object.keys(events);
  if (!names.length) return;
  nav.append(
    element("h2", {}, "Socket events"),
    element(
      "ul",
      {},
      names.map((name) => element("li", {}, element("a", { href: `#event-${name}` }, name))),
    ),
  );
  const intro =
    "Connect with Socket.IO to `/ws` with `auth: {token}`, and `resume: {user_pos, positions}` to be told what " +
    "you missed. Each event below is answered with `{ok, data}` or `{ok, problem}`.";
  content.append(
    element(
      "header",
      { class: "group", id: "socket-events" },
      element("h2", {}, "Socket events"),
      element("p", {}, prose(intro)),
    ),
    ...names.map((name) => socketEvent(name, events[name], components)),
  );
}

function socketEvent(name, { description, request: sent, response }, components) {
  return element(
    "section",
    { class: "operation", id: `event-${name}` },
    element(
      "div",
      { class: "about" },
      element("h3", {}, element("a", { href: `#event-${name}` }, element("code", {}, name))),
      element("p", { class: "description" }, prose(description)),
      element("h4", {}, "Data"),
      fieldList(sent, components, { sent: true }),
      element("h4", {}, "Answer"),
      fieldList(response, components),
    ),
  );
}

function errors({ Problem: problem }, components) {
  const codes = problem?.properties.code.enum ?? [];
  if (!codes.length) return;
  nav.append(
    element("h2", {}, "Errors"),
    element("ul", {}, element("li", {}, element("a", { href: "#errors" }, "Problems and codes"))),
  );
  content.append(
    element(
      "header",
      { class: "group", id: "errors" },
      element("h2", {}, "Errors"),
      element("p", {}, "Every error is a problem of this shape, on REST and on sockets alike."),
    ),
    element(
      "section",
      { class: "operation" },
      element(
        "div",
        { class: "about" },
        fieldList(problem, components),
        element("h4", {}, "Codes"),
        element(
          "ul",
          { class: "codes" },
          codes.map((code) => element("li", { id: code }, element("code", {}, code))),
        ),
      ),
    ),
  );
}

// Marks the entry of what is being read.
function follow() {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const link = nav.querySelector(`a[href="#${target.id}"]`);
        if (!isIntersecting || !link) continue;
        nav.querySelector("[aria-current]")?.removeAttribute("aria-current");
        link.setAttribute("aria-current", "true");
        link.scrollIntoView({ block: "nearest" });
      }
    },
    { rootMargin: "-15% 0px -80% 0px" },
  );
  for (const section of content.querySelectorAll(".operation[id]")) observer.observe(section);
}

async function logIn() {
  try {
    token.value = await session.logInAsSeeded();
    document.querySelector("#token-note").textContent = "Logged in for you: requests can be sent as they stand.";
  } catch {
    // No seeded users here: the reader brings a token.
  }
}

async function start() {
  const [spec] = await Promise.all([request("GET", "/api/openapi.json"), logIn()]);
  const components = spec.components.schemas;
  const operations = operationsOf(spec);
  document.querySelector("#version").textContent = `Version ${spec.info.version}`;
  for (const tag of spec.tags)
    group(
      tag,
      operations.filter((each) => each.tag === tag.name),
      components,
    );
  socketEvents(spec["x-socket-events"] ?? {}, components);
  errors(components, components);
  content.removeAttribute("aria-busy");
  follow();
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

// The contents are always open where there is room beside the text, and fold away on a phone.
function foldContents() {
  const menu = nav.closest("details");
  const narrow = matchMedia("(max-width: 900px)");
  const fit = () => (menu.open = !narrow.matches);
  narrow.addEventListener("change", fit);
  nav.addEventListener("click", ({ target }) => target.closest("a") && fit());
  fit();
}

token.addEventListener("input", () => session.use(token.value.trim()));
foldContents();
drawOwner();
start().catch((error) => {
  content.removeAttribute("aria-busy");
  content.append(
    element("p", { class: "failed", role: "alert" }, `The reference could not be loaded: ${error.message}`),
  );
});
