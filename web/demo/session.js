// One person's client: log-in, socket, place, and what the person does. It talks to its Store and tells its owner of
// every change; it knows nothing of the page.

import { Login, Problem } from "../api.js";
import { connect, Disconnected } from "../socketio.js";
import { Store } from "./store.js";

const PAGE = 30;
const TYPING_REPEAT_MS = 3_000;
const TYPING_ENDS_MS = 6_000;

export class Session {
  #login;
  #again;
  #client = null;
  #back_at = 0;
  #refresh;
  #syncing = null;
  #sync_again = false;
  #typed_at = -Infinity;
  #typing_timers = new Map();
  #marked = 0;

  /** Called after anything changed; set by whoever shows the session. */
  onChange = () => {};
  /** Called with what the person should be told. */
  onNotice = () => {};

  /**
   * `onRecord({type, body, took_ms?})` is told of every event and every answer; `again()` opens another session of the
   * same person, where the page can.
   */
  constructor({ login, again, conversation, onRecord }) {
    this.#use(login);
    this.#again = again;
    this.user = login.user;
    this.store = new Store({ me: login.user.id, conversation });
    this.others = conversation.members.map((member) => member.user).filter((user) => user.id !== login.user.id);
    this.onRecord = onRecord;
    this.state = "closed";
    this.replayed = new Set();
  }

