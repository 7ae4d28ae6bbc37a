// One person's client: who they are and how they are connected, their conversations, and the open one. It draws what
// its session holds; what the person does goes to the acts of the session.

import { element, icon } from "../element.js";
import { inWords } from "../words.js";
import { Acts } from "./acts.js";
import { Avatar } from "./avatar.js";
import { ConversationView } from "./conversation.js";
import { browseDialog, inviteDialog } from "./dialogs/browse.js";
import { scheduledDialog } from "./dialogs/later.js";
import { newDialog } from "./dialogs/new.js";
import { presenceDialog } from "./dialogs/presence.js";
import { savedDialog } from "./dialogs/saved.js";
import { searchDialog } from "./dialogs/search.js";
import { switcherDialog } from "./dialogs/switcher.js";
import { ConversationList } from "./list.js";
import { listed } from "./listing.js";
import { loadFiltered } from "./load.js";
import { openMenu } from "./menu.js";
import { ownLine, watchedFor } from "./presence.js";

const DROP_S = 6;
const NOTICE_MS = 8_000;
const STATES = {
  connecting: "Connecting",
  connected: "Connected",
  waiting: "Reconnecting",
  closed: "Disconnected",
  ended: "Session ended",
};

export class Pane {
  #session;
  #acts;
  #onUnread;
  #first;
  #list;
  #conversation;
  #context;
  #links;
  #noticeTimer;
  #drawing = false;
  #opened = false;

