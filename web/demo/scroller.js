// A list of any length of which only what is in view, and a little around it, is in the page. What one looks at stays
// where it is, whatever is measured, read in or written above it.

import { element } from "../element.js";
import { Heights, windowOf } from "./virtual.js";

const NEAR_END_PX = 60;
const ROUNDS = 4; // of drawing and measuring, until nothing new comes into view

export class Scroller {
  #view;
  #list;
  #row;
  #build;
  #onWindow;
  #heights;
  #estimate;
  #drawn = new Map(); // key -> {print, node, index}
  #anchor = { index: 0, offset: 0 }; // the row at the top edge, and how far it is scrolled out
  #width = 0;
  #drawing = false;

  /** True while the end stays in view. */
  following = true;
  /** Called after the person has scrolled. */
  onScroll = () => {};

  /**
   * `view` scrolls, `list` holds the rows. `row(index)` tells what a row shows as a plain value with a `key`, or null
   * for nothing; `build(row)` makes its element. `onWindow(from, to)` is told which rows are drawn.
   */
  constructor({ view, list, row, build, onWindow = () => {}, estimate }) {
    this.#view = view;
    this.#list = list;
    this.#row = row;
    this.#build = build;
    this.#onWindow = onWindow;
    this.#estimate = estimate;
    this.#heights = new Heights(estimate);
    view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(view);
  }

  /** Begins anew with another list, at its end. */
  reset() {
    this.#heights = new Heights(this.#estimate);
    for (const { node } of this.#drawn.values()) node.remove();
    this.#drawn.clear();
    this.following = true;
    this.#anchor = { index: 0, offset: 0 };
  }

  /** Notes how many rows there are, without drawing them. */
  resize(count) {
    this.#heights.resize(count);
  }

  /** Shows the rows as they are now; there are `count`. */
  draw(count = this.#heights.count) {
    if (this.#drawing || !this.#view.clientHeight) {
      this.#heights.resize(count);
      return;
    }
    this.#drawing = true;
    this.#heights.resize(count);
    this.#remeasure();
    for (let round = 0; round < ROUNDS; round++) if (!this.#fill()) break;
    this.#place();
    this.#drawing = false;
    const { from, to } = this.#window();
    this.#onWindow(from, to);
  }

  /** Brings a row into view. `at` is its place in the view: 0 for the top, 1 for the bottom. */
  show(index, at = 0.3) {
    const room = Math.max(0, this.#view.clientHeight - this.#heights.get(index));
    this.following = false;
    this.#anchor = { index, offset: -Math.round(room * at) };
    this.draw();
    this.following = this.below < 1;
  }

  /** Goes to the end and stays there. */
  follow() {
    this.following = true;
    this.draw();
  }

  /** The row nearest to the bottom edge that is wholly in view. */
  get lastSeen() {
    const bottom = this.#view.scrollTop + this.#view.clientHeight + 2;
    let index = this.#heights.at(bottom - 1);
    while (index > 0 && this.#heights.top(index + 1) > bottom) index--;
    return index;
  }

  /** The row at the top edge. */
  get firstSeen() {
    return this.#heights.at(this.#view.scrollTop);
  }

  /** How many pixels lie below what is in view. */
  get below() {
    return this.#view.scrollHeight - this.#view.scrollTop - this.#view.clientHeight;
  }

  /** The element of a row, when it is drawn. */
  node(index) {
    for (const drawn of this.#drawn.values()) if (drawn.index === index) return drawn.node;
    return undefined;
  }

  // What was measured at another width is worth nothing; what is drawn is measured at once.
  #remeasure() {
    const { clientWidth } = this.#view;
    if (clientWidth === this.#width) return;
    if (this.#width) this.#heights.reset();
    this.#width = clientWidth;
  }

  #top() {
    const end = Math.max(0, this.#heights.total - this.#view.clientHeight);
    if (this.following) return end;
    return Math.min(end, Math.max(0, this.#heights.top(this.#anchor.index) + this.#anchor.offset));
  }

  #window() {
    return windowOf(this.#heights, this.#top(), this.#view.clientHeight);
  }

  // Draws the window. Returns true when a height turned out to be another.
  #fill() {
    const { from, to } = this.#window();
    const kept = new Map();
    for (let index = from; index < to; index++) {
      const row = this.#row(index);
      if (!row) {
        this.#heights.set(index, 0);
        continue;
      }
      const print = JSON.stringify(row);
      const old = this.#drawn.get(row.key);
      kept.set(row.key, old?.print === print ? { ...old, index } : { print, index, node: this.#swap(old, row) });
    }
    for (const [key, { node }] of this.#drawn) if (kept.get(key)?.node !== node) node.remove();
    let place = this.#list.firstElementChild;
    for (const { node } of kept.values()) {
      if (node === place) place = place.nextElementSibling;
      else this.#list.insertBefore(node, place);
    }
    this.#drawn = kept;
    return this.#measure(from, to);
  }

  // A row that changed keeps the focus that was in it.
  #swap(old, row) {
    const node = this.#build(row);
    if (old?.node.contains(document.activeElement)) this.#refocus(old.node, node);
    return node;
  }

  #refocus(old, node) {
    const { activeElement } = document;
    const label = activeElement.getAttribute("aria-label");
    queueMicrotask(() => {
      if (document.activeElement !== document.body) return;
      const same =
        label && [...node.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === label);
      (same || node).focus({ preventScroll: true });
    });
  }

  #measure(from, to) {
    let changed = 0;
    for (const { node, index } of this.#drawn.values())
      changed += Math.abs(this.#heights.set(index, node.getBoundingClientRect().height));
    this.#list.style.paddingTop = `${this.#heights.top(from)}px`;
    this.#list.style.paddingBottom = `${Math.max(0, this.#heights.total - this.#heights.top(to))}px`;
    return changed > 0;
  }

  #place() {
    const top = this.following ? this.#view.scrollHeight : this.#top();
    if (Math.abs(this.#view.scrollTop - top) >= 1) this.#view.scrollTop = top;
  }

  #scrolled() {
    if (this.#drawing) return;
    const { scrollTop } = this.#view;
    this.following = this.below < NEAR_END_PX;
    const index = this.#heights.at(scrollTop);
    this.#anchor = { index, offset: scrollTop - this.#heights.top(index) };
    this.draw();
    this.onScroll();
  }
}

/** A row for what is not known yet. */
export function gapNode() {
  return element("li", { class: "gap", "aria-hidden": "true" }, element("i", {}), element("span", {}));
}