  /** Opens the socket, which stays open but for `drop`, and until the session is ended. */
  open() {
    if (this.state === "ended") return;
    this.#client = connect({
      url: location.origin,
      auth: async () => ({
        token: await this.#login.token(),
        resume: this.store.place,
        client: { name: "demo", version: "1" },
      }),
      onEvent: (event, data) => this.#received(event, data),
      onState: (state, detail) => this.#entered(state, detail),
      onRefused: (refusal) => this.#refused(refusal),
    });
    this.#scheduleRefresh();
  }

  /** True when this page can open another session for the person. */
  get can_log_in_again() {
    return Boolean(this.#again);
  }

  /** Goes on in another session, from the same place: what waits is sent. */
  async logInAgain() {
    this.#use(await this.#again());
    this.state = "closed";
    this.open();
  }

  /** Cuts the connection for some seconds, as a tunnel would. */
  drop(seconds) {
    if (this.#back_at) return;
    this.#back_at = performance.now() + seconds * 1000;
    this.#client.close();
    setTimeout(() => {
      this.#back_at = 0;
      this.open();
    }, seconds * 1000);
  }

  /** Seconds until a dropped connection comes back; 0 when it was not dropped. */
  get back_in_s() {
    return this.#back_at ? Math.max(1, Math.ceil((this.#back_at - performance.now()) / 1000)) : 0;
  }

  /** Shows the message at once and sends it now or, when there is no connection, later. */
  send(text, reply_to) {
    const draft = this.#draft(text, reply_to);
    this.#deliver(draft);
  }

  /** Sends one message two times. There will be one, and the second answer says so. */
  async sendTwice(text) {
    const draft = this.#draft(text);
    const [, second] = await Promise.all([this.#deliver(draft), this.#deliver(draft)]);
    if (second?.replayed) this.onNotice("Sent twice, stored once: the second answer says “replayed”.");
  }

  retry(client_msg_id) {
    const draft = this.store.unsent.find((each) => each.client_msg_id === client_msg_id);
    this.store.draft(draft);
    this.onChange();
    this.#deliver(draft);
  }

  discard(client_msg_id) {
    this.store.discard(client_msg_id);
    this.onChange();
  }

  edit(id, text) {
    return this.#change("edit-message", { id, text });
  }

  remove(id) {
    return this.#change("delete-message", { id });
  }

  /** Tells the others, at most every three seconds. */
  typing() {
    if (performance.now() - this.#typed_at < TYPING_REPEAT_MS) return;
    this.#typed_at = performance.now();
    this.#tell("typing");
  }

  stopTyping() {
    if (this.#typed_at === -Infinity) return;
    this.#typed_at = -Infinity;
    this.#tell("stop-typing");
  }

  /** Marks everything known as read, once per message. */
  async markRead() {
    const { last_seq, me } = this.store;
    if (this.state !== "connected" || last_seq <= Math.max(this.#marked, this.store.readBy(me))) return;
    this.#marked = last_seq;
    try {
      await this.#call("mark-read", { conversation_id: this.store.conversation_id, seq: last_seq });
      this.store.read(me, last_seq);
    } catch {
      this.#marked = 0; // asked again with the next change
    }
  }

  /** Reads the page of history before what is shown. Returns false at the beginning. */
  async loadEarlier() {
    const { first_seq, conversation_id } = this.store;
    if (first_seq === 1) return false;
    const query = { conversation_id, limit: PAGE, ...(first_seq && { before_seq: first_seq }) };
    const { items } = await this.#login.request("GET", "/api/messages", { query });
    this.store.merge(items);
    this.onChange();
    return items.length > 0;
  }

  #use(login) {
    this.#login = login;
    login.onEnd = () => this.#end();
  }

  // Somebody ended the session, here or elsewhere: there is nothing to reconnect with.
  #end() {
    if (this.state === "ended") return;
    clearTimeout(this.#refresh);
    this.state = "ended";
    this.#client.close();
    this.onChange();
  }

  #draft(text, reply_to) {
    const draft = { client_msg_id: crypto.randomUUID(), text, reply_to, created_at: new Date().toISOString() };
    this.store.draft(draft);
    this.stopTyping();
    this.onChange();
    return draft;
  }

  async #deliver({ client_msg_id, text, reply_to }) {
    const { conversation_id } = this.store;
    const request = { conversation_id, client_msg_id, text, ...(reply_to && { reply_to }) };
    try {
      const ack = await this.#call("send-message", request);
      if (ack.replayed) this.replayed.add(client_msg_id);
      this.store.merge([ack.data]);
      return ack;
    } catch (error) {
      // Without a connection it waits for the next one: repeating is safe, since the id stays the same.
      if (!(error instanceof Disconnected)) this.store.fail(client_msg_id, error.message);
    } finally {
      this.onChange();
    }
  }

  async #change(event, request) {
    try {
      const { data } = await this.#call(event, request);
      this.store.merge([data]);
      this.onChange();
      return true;
    } catch (error) {
      this.onNotice(error instanceof Disconnected ? "Not connected: try again in a moment." : error.message);
      return false;
    }
  }

  #tell(event) {
    const { conversation_id } = this.store;
    this.#call(event, { conversation_id }).catch(() => {}); // a lost one does no harm
  }

  async #call(event, request) {
    const sent = performance.now();
    const ack = await this.#client.emit(event, request);
    this.onRecord({ type: `${event} ack`, took_ms: performance.now() - sent, body: { request, ack } });
    if (!ack.ok) throw new Problem(ack.problem);
    return ack;
  }

  #received(event, data) {
    this.onRecord({ type: event, body: data });
    if (event === "hello") this.#greeted(data);
    else if (event === "resumed") this.#resumed(data);
    else if (event === "resync-required") this.#sync(() => this.#caughtUp("caught up by sync"));
    else if (event === "auth-expiring") this.#renew();
    else if (event === "session-revoked") this.#end();
    else if (data.event_id !== undefined) this.#changed(data);
  }

  // A first connection starts where the logs stand; later ones wait for `resumed` before anything is sent.
  async #greeted(hello) {
    if (this.store.place) return;
    this.store.start(hello);
    this.#flush();
    await this.loadEarlier();
  }

  #resumed({ replayed, user_pos, positions }) {
    this.store.settle({ user_pos, positions });
    this.#caughtUp(`${replayed} ${replayed === 1 ? "event" : "events"} replayed`);
  }

  #caughtUp(how) {
    this.#flush();
    this.onNotice(`Resumed: ${how}.`);
  }

  #flush() {
    for (const draft of this.store.waiting) this.#deliver(draft);
    this.onChange();
  }

  #changed(change) {
    if (this.store.misses(change)) return this.#sync();
    if (!this.store.apply(change)) return;
    if (change.type === "typing") this.#expireTyping(change.data.typing.user_id);
    this.onChange();
  }

  // A lost stop-typing must not leave somebody writing for ever.
  #expireTyping(user_id) {
    clearTimeout(this.#typing_timers.get(user_id));
    const expire = () => {
      this.store.stopTyping(user_id);
      this.onChange();
    };
    this.#typing_timers.set(user_id, setTimeout(expire, TYPING_ENDS_MS));
  }

  // Fetches what was missed. What turns out to be missing meanwhile is fetched by the same run.
  async #sync(then = () => {}) {
    this.#sync_again = true;
    try {
      this.#syncing ??= this.#readPages().finally(() => (this.#syncing = null));
      await this.#syncing;
      then();
    } catch (error) {
      if (!(error instanceof Disconnected)) this.onNotice(error.message); // else the next connection resumes
    }
  }

  async #readPages() {
    while (this.#sync_again) {
      this.#sync_again = false;
      const { data } = await this.#call("sync", this.store.place);
      for (const change of data.events) this.store.apply(change);
      this.store.settle(data);
      this.#sync_again ||= data.has_more;
      this.onChange();
    }
  }

  #entered(state, detail) {
    if (this.state !== "ended") this.state = state;
    this.onRecord({
      type: `socket ${state}`,
      body: { state, reason: detail.error?.message, retry_in_ms: detail.delay_ms },
    });
    this.onChange();
  }

  // A token that ended while the machine slept is replaced by the next attempt.
  #refused({ message, data }) {
    this.onRecord({ type: "socket refused", body: data });
    if (data?.code === "SESSION_REVOKED") this.#end();
    else if (data?.code === "TOKEN_EXPIRED") this.#login.expire();
    else if (!data?.retryable) this.onNotice(message);
    return data?.code === "TOKEN_EXPIRED" || data?.retryable === true;
  }

  #scheduleRefresh() {
    clearTimeout(this.#refresh);
    if (this.state === "ended") return;
    this.#refresh = setTimeout(() => this.#renew(), this.#login.refresh_in_s * 1000);
  }

  async #renew() {
    try {
      await this.#login.refresh();
      await this.#call("auth-refresh", { token: await this.#login.token() });
    } catch {
      // Without a connection the next one carries the new token.
    }
    this.#scheduleRefresh();
  }
}
