// A button that copies a text.

import { element, icon } from "./element.js";

const SAID_MS = 1_500;

/** Copies what `text()` gives at the time of the click. */
export function copyButton(text, label = "Copy") {
  const said = element("span", {}, label);
  const button = element(
    "button",
    { class: "button copy", type: "button", "aria-live": "polite" },
    icon("twice"),
    said,
  );
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    said.textContent = "Copied";
    setTimeout(() => (said.textContent = label), SAID_MS);
  });
  return button;
}
