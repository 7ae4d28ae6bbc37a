// Text as a file of the person's own.

import { element } from "../element.js";

/** Hands a file over to the browser's downloads. */
export function save(text, name, type = "text/plain") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url)); // once the download has begun
}
