// HTML of the server, put in safely. The server has cleaned it already; here only what a message may look like is taken
// over, element by element, so that nothing else could come in even if it had not.

import { element } from "../element.js";
import { pieces } from "./mentions.js";

const PLAIN = new Set(["P", "BR", "EM", "STRONG", "S", "DEL", "CODE", "PRE", "BLOCKQUOTE", "UL", "OL", "LI", "HR"]);
const TABLE = new Set(["TABLE", "THEAD", "TBODY", "TR", "TH", "TD"]);
const HEADING = /^H[1-6]$/;
const SAFE = /^(?:https?|mailto):/i;

/** The nodes of a message's `html`. `called` says which handles are to be marked, as `mentionNodes` takes it. */
export function richNodes(html, called) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  return copies(parsed.body, called);
}

/** A plain text, with the handles marked that were called: `called(handle)` is "", "other" or "me". */
export function mentionNodes(text, called) {
  return pieces(text, (handle) => Boolean(called(handle))).map((piece) =>
    piece.handle ? element("span", { class: `mention ${called(piece.handle)}` }, piece.text) : piece.text,
  );
}

function copies(parent, called) {
  return [...parent.childNodes].flatMap((node) => copy(node, called));
}

function copy(node, called) {
  if (node.nodeType === Node.TEXT_NODE) return mentionNodes(node.data, called);
  if (node.nodeType !== Node.ELEMENT_NODE) return [];
  const { tagName } = node;
  const inside = () => copies(node, called);
  if (tagName === "CODE") return [element("code", {}, node.textContent)];
  if (tagName === "A") return [link(node, inside())];
  if (HEADING.test(tagName)) return [element("p", { class: "heading" }, ...inside())];
  if (tagName === "OL") return [element("ol", { start: node.hasAttribute("start") && node.start }, ...inside())];
  if (PLAIN.has(tagName) || TABLE.has(tagName)) return [element(tagName.toLowerCase(), {}, ...inside())];
  return inside();
}

function link(node, inside) {
  const href = node.getAttribute("href") ?? "";
  if (!SAFE.test(href)) return element("span", {}, ...inside);
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...inside);
}
