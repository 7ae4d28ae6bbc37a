// One person's connection: log-in, socket, place, what is on its way, and catching up. It feeds a Store and tells its
// owner of every change; it knows nothing of the page. What else the person does is in acts.js.

import { Problem } from "../api.js";
import { connect, Disconnected } from "../socketio.js";
import { inWords } from "../words.js";
import { load } from "./load.js";
import { Places } from "./places.js";
import { Store } from "./store.js";
import { Watching } from "./watching.js";

const TYPING_ENDS_MS = 6_000;
const DELIVERED_AFTER_MS = 250;
const TOO_MUCH = 200; // changes of one conversation after which it is read anew instead

export class Session {
  #login;
  #again;
  #client = null;
  #back_at = 0;
  #refresh;
  #hello = null;
  #syncing = null;
  #sync_again = false;
  #typing_timers = new Map();
  #delivered = new Map(); // conversation id -> timer
  #held = null; // changes that wait until something was read, in their order

  /** Called after anything changed; set by whoever shows the session. */
  onChange = () => {};
  /** Called with what the person should be told. */
  onNotice = () => {};
  /** Called with a message that somebody else has just written, and its room. */
  onMessage = () => {};

  /**
   * `onRecord({type, body, took_ms?})` is told of every event and every answer; `again()` opens another session of the
   * same person, where the page can.
   */
  constructor({ login, again, onRecord }) {
    this.#use(login);
    this.#again = again;
    this.user = login.user;
    this.store = new Store(login.user);
    this.watching = new Watching({
      call: (event, data) => this.call(event, data),
      presences: this.store.presences,
      onChange: () => this.onChange(),
    });
    this.onRecord = onRecord;
    this.state = "closed";
    this.loaded = false;
    this.replayed = new Set();
  }

  /** Opens the socket, which stays open but for `drop`, and until the session is ended. */
  open() {
    if (this.state === "ended") return;
    this.#client = connect({
      url: location.origin,
      auth: async () => ({
        token: await this.#login.token(),
        resume: this.loaded ? this.store.places.value : undefined,
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

  /** A REST call as the person. */
  request(method, path, options) {
    return this.#login.request(method, path, options);
  }

  /** A call over the socket. Resolves with the whole answer; rejects with Problem, Disconnected or AckTimeout. */
  async call(event, request) {
    const sent = performance.now();
    const ack = await this.#client.emit(event, request);
    this.onRecord({ type: `${event} ack`, took_ms: performance.now() - sent, body: { request, ack } });
    if (!ack.ok) throw new Problem(ack.problem);
    return ack;
  }

  /** Shows a message at once and sends it now or, when there is no connection, later. `times` says how often. */
  async send(room, message, times = 1) {
    const client_msg_id = crypto.randomUUID();
    const draft = { ...message, client_msg_id, created_at: new Date().toISOString() };
    room.draft(draft);
    this.onChange();
    const answers = await Promise.all(Array.from({ length: times }, () => this.#deliver(room, draft)));
    return answers.at(-1);
  }

  /** Sends a message once more that was refused. */
  retry(room, client_msg_id) {
    const draft = room.unsent.find((each) => each.client_msg_id === client_msg_id);
    room.draft(draft);
    this.onChange();
    this.#deliver(room, draft);
  }

  /** Carries out `read`, and keeps changes waiting meanwhile: what it takes in is older than they are, or the same. */
  async reading(read) {
    const outermost = this.#held === null;
    this.#held ??= [];
    try {
      return await read();
    } finally {
      if (outermost) this.#release();
    }
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

  async #deliver(room, { created_at: _, failure: __, ...message }) {
    try {
      const ack = await this.call("send-message", { conversation_id: room.id, ...message });
      if (ack.replayed) this.replayed.add(message.client_msg_id);
      room.answered(ack.data);
      return ack;
    } catch (error) {
      // Without a connection it waits for the next one: repeating is safe, since the id stays the same.
      if (!(error instanceof Disconnected)) room.fail(message.client_msg_id, inWords(error));
    } finally {
      this.onChange();
    }
  }

  #received(event, data) {
    this.onRecord({ type: event, body: data });
    if (event === "hello") this.#greeted(data);
    else if (event === "resumed") this.#resumed(data);
    else if (event === "resync-required") this.#resync(data);
    else if (event === "auth-expiring") this.#renew();
    else if (event === "session-revoked") this.#end();
    else if (event === "presence-update") this.watching.changed(data);
    else if (data.event_id !== undefined) this.#changed(data);
  }

  // A first connection starts where the logs stand; later ones wait for `resumed` before anything is sent.
  async #greeted(hello) {
    this.#hello = hello;
    if (!this.loaded) await this.#begin();
  }

  async #begin() {
    this.store.places.start(this.#hello);
    try {
      await this.reading(() => load(this));
      this.loaded = true;
      this.#flush();
    } catch (error) {
      if (this.state === "connected") this.onNotice(inWords(error));
    }
    this.onChange();
  }

  #resumed({ replayed, user_pos, positions }) {
    this.store.places.settle({ user_pos, positions });
    this.#caughtUp(`${replayed} ${replayed === 1 ? "event" : "events"} replayed`);
  }

  // Too much was missed for one replay, or the server's logs are younger than our place: then nothing of it holds.
  #resync({ reason }) {
    if (reason !== "POSITION_AHEAD") return this.#sync(() => this.#caughtUp("caught up by sync"));
    this.store.places = new Places();
    for (const room of this.store.rooms) this.store.leave(room.id);
    return this.#begin();
  }

  #caughtUp(how) {
    this.#flush();
    this.onNotice(`Resumed: ${how}.`);
  }

