// A menu at a button: a popover that the browser closes by itself on Escape or a click elsewhere.

import { element, icon } from "../element.js";

const MARGIN_PX = 8;

/** Opens a menu. `items` are `{label, icon?, act, danger?, checked?}`; those that are false are left out. */
export function openMenu(anchor, label, items) {
  const node = element("div", { class: "menu", role: "menu", popover: "auto", "aria-label": label });
  const buttons = items.filter(Boolean).map((item) => entry(item, () => node.hidePopover()));
  node.append(...buttons);
  rove(node, buttons);
  return openPopover(anchor, node, buttons[0]);
}

/** Shows a popover beside `anchor`, and puts the focus into it, and back when it closes. */
export function openPopover(anchor, node, first) {
  const before = document.activeElement;
  (anchor.closest("dialog") ?? document.body).append(node);
  node.addEventListener("toggle", ({ newState }) => {
    anchor.setAttribute("aria-expanded", String(newState === "open"));
    if (newState !== "closed") return;
    if (node.contains(document.activeElement) || document.activeElement === document.body)
      (anchor.isConnected ? anchor : before)?.focus();
    node.remove();
  });
  node.showPopover();
  beside(anchor, node);
  first?.focus();
  return node;
}

/** Arrow keys move among `buttons`, in `columns`. */
export function rove(node, buttons, columns = 1) {
  node.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const steps = { ArrowDown: columns, ArrowUp: -columns, ...(columns > 1 && { ArrowRight: 1, ArrowLeft: -1 }) };
    const step = steps[event.key];
    const to =
      event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : step === undefined ? -1 : at + step;
    if (step === undefined && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length]?.focus();
  });
}

function entry({ label, icon: sign, act, danger, checked }, close) {
  const role = checked === undefined ? "menuitem" : "menuitemcheckbox";
  return element(
    "button",
    {
      type: "button",
      role,
      "aria-checked": checked === undefined ? null : String(checked),
      class: danger ? "danger" : "",
      onclick: () => {
        close();
        act();
      },
    },
    sign ? icon(sign) : element("span", { class: "icon" }),
    element("span", {}, label),
    checked && icon("sent"),
  );
}

// Below the anchor where there is room, else above; never outside of the window.
function beside(anchor, node) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = node;
  const below = at.bottom + 4 + offsetHeight + MARGIN_PX <= innerHeight;
  const top = below ? at.bottom + 4 : Math.max(MARGIN_PX, at.top - 4 - offsetHeight);
  const left = Math.min(Math.max(MARGIN_PX, at.right - offsetWidth), innerWidth - offsetWidth - MARGIN_PX);
  node.style.top = `${top}px`;
  node.style.left = `${left}px`;
}
