// The open conversation: its header, timeline, thread and composer, and what its messages offer.

import { icon } from "../element.js";
import { Problem } from "../api.js";
import { Disconnected } from "../socketio.js";
import { inWords } from "../words.js";
import { LiveBadge } from "./avatar.js";
import { Composer } from "./composer.js";
import { confirmDialog } from "./dialog.js";
import { laterDialog } from "./dialogs/later.js";
import { pinsDialog } from "./dialogs/pins.js";
import { searchDialog } from "./dialogs/search.js";
import { settingsDialog } from "./dialogs/settings.js";
import { pickEmoji } from "./emoji.js";
import { isMuted, titleOf } from "./listing.js";
import { openMenu } from "./menu.js";
import { MessageRows } from "./message.js";
import { messageActs } from "./message-acts.js";
import { groupLine, otherOf, presenceLine } from "./presence.js";
import { ThreadPanel } from "./thread.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";
import { typists } from "./typing.js";

const ICONS = {
  ".back": "back",
  ".find-here": "search",
  ".pins": "pin",
  ".settings": "more",
  ".insert": "react",
  ".options": "later",
  ".twice": "twice",
  ".latest": "down",
  ".first-unread": "up",
};

export class ConversationView {
  #node;
  #context;
  #session;
  #acts;
  #room = null;
  #timeline;
  #composer;
  #thread;
  #title = "";

