// A part of a long dialog.

import { element } from "../../element.js";

export function part(title, ...content) {
  return element("section", { class: "part" }, element("h3", {}, title), ...content);
}
