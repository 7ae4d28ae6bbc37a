// What is shown once: with a way to copy it, to keep it as a file, and to put it out of sight.

import { copyButton } from "../copy.js";
import { element } from "../element.js";
import { save } from "./file.js";

/** Shows `lines`; `onKept` is called once the person says that they are kept. */
export function shownOnce({ title, about, lines, file, onKept }) {
  const text = lines.join("\n");
  const download = element(
    "button",
    { class: "button", type: "button", onclick: () => save(`${text}\n`, file) },
    "Download",
  );
  const kept = element(
    "button",
    { class: "button primary", type: "button", onclick: onKept },
    lines.length > 1 ? "I have kept them" : "I have kept it",
  );
  const heading = element("h3", { tabindex: "-1" }, title);
  setTimeout(() => heading.focus()); // once it is in the page
  return element(
    "div",
    { class: "once" },
    heading,
    element("p", { class: "about" }, about),
    element(
      "ul",
      { class: `secrets ${lines.length > 1 ? "many" : ""}` },
      ...lines.map((line) => element("li", {}, element("code", {}, line))),
    ),
    element(
      "div",
      { class: "actions" },
      copyButton(() => text),
      download,
      kept,
    ),
  );
}