  /** `context` has `session`, `acts`, `say(text, more)`, `open(id, seq)` and `back()`. */
  constructor(node, context) {
    this.#node = node;
    this.#context = context;
    this.#session = context.session;
    this.#acts = context.acts;
    const on = messageActs(context, {
      room: () => this.#room,
      attempt: (act) => this.#try(act),
      reply: (message) => this.#composer.reply(message),
      edit: (message) => this.#composer.edit(message),
      openThread: (id) => this.thread(id),
      newFrom: (seq) => {
        this.#timeline.newFrom(seq);
        this.draw();
      },
    });
    const rows = this.#makeRows();
    const list = this.#find(".timeline ol");
    this.#timeline = new Timeline({
      view: this.#find(".timeline"),
      list,
      session: this.#session,
      acts: this.#acts,
      rows,
    });
    this.#timeline.onProblem = (error) => this.#failed(error);
    this.#timeline.onMove = () => this.#drawJumps();
    new Toolbar({ list, session: this.#session, room: () => this.#room, on });
    this.#composer = new Composer(this.#find(".talk > .composer"), context);
    this.#composer.onProblem = (error) => this.#failed(error);
    this.#composer.onSent = (message) => this.#session.send(this.#room, message);
    this.#thread = new ThreadPanel(this.#find(".thread"), { session: this.#session, acts: this.#acts, rows, on });
    this.#thread.onProblem = (error) => this.#failed(error);
    this.#thread.onClose = () => this.#threadClosed();
    this.#wire();
  }

  get room() {
    return this.#room;
  }

  /** Opens a conversation, at message number `seq` when it is given. */
  open(room, seq) {
    if (this.#room === room) return seq && this.#timeline.visit(seq);
    this.#thread.close();
    this.#room = room;
    this.#title = "";
    this.#node.hidden = false;
    this.#composer.open(room);
    this.draw();
    return this.#timeline.open(room, seq);
  }

  close() {
    this.#thread.close();
    this.#composer.flush();
    this.#timeline.close();
    this.#room = null;
  }

  focus() {
    this.#composer.focus();
  }

  draw() {
    const room = this.#room;
    if (!room) return;
    this.#drawHeader(room);
    this.#timeline.draw();
    this.#thread.draw();
    this.#composer.draw();
    const typing = typists(room.typing(), this.#session.store);
    this.#find(".talk > .below .typing").classList.toggle("shown", Boolean(typing));
    this.#find(".talk > .below .typing .text").textContent = typing;
  }

  /** Something became visible, or a message was seen. */
  seen() {
    this.#timeline.markSeen();
  }

  sendTwice() {
    const message = this.#composer.take("Did this arrive once?");
    return message && this.#session.send(this.#room, message, 2);
  }

  /** Searches in this conversation. */
  search() {
    searchDialog(this.#context, this.#room);
  }

  #find(selector) {
    return this.#node.querySelector(selector);
  }

  #makeRows() {
    const { store, user } = this.#session;
    const rowActs = {
      visit: (id) => this.#visit(id),
      react: (id, emoji, yes) => this.#try(() => this.#acts.react({ id }, emoji, yes)),
      thread: (id) => this.thread(id),
      undelete: (id) => this.#try(() => this.#acts.undelete(this.#room, id)),
      retry: (client_msg_id) => this.#session.retry(this.#room, client_msg_id),
      discard: (client_msg_id) => {
        this.#room.discard(client_msg_id);
        this.#session.onChange();
      },
    };
    const handles = (id) => {
      const group = store.groups.get(id);
      return { handle: group?.handle, mine: Boolean(group?.user_ids?.includes(user.id)) };
    };
    return new MessageRows({ who: (id) => store.who(id), me: user.id, handles, on: rowActs });
  }

  #wire() {
    for (const [selector, name] of Object.entries(ICONS))
      for (const node of this.#node.querySelectorAll(selector)) node.prepend(icon(name));
    this.#find(".back").addEventListener("click", () => this.#context.back());
    this.#find(".find-here").addEventListener("click", () => this.search());
    this.#find(".pins").addEventListener("click", () => pinsDialog(this.#context, this.#room));
    this.#find(".settings").addEventListener("click", ({ currentTarget }) => this.#menu(currentTarget));
    this.#find(".title-button").addEventListener("click", () => settingsDialog(this.#context, this.#room));
    this.#find(".latest").addEventListener("click", () => this.#timeline.latest());
    this.#find(".first-unread").addEventListener("click", () => this.#timeline.backToUnread());
    this.#find(".twice").addEventListener("click", () => this.#twice());
    for (const composer of this.#node.querySelectorAll(".composer")) {
      const own = composer.closest(".thread") ? this.#thread.composer : this.#composer;
      composer
        .querySelector(".insert")
        .addEventListener("click", ({ currentTarget }) => pickEmoji(currentTarget, (emoji) => own.insert(emoji)));
      composer
        .querySelector(".options")
        .addEventListener("click", ({ currentTarget }) => this.#sendMenu(currentTarget, own));
    }
    this.#find(".timeline").addEventListener("keydown", (event) => this.#key(event));
    this.#find(".talk > .composer textarea").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.#timeline.focusLast();
    });
  }

  #drawHeader(room) {
    const { store } = this.#session;
    const { topic, type, archived_at } = room.conversation;
    const title = titleOf(room, store);
    const muted = isMuted(room.conversation, Date.now());
    const other = otherOf(room);
    const presence = other && store.presences.of(other);
    const people = this.#peopleLine(room, presence);
    const print = JSON.stringify([
      title,
      topic,
      type,
      people,
      presence?.state,
      archived_at,
      muted,
      room.conversation.avatar,
      room.conversation.visibility,
    ]);
    if (print === this.#title) return;
    this.#title = print;
    this.#find(".conversation-head .badge-place").replaceChildren(LiveBadge(room, store));
    this.#find(".conversation-head h3").textContent = title;
    this.#find(".conversation-head .about").textContent = [people, archived_at && "archived", muted && "muted", topic]
      .filter(Boolean)
      .join(" · ");
    this.#find(".timeline").setAttribute("aria-label", `Messages with ${title}`);
  }

  #peopleLine({ id, conversation: { type, member_count } }, presence) {
    if (type !== "dm") return groupLine(this.#session.store.presences.connectedIn(id), member_count);
    return presence ? presenceLine(presence, Date.now()) : "";
  }

  #drawJumps() {
    const { unread_count = 0 } = this.#room?.conversation ?? {};
    const latest = this.#find(".latest");
    latest.hidden = this.#timeline.following;
    latest.querySelector("span").textContent = unread_count ? `${unread_count} new` : "Latest";
    this.#find(".first-unread").hidden = !this.#timeline.unreadAbove;
  }

  #menu(anchor) {
    const room = this.#room;
    const { conversation } = room;
    const muted = isMuted(conversation, Date.now());
    const prefer = (change) => () => this.#try(() => this.#acts.prefer(room, change));
    const hours = (count) => new Date(Date.now() + count * 3_600_000).toISOString();
    openMenu(anchor, "Conversation", [
      { label: "Details and members", icon: "people", act: () => settingsDialog(this.#context, room) },
      { label: "Search here", icon: "search", act: () => this.search() },
      {
        label: "Favourite",
        icon: "star",
        checked: Boolean(conversation.my?.favourite),
        act: prefer({ favourite: !conversation.my?.favourite }),
      },
      muted
        ? { label: "Unmute", icon: "muted", act: prefer({ muted_until: null, notify: "all" }) }
        : { label: "Mute for 8 hours", icon: "muted", act: prefer({ muted_until: hours(8) }) },
      conversation.my?.hidden
        ? { label: "Show in the list", icon: "unread", act: prefer({ hidden: false }) }
        : { label: "Hide until the next message", icon: "hide", act: prefer({ hidden: true }) },
      conversation.type !== "dm" && { label: "Leave", icon: "leave", danger: true, act: () => this.#leave(room) },
    ]);
  }

  #sendMenu(anchor, composer) {
    const send = (more) => () => {
      const message = composer.take();
      if (message) composer.onSent({ ...message, ...more });
    };
    openMenu(anchor, "How to send", [
      { label: "Send silently", icon: "muted", act: send({ silent: true }) },
      { label: "Let it disappear after an hour", icon: "hide", act: send({ expires_in_s: 3_600 }) },
      { label: "Let it disappear after a day", icon: "hide", act: send({ expires_in_s: 86_400 }) },
      { label: "Send later…", icon: "waiting", act: () => this.#later(composer) },
    ]);
  }

  #later(composer) {
    const message = composer.take();
    if (!message) return this.#context.say("Write something first.");
    laterDialog(this.#context, this.#room, { message, giveBack: () => composer.insert(message.text) });
  }

  #leave(room) {
    const title = titleOf(room, this.#session.store);
    confirmDialog({
      title: `Leave ${title}?`,
      who: this.#session.user,
      text: "You will not get its messages any more.",
      sure: "Leave",
      act: () => this.#acts.leave(room),
    });
  }

  async #twice() {
    const second = await this.sendTwice();
    if (second?.replayed) this.#context.say("Sent twice, stored once: the second answer says “replayed”.");
  }

  async #visit(id) {
    const known = this.#room.message(id);
    await this.#try(async () => {
      const { seq } = known ?? (await this.#acts.message(id));
      await this.#timeline.visit(seq);
    });
  }

  /** Opens the thread that hangs on a message, or in which it stands. */
  thread(id) {
    const root_id = this.#room.message(id)?.thread?.root_id || id;
    this.#node.classList.add("with-thread");
    return this.#thread.open(this.#room, root_id);
  }

  #threadClosed() {
    this.#node.classList.remove("with-thread");
    this.#composer.focus();
    this.#session.onChange();
  }

  #key(event) {
    const node = event.target.closest(".message");
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && node && event.target === node) {
      event.preventDefault();
      if (!this.#timeline.step(node, by) && by > 0) this.#composer.focus();
    } else if (by < 0 && !node) {
      event.preventDefault();
      this.#timeline.focusLast();
    } else if (event.key === "End" && !event.target.closest("button")) {
      event.preventDefault();
      this.#timeline.latest();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      this.#composer.focus();
    }
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error) {
    if (error instanceof Disconnected) this.#context.say("Not connected: try again in a moment.");
    else if (error instanceof Problem || error instanceof TypeError) this.#context.say(inWords(error));
    else throw error;
  }
}
