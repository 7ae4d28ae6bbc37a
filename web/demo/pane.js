// One person's pane: header with the connection, timeline, composer. It draws what its session holds, and turns what
// the person does into calls of the session.

import { icon } from "../element.js";
import { initials } from "../initials.js";
import { inWords } from "../words.js";
import { Composer } from "./composer.js";
import { Timeline } from "./timeline.js";

const DROP_S = 6;
const NOTICE_MS = 8_000;
const NEAR_END_PX = 60;
const STATES = {
  connecting: "Connecting",
  connected: "Connected",
  waiting: "Reconnecting",
  closed: "Disconnected",
  ended: "Session ended",
};

export class Pane {
  #session;
  #onUnread;
  #view;
  #composer;
  #timeline;
  #drawn = { first_seq: 0, unsent: 0 };
  #following = true; // the latest message stays in view
  #loading = false;
  #noticeTimer;

  /** `hue` is the person's colour; `onUnread(any)` is called with every change. The element is in `node`. */
  constructor({ session, hue, onUnread }) {
    this.node = document.getElementById("pane").content.firstElementChild.cloneNode(true);
    this.#session = session;
    this.#onUnread = onUnread;
    this.#view = this.#find(".timeline");
    this.#composer = new Composer(this.#find(".composer"), session);
    this.#timeline = this.#makeTimeline(hue);
    this.#label(hue);
    this.#listen();
    session.onChange = () => this.#draw();
    session.onNotice = (text) => this.#notify(text);
  }

  #find(selector) {
    return this.node.querySelector(selector);
  }

  #makeTimeline(hue) {
    const { store, user, others } = this.#session;
    const on = {
      reply: (id) => this.#composer.reply(store.message(id)),
      edit: (id) => this.#composer.edit(store.message(id)),
      remove: (id) => this.#session.remove(id),
      retry: (id) => this.#session.retry(id),
      discard: (id) => this.#session.discard(id),
      visit: (id) => this.#timeline.visit(id) || this.#notify("That message lies further up."),
    };
    return new Timeline({ list: this.#find("ol"), hues: { [user.id]: hue, [others[0].id]: 1 - hue }, on });
  }

  #label(hue) {
    const { user, others } = this.#session;
    this.node.setAttribute("aria-label", `${user.full_name}’s chat`);
    this.#find(".avatar").textContent = initials(user.full_name);
    this.#find(".avatar").classList.add(`hue-${hue}`);
    this.#find("h2").textContent = user.full_name;
    this.#find(".twice").prepend(icon("twice"));
    this.#find(".drop").prepend(icon("drop"));
    this.#find(".again").hidden = !this.#session.can_log_in_again;
    this.#find(".ended a").hidden = this.#session.can_log_in_again;
    this.#find(".beginning").textContent = `The beginning of your conversation with ${others[0].full_name}.`;
  }

  #listen() {
    const view = this.#view;
    const followed = () => view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END_PX;
    view.addEventListener("scroll", () => (this.#following = followed()));
    new ResizeObserver(() => this.#follow()).observe(view);
    const atTop = ([entry]) => entry.isIntersecting && this.#loadEarlier();
    new IntersectionObserver(atTop, { root: view }).observe(this.#find(".earlier"));
    new IntersectionObserver(() => this.#readWhatIsSeen()).observe(this.node);
    document.addEventListener("visibilitychange", () => this.#readWhatIsSeen());
    this.#find(".earlier").addEventListener("click", () => this.#loadEarlier());
    this.#find(".twice").addEventListener("click", () => this.#sendTwice());
    this.#find(".drop").addEventListener("click", () => this.#drop());
    this.#find(".again").addEventListener("click", () => this.#logInAgain());
    this.#find("ol").addEventListener("click", ({ target }) => this.#tapped(target));
  }

  #draw() {
    this.#drawState();
    this.#drawTyping();
    this.#drawMessages();
    this.#composer.draw();
    this.#readWhatIsSeen();
  }

  #drawState() {
    const { state, back_in_s } = this.#session;
    this.#find(".state").dataset.state = back_in_s ? "dropped" : state;
    this.#find(".state span").textContent = back_in_s ? `Offline, back in ${back_in_s} s` : STATES[state];
    this.#find(".drop").disabled = state !== "connected";
    this.#find(".ended").hidden = state !== "ended";
  }

  #drawTyping() {
    const { store, others } = this.#session;
    const writes = store.typing.length > 0;
    this.#find(".typing").classList.toggle("shown", writes);
    this.#find(".typing .text").textContent = writes ? `${others[0].full_name} is typing` : "";
  }

  // Whoever reads the latest stays with it; whoever scrolled up keeps their place, also when history comes in above.
  #drawMessages() {
    const { scrollHeight, scrollTop } = this.#view;
    const { first_seq, place, unsent } = this.#session.store;
    this.#following ||= unsent.length > this.#drawn.unsent;
    this.#timeline.draw(this.#session);
    this.#find(".earlier").hidden = first_seq <= 1;
    this.#find(".beginning").hidden = first_seq > 1 || place === undefined;
    if (!this.#following && first_seq < this.#drawn.first_seq) {
      this.#view.scrollTop = scrollTop + this.#view.scrollHeight - scrollHeight;
    }
    this.#drawn = { first_seq, unsent: unsent.length };
    this.#follow();
  }

  #follow() {
    if (this.#following) this.#view.scrollTo(0, this.#view.scrollHeight);
  }

  #notify(text) {
    const notice = this.#find(".notice");
    clearTimeout(this.#noticeTimer);
    notice.textContent = text;
    notice.hidden = false;
    this.#noticeTimer = setTimeout(() => (notice.hidden = true), NOTICE_MS);
  }

  #readWhatIsSeen() {
    const { last_seq, me } = this.#session.store;
    const seen = this.node.checkVisibility() && document.visibilityState === "visible";
    if (seen) this.#session.markRead();
    this.#onUnread(!seen && last_seq > this.#session.store.readBy(me));
  }

  async #loadEarlier() {
    if (this.#loading) return;
    this.#loading = true;
    this.#view.setAttribute("aria-busy", "true"); // history is not read aloud as news
    try {
      await this.#session.loadEarlier();
    } catch (error) {
      this.#notify(error.message);
    } finally {
      this.#loading = false;
      this.#view.removeAttribute("aria-busy");
    }
  }

  #sendTwice() {
    this.#session.sendTwice(this.#composer.take() || "Did this arrive once?");
  }

  async #logInAgain() {
    try {
      await this.#session.logInAgain();
    } catch (error) {
      this.#notify(inWords(error));
    }
  }

  #drop() {
    this.#session.drop(DROP_S);
    const countDown = () => (this.#session.back_in_s ? this.#drawState() : clearInterval(timer));
    const timer = setInterval(countDown, 250);
  }

  // A tap opens a message's actions where there is no pointer to hover with.
  #tapped(target) {
    const tapped = target.closest(".message");
    for (const open of this.node.querySelectorAll(".message.open")) if (open !== tapped) open.classList.remove("open");
    if (!target.closest("button")) tapped?.classList.toggle("open");
  }
}