  #flush() {
    for (const room of this.store.rooms) {
      for (const draft of room.waiting) this.#deliver(room, draft);
      if (room.conversation.unread_count) this.#deliveredSoon(room);
    }
    this.onChange();
  }

  #changed(change) {
    if (this.#held) return void this.#held.push(change);
    if (this.store.places.misses(change)) return void this.#sync();
    const wanted = new Set();
    if (!this.store.apply(change, wanted)) return;
    const { type, conversation_id, data } = change;
    if (type === "typing") this.#expireTyping(conversation_id, data.typing.user_id);
    if (type === "message-new" && data.message.sender.id !== this.user.id) this.#news(data.message);
    if (wanted.size) this.#readAnew(wanted);
    this.onChange();
  }

  #release() {
    const held = this.#held;
    this.#held = null;
    for (const change of held) this.#changed(change);
  }

  #news(message) {
    const room = this.store.room(message.conversation_id);
    if (!room) return;
    this.#deliveredSoon(room);
    this.onMessage(message, room);
  }

  // One call for all that comes at once; what was read meanwhile has been delivered, too.
  #deliveredSoon(room) {
    if (this.#delivered.has(room.id)) return;
    const tell = () => {
      this.#delivered.delete(room.id);
      const { last_seq } = room.conversation;
      if (this.state !== "connected" || room.read_seq >= last_seq) return;
      this.call("mark-delivered", { conversation_id: room.id, seq: last_seq }).catch(() => {}); // told with the next one
    };
    this.#delivered.set(room.id, setTimeout(tell, DELIVERED_AFTER_MS));
  }

  async #readAnew(ids) {
    try {
      await this.reading(async () => {
        for (const id of ids) {
          const conversation = await this.request("GET", `/api/messages/conversations/${id}`);
          this.store.know(conversation);
        }
      });
    } catch (error) {
      if (error.status !== 404) this.onNotice(inWords(error)); // else one is not in it any more
    }
    this.onChange();
  }

  // A lost stop-typing must not leave somebody writing for ever.
  #expireTyping(conversation_id, user_id) {
    const key = `${conversation_id} ${user_id}`;
    clearTimeout(this.#typing_timers.get(key));
    const expire = () => {
      this.#typing_timers.delete(key);
      this.store.room(conversation_id)?.stopTyping(user_id);
      this.onChange();
    };
    this.#typing_timers.set(key, setTimeout(expire, TYPING_ENDS_MS));
  }

  // Fetches what was missed. What turns out to be missing meanwhile is fetched by the same run.
  async #sync(then = () => {}) {
    this.#sync_again = true;
    try {
      this.#syncing ??= this.#readPages().finally(() => (this.#syncing = null));
      await this.#syncing;
      then();
    } catch (error) {
      if (!(error instanceof Disconnected)) this.onNotice(inWords(error)); // else the next connection resumes
    }
  }

  async #readPages() {
    while (this.#sync_again) {
      this.#sync_again = false;
      const wanted = new Set();
      const { data } = await this.call("sync", { ...this.store.places.value, max_per_conversation: TOO_MUCH });
      for (const change of data.events) this.store.apply(change, wanted);
      for (const { conversation_id } of data.limited ?? []) {
        this.store.room(conversation_id)?.forget();
        wanted.add(conversation_id);
      }
      this.store.places.settle(data);
      if (wanted.size) await this.#readAnew(wanted);
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
    if (state === "connected") this.watching.connected();
    else this.watching.lost();
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
      await this.call("auth-refresh", { token: await this.#login.token() });
    } catch {
      // Without a connection the next one carries the new token.
    }
    this.#scheduleRefresh();
  }
}
