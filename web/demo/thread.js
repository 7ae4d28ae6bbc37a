// The panel beside the timeline: one message, and the replies that hang on it.

import { icon } from "../element.js";
import { Composer } from "./composer.js";
import { replyRow, unsentRow } from "./rows.js";
import { Scroller } from "./scroller.js";
import { Toolbar } from "./toolbar.js";
import { typists } from "./typing.js";

const ESTIMATE_PX = 52;

export class ThreadPanel {
  #node;
  #session;
  #acts;
  #room = null;
  #root_id = "";
  #scroller;
  #replies = [];
  #unsent = [];
  #context = {};

  /** Called when it was closed. */
  onClose = () => {};
  /** Called with what failed. */
  onProblem = () => {};

  constructor(node, { session, acts, rows, on }) {
    this.#node = node;
    this.#session = session;
    this.#acts = acts;
    const list = node.querySelector("ol");
    this.#scroller = new Scroller({
      view: node.querySelector(".timeline"),
      list,
      row: (index) => this.#row(index),
      build: (row) => rows.node(row),
      estimate: ESTIMATE_PX,
    });
    this.composer = new Composer(node.querySelector(".composer"), { session, acts });
    this.composer.onSent = (message) => {
      session.send(this.#room, message);
      this.#scroller.follow();
    };
    this.composer.onProblem = (error) => this.onProblem(error);
    const own = {
      ...on,
      reply: (message) => this.composer.reply(message),
      edit: (message) => this.composer.edit(message),
    };
    new Toolbar({ list, session, room: () => this.#room, on: own, in_thread: true });
    node.querySelector(".close").append(icon("close"));
    node.querySelector(".close").addEventListener("click", () => this.close());
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.stopPropagation();
      this.close();
    });
  }

  get root_id() {
    return this.#root_id;
  }

  async open(room, root_id) {
    if (this.#root_id) this.#room.closeThread(this.#root_id);
    this.#room = room;
    this.#root_id = root_id;
    this.#node.hidden = false;
    this.#scroller.reset();
    this.composer.open(room, root_id);
    try {
      await this.#acts.openThread(room, root_id);
    } catch (error) {
      this.onProblem(error);
    }
    if (this.#root_id === root_id) this.composer.focus();
  }

  close() {
    if (!this.#root_id) return;
    this.composer.flush();
    this.#room.closeThread(this.#root_id);
    this.#root_id = "";
    this.#node.hidden = true;
    this.onClose();
  }

  draw() {
    if (!this.#root_id) return;
    const { store, replayed, user } = this.#session;
    const root = this.#room.message(this.#root_id);
    this.#replies = [root, ...(this.#room.replies(this.#root_id) ?? [])].filter(Boolean);
    const unsent = this.#room.unsent.filter(({ thread_root }) => thread_root === this.#root_id);
    if (unsent.length > this.#unsent.length) this.#scroller.following = true;
    this.#unsent = unsent;
    const reached = this.#room.reached;
    this.#context = { me: user.id, now: Date.now(), replayed, reached, kept: (id) => store.bookmarks.has(id) };
    this.#scroller.draw(this.#replies.length + this.#unsent.length);
    const typing = typists(this.#room.typing(this.#root_id), store);
    this.#node.querySelector(".typing").classList.toggle("shown", Boolean(typing));
    this.#node.querySelector(".typing .text").textContent = typing;
    this.composer.draw();
    this.#markSeen();
  }

  #row(index) {
    if (index >= this.#replies.length)
      return unsentRow(this.#room, this.#unsent[index - this.#replies.length], this.#context);
    const row = replyRow(this.#room, this.#replies[index], this.#replies[index - 1], this.#context);
    return { ...row, thread: null };
  }

  #markSeen() {
    const last = this.#replies.at(-1);
    const seen = document.visibilityState === "visible" && this.#node.checkVisibility();
    if (!seen || !last || last.id === this.#root_id) return;
    this.#acts.markThreadRead(this.#room, this.#root_id, last.seq).catch(() => {}); // asked again with the next change
  }
}
