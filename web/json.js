// JSON for people: indented, and coloured by kind of token.

import { element } from "./element.js";

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A `<pre>` of the value. */
export function jsonBlock(value) {
  const text = JSON.stringify(value, null, 2) ?? "";
  const pre = element("pre", { class: "json", tabindex: "0" });
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    pre.append(text.slice(end, match.index), element("span", { class: kind(match) }, match[1] ?? match[0]));
    if (match[2]) pre.append(match[2]);
    end = match.index + match[0].length;
  }
  pre.append(text.slice(end));
  return pre;
}

function kind([token, string, colon]) {
  if (colon) return "key";
  if (string) return "string";
  return /^[tfn]/.test(token) ? "word" : "number";
}
