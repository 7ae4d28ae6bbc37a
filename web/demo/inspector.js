// The list of everything that both sockets received, with the raw JSON of the chosen entry.

import { element, icon } from "../element.js";
import { jsonBlock } from "../json.js";

const KEPT = 500;
const NEAR_END_PX = 40;
const TIME = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

export class Inspector {
  #section;
  #rows;
  #list;
  #filter;
  #detail;
  #chosen = null;

  constructor(section) {
    this.#section = section;
    [this.#rows, this.#list, this.#filter, this.#detail] = [".rows", "tbody", ".filter", ".detail"].map((selector) =>
      section.querySelector(selector),
    );
    section.querySelector(".close").append(icon("close"));
    section.querySelector(".close").addEventListener("click", () => this.#choose(null));
    section.querySelector(".clear").addEventListener("click", () => this.#clear());
    this.#filter.addEventListener("input", () => this.#sieveAll());
  }

  /** Adds an entry at the end; the list scrolls along while its end is in view. */
  record({ type, person, body, took_ms }) {
    const { scrollHeight, scrollTop, clientHeight } = this.#rows;
    const row = entryRow({ type, person, body, took_ms }, () => this.#choose(row, { type, body }));
    this.#sieve(row);
    this.#list.append(row);
    if (this.#list.children.length > KEPT) this.#list.firstElementChild.remove();
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) this.#rows.scrollTop = this.#rows.scrollHeight;
    this.#count();
  }

  #count() {
    const all = this.#list.children.length;
    const shown = this.#list.querySelectorAll("tr:not([hidden])").length;
    this.#section.querySelector(".count").textContent = shown === all ? String(all) : `${shown} of ${all}`;
    this.#section.querySelector(".nothing").hidden = all > 0;
  }

  #sieve(row) {
    row.hidden = !row.dataset.words.includes(this.#filter.value.trim().toLowerCase());
  }

  #sieveAll() {
    for (const row of this.#list.children) this.#sieve(row);
    this.#count();
  }

  #choose(row, entry) {
    this.#chosen?.removeAttribute("aria-selected");
    this.#chosen = row;
    this.#detail.hidden = !row;
    if (!row) return;
    row.setAttribute("aria-selected", "true");
    this.#detail.querySelector("h3").textContent = entry.type;
    this.#detail.querySelector(".body").replaceChildren(jsonBlock(entry.body));
    row.scrollIntoView({ block: "nearest" });
  }

  #clear() {
    this.#list.replaceChildren();
    this.#choose(null);
    this.#count();
  }
}

function entryRow({ type, person, body, took_ms }, onChoose) {
  const { pos, user_pos, seq, trace_id } = facts(body);
  return element(
    "tr",
    { onclick: onChoose, "data-words": `${type} ${person.name} ${trace_id}`.toLowerCase() },
    element("td", { class: "time" }, TIME.format(new Date())),
    element("td", {}, element("span", { class: `person hue-${person.hue}`, title: person.name }, person.name[0])),
    element(
      "td",
      {},
      element("button", { class: "type", type: "button", "aria-label": `${type}, show details` }, type),
      took_ms !== undefined && element("span", { class: "took" }, `${took_ms.toFixed(took_ms < 10 ? 1 : 0)} ms`),
    ),
    element("td", { class: "figure" }, pos || (user_pos ? `u${user_pos}` : "")),
    element("td", { class: "figure" }, seq || ""),
    element("td", {}, trace_id && traceLink(trace_id)),
  );
}

function facts(body) {
  const answer = body?.ack;
  const source = answer ? (answer.ok ? answer : answer.problem) : body;
  const { pos = 0, user_pos = 0, trace_id = "" } = source ?? {};
  return { pos, user_pos, seq: source?.seq ?? answer?.data?.seq ?? 0, trace_id };
}

function traceLink(id) {
  const stay = (event) => event.stopPropagation();
  const attributes = { href: `/dev/traces/${id}`, target: "_blank", rel: "noopener", title: id, onclick: stay };
  return element("a", attributes, id.slice(0, 8));
}
