// Dialogs: the browser keeps the focus inside, closes them on Escape, and gives the focus back.

import { element, icon } from "../element.js";
import { inWords } from "../words.js";
import { Avatar } from "./avatar.js";

let made = 0;

/**
 * Opens a dialog. `build(body, dialog)` fills it; `who` is the person that it belongs to, since two are on the page.
 * Returns the dialog, with `refuse(error)` to say what went wrong and `close()`.
 */
export function openDialog({ title, who, wide = false, build }) {
  const id = `dialog-${++made}`;
  const close = element("button", { class: "round", type: "button", "aria-label": "Close" }, icon("close"));
  const problem = element("p", { class: "callout bad", role: "alert", hidden: true });
  const body = element("div", { class: "dialog-body" });
  const node = element(
    "dialog",
    { class: wide ? "sheet wide" : "sheet", "aria-labelledby": id },
    element("header", {}, who && Avatar(who), element("h2", { id }, title), close),
    problem,
    body,
  );
  node.refuse = (error) => {
    problem.textContent = inWords(error);
    problem.hidden = false;
  };
  node.calm = () => (problem.hidden = true);
  close.addEventListener("click", () => node.close());
  node.addEventListener("click", ({ target }) => target === node && node.close());
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  build(body, node);
  node.showModal();
  (body.querySelector("[autofocus]") ?? body.querySelector("input, textarea, select, button"))?.focus();
  return node;
}

/** Runs `act` and shows in the dialog what goes wrong. Resolves with true when nothing did. */
export async function attempt(dialog, act) {
  dialog.calm();
  try {
    await act();
    return true;
  } catch (error) {
    dialog.refuse(error);
    return false;
  }
}

/** Asks before something that cannot be taken back. */
export function confirmDialog({ title, who, text, sure, act }) {
  openDialog({
    title,
    who,
    build: (body, dialog) => {
      const yes = element("button", { class: "button danger", type: "button" }, sure);
      const no = element(
        "button",
        { class: "button", type: "button", autofocus: true, onclick: () => dialog.close() },
        "Cancel",
      );
      yes.addEventListener("click", async () => (await attempt(dialog, act)) && dialog.close());
      body.append(element("p", {}, text), element("div", { class: "buttons" }, no, yes));
    },
  });
}