  /**
   * `first` is the id of the conversation to open at first; `links` are other ways to show the demo, as
   * `{label, href}`; `onUnread(any)` is called with every change. The element is in `node`.
   */
  constructor({ session, first, links = [], onUnread }) {
    this.node = document.getElementById("pane").content.firstElementChild.cloneNode(true);
    this.#session = session;
    this.#acts = new Acts(session);
    this.#first = first;
    this.#links = links;
    this.#onUnread = onUnread;
    this.#context = {
      session,
      acts: this.#acts,
      say: (text, more) => this.#say(text, more),
      open: (id, seq, thread_root) => this.open(id, seq, thread_root),
      back: () => this.#back(),
    };
    this.#conversation = new ConversationView(this.#find(".conversation"), this.#context);
    this.#list = new ConversationList(this.#find(".side"), { session, on: this.#listActs() });
    this.#label();
    this.#listen();
    session.onChange = () => this.#drawSoon();
    session.onNotice = (text) => this.#say(text);
    session.onMessage = (message, room) => this.#announce(message, room);
  }

  /** Opens a conversation, at message number `seq` when it is given, or with a thread. */
  async open(id, seq, thread_root) {
    const room = this.#session.store.room(id);
    if (!room) return this.#say("You are not in that conversation.");
    this.#opened = true; // what was asked for comes before the first one
    this.node.classList.add("talking");
    await this.#conversation.open(room, seq);
    this.#draw();
    if (thread_root) return this.#conversation.thread(thread_root);
    if (seq === undefined && matchMedia("(hover: hover)").matches) this.#conversation.focus();
  }

  /** The shortcut that goes anywhere. */
  switch() {
    switcherDialog(this.#context);
  }

  /** Shows what a link of an invitation leads to. */
  invited(code) {
    inviteDialog(this.#context, code);
  }

  #find(selector) {
    return this.node.querySelector(selector);
  }

  #label() {
    const { user } = this.#session;
    this.node.setAttribute("aria-label", `${user.full_name}’s chat`);
    for (const node of this.node.querySelectorAll("nav, aside, form")) {
      node.setAttribute("aria-label", `${node.getAttribute("aria-label")}, ${user.full_name}`);
    }
    this.#find(".person-head .avatar").replaceWith(Avatar(user));
    this.#find("h2").textContent = user.full_name;
    const icons = { ".drop": "drop", ".jump": "search", ".own": "menu", ".begin": "plus" };
    for (const [selector, name] of Object.entries(icons)) this.#find(selector).prepend(icon(name));
    this.#find(".again").hidden = !this.#session.can_log_in_again;
    this.#find(".ended a").hidden = this.#session.can_log_in_again;
  }

  #listen() {
    new IntersectionObserver(() => this.#drawSoon()).observe(this.node);
    document.addEventListener("visibilitychange", () => {
      this.#conversation.seen();
      this.#watch();
    });
    this.#find(".drop").addEventListener("click", () => this.#drop());
    this.#find(".again").addEventListener("click", () => this.#logInAgain());
    this.#find(".jump").addEventListener("click", () => this.switch());
    this.#find(".own").addEventListener("click", ({ currentTarget }) => this.#ownMenu(currentTarget));
    this.#find(".begin").addEventListener("click", ({ currentTarget }) => this.#beginMenu(currentTarget));
  }

  #listActs() {
    return {
      open: (id) => this.open(id),
      accept: (id) => this.#try(async () => this.open((await this.#acts.accept({ id })).id)),
      decline: (id) => this.#try(() => this.#acts.decline(id)),
      filter: (name) => this.#try(() => loadFiltered(this.#session, name)),
    };
  }

  #ownMenu(anchor) {
    const { size } = this.#session.store.scheduled;
    openMenu(anchor, "Yours", [
      { label: "How others see you", icon: "react", act: () => presenceDialog(this.#context) },
      { label: "Search messages", icon: "search", act: () => searchDialog(this.#context) },
      { label: "Saved messages", icon: "bookmark", act: () => savedDialog(this.#context) },
      {
        label: size ? `Planned messages (${size})` : "Planned messages",
        icon: "waiting",
        act: () => scheduledDialog(this.#context),
      },
      ...this.#links.map(({ label, href }) => ({ label, icon: "people", act: () => location.assign(href) })),
    ]);
  }

  #beginMenu(anchor) {
    openMenu(anchor, "New", [
      { label: "New message", icon: "edit", act: () => newDialog(this.#context, "dm") },
      { label: "New group", icon: "people", act: () => newDialog(this.#context, "group") },
      { label: "New channel", icon: "channel", act: () => newDialog(this.#context, "channel") },
      { label: "Browse channels", icon: "search", act: () => browseDialog(this.#context) },
    ]);
  }

  // Changes that come together are drawn together.
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    this.#drawState();
    const { store } = this.#session;
    const open = this.#conversation.room;
    if (open && !store.room(open.id)) this.#gone();
    else if (open && store.room(open.id) !== open) this.open(open.id); // read anew
    if (!this.#opened && this.#session.loaded) this.#openFirst();
    this.#conversation.draw();
    this.#list.draw(this.#conversation.room?.id);
    this.#watch();
    this.#onUnread(store.unread.messages > 0 && !this.#isSeen(this.node));
  }

  #isSeen(node) {
    return document.visibilityState === "visible" && node.checkVisibility();
  }

  // Who is not looking hears of nobody but themselves.
  #watch() {
    const rooms = this.#isSeen(this.#find(".side")) ? this.#list.rooms : [];
    const open = this.#isSeen(this.#find(".talk")) ? this.#conversation.room : null;
    this.#session.watching.watch(watchedFor(rooms, open, this.#session.user.id));
  }

  #openFirst() {
    this.#opened = true;
    const { store } = this.#session;
    const [latest] = listed(store, { filter: "all", words: "", now: Date.now() });
    const room = store.room(this.#first) ?? latest;
    if (!room) return;
    this.node.classList.add("talking");
    this.#conversation.open(room).then(() => this.#drawSoon());
  }

  #gone() {
    this.#conversation.close();
    this.#find(".conversation").hidden = true;
    this.node.classList.remove("talking");
    this.#say("You are not in that conversation any more.");
  }

  #drawState() {
    const { state, back_in_s, store } = this.#session;
    const own = ownLine(store.presences.of(store.me));
    this.#find(".state").dataset.state = back_in_s ? "dropped" : state;
    this.#find(".state span").textContent = back_in_s
      ? `Offline, back in ${back_in_s} s`
      : [STATES[state], own].filter(Boolean).join(" · ");
    this.#find(".drop").disabled = state !== "connected";
    this.#find(".ended").hidden = state !== "ended";
  }

  #back() {
    this.node.classList.remove("talking");
    this.#drawSoon();
    (this.#find(".line.current") ?? this.#find(".search")).focus();
  }

  // Says something at the top of the pane for a while; `action` is `{label, act}`, such as to undo it.
  #say(text, { action, for_ms = NOTICE_MS } = {}) {
    const notice = this.#find(".notice");
    const hide = () => (notice.hidden = true);
    const act = () => {
      hide();
      action.act();
    };
    clearTimeout(this.#noticeTimer);
    notice.replaceChildren(
      element("span", {}, text),
      ...(action ? [element("button", { type: "button", onclick: act }, action.label)] : []),
    );
    notice.hidden = false;
    this.#noticeTimer = setTimeout(hide, for_ms);
  }

  // Told to those who listen instead of looking.
  #announce(message, room) {
    if (room !== this.#conversation.room) return;
    this.#find(".announcer").textContent = `${this.#session.store.who(message.sender.id).full_name}: ${message.text}`;
  }

  #logInAgain() {
    return this.#try(() => this.#session.logInAgain());
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.#say(inWords(error));
    }
  }

  #drop() {
    this.#session.drop(DROP_S);
    const countDown = () => (this.#session.back_in_s ? this.#drawState() : clearInterval(timer));
    const timer = setInterval(countDown, 250);
  }
}
