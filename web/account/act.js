// Buttons that do one thing at once, and say when it did not work.

import { element } from "../element.js";
import { inWords } from "../words.js";
import { complain } from "./toast.js";

const SURE_MS = 5_000;

/**
 * `act()` is called with each click, never twice at a time; with `sure` only the second click in a row counts. `of` is
 * what it is done to, for those who do not see where the button stands.
 */
export function actButton(label, act, { sure, of } = {}) {
  const button = element("button", { class: "button", type: "button" });
  let [busy, asked] = [false, null];

  function name(text) {
    button.textContent = text;
    if (of) button.setAttribute("aria-label", `${text} ${of}`);
  }

  function calm() {
    clearTimeout(asked);
    asked = null;
    name(label);
    button.classList.remove("danger");
  }

  function ask() {
    asked = setTimeout(calm, SURE_MS);
    name(sure);
    button.classList.add("danger");
  }

  async function run() {
    busy = true;
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
    } catch (error) {
      complain(inWords(error));
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
    }
  }

  button.addEventListener("click", () => {
    if (busy) return;
    if (sure && !asked) return ask();
    calm();
    run();
  });
  name(label);
  return button;
}
