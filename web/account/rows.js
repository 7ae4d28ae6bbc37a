// A list that is read again and again: only rows that changed are drawn anew, so that nothing jumps and no focus is lost.

import { element } from "../element.js";
import { inWords } from "../words.js";

export class Rows {
  #make;
  #print;
  #empty;
  #list;
  #note = element("p", { class: "empty", hidden: true });
  #drawn = new Map(); // id -> {print, node}

  /** `make(item)` draws one row; `empty` is said when there is none; `print(item)` is what its look depends on. */
  constructor({ label, empty, make, print = (item) => item }) {
    this.#make = make;
    this.#print = (item) => JSON.stringify(print(item));
    this.#empty = empty;
    this.#list = element("ul", { class: "rows", "aria-label": label });
    this.node = element("div", {}, this.#list, this.#note);
  }

  /** Shows these, in this order. */
  show(items) {
    const kept = new Map();
    for (const item of items) {
      const [print, old] = [this.#print(item), this.#drawn.get(item.id)];
      kept.set(item.id, old?.print === print ? old : { print, node: this.#redraw(item, old) });
    }
    for (const [id, { node }] of this.#drawn) if (!kept.has(id)) node.remove();
    let place = this.#list.firstChild;
    for (const { node } of kept.values()) {
      if (node === place) place = place.nextSibling;
      else this.#list.insertBefore(node, place);
    }
    this.#drawn = kept;
    this.#tell(items.length ? "" : this.#empty);
  }

  /** They could not be read. */
  fail(error) {
    this.#tell(inWords(error));
  }

  #tell(text) {
    this.#note.textContent = text;
    this.#note.hidden = !text;
  }

  #redraw(item, old) {
    const node = this.#make(item);
    const had = old?.node.contains(document.activeElement);
    old?.node.replaceWith(node);
    if (had) node.querySelector("button")?.focus();
    return node;
  }
}
