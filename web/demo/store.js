// What one client knows: its place in the logs, and one conversation with the messages still on their way.
// Pure (no page, no network, no clock), so that the rules of resuming can be tested alone.

export class Store {
  #messages = new Map(); // by seq
  #unsent = new Map(); // by client_msg_id, in the order written
  #places = null; // conversation id -> pos, known once the first hello came
  #user_pos = 0;
  #read = new Map(); // user id -> last_read_seq
  #typing = new Set();

  constructor({ me, conversation }) {
    this.me = me;
    this.conversation_id = conversation.id;
    for (const member of conversation.members) this.#read.set(member.user.id, member.last_read_seq);
  }

  /** The client's place, as `resume` and `sync` want it; undefined before the first hello. */
  get place() {
    if (!this.#places) return undefined;
    return { user_pos: this.#user_pos, positions: Object.fromEntries(this.#places) };
  }

  /** A new client starts where the logs stand now; what was before is read as history. */
  start({ user_pos, positions }) {
    this.#places ??= new Map();
    this.settle({ user_pos, positions });
  }

  /** Moves the place forward to where an answer says that it is now. */
  settle({ user_pos, positions }) {
    this.#user_pos = Math.max(this.#user_pos, user_pos);
    for (const [id, pos] of Object.entries(positions)) this.#advance(id, pos);
  }

  /** True when changes before this one have not come: they have to be fetched first. */
  misses({ conversation_id, pos, user_pos }) {
    if (pos > 0) return this.#places.has(conversation_id) && pos > this.#places.get(conversation_id) + 1;
    return user_pos > this.#user_pos + 1;
  }

  /** Takes a change in. Returns false for one that was already known. */
  apply(change) {
    const { conversation_id, pos, user_pos } = change;
    if (pos > 0 && pos <= (this.#places.get(conversation_id) ?? 0)) return false;
    if (user_pos > 0 && user_pos <= this.#user_pos) return false;
    if (pos > 0) this.#advance(conversation_id, pos);
    if (user_pos > 0) this.#user_pos = user_pos;
    if (conversation_id === this.conversation_id) this.#take(change);
    return true;
  }

  /** Messages of a page of history, or of an answer. A version older than the known one changes nothing. */
  merge(messages) {
    for (const message of messages) {
      const known = this.#messages.get(message.seq);
      if (!known || message.version >= known.version) this.#messages.set(message.seq, message);
      if (message.sender.id === this.me) this.#unsent.delete(message.client_msg_id);
    }
  }

  /** A message of ours that is shown before the server has it. */
  draft({ client_msg_id, text, reply_to = "", created_at }) {
    this.#unsent.set(client_msg_id, { client_msg_id, text, reply_to, created_at, failure: "" });
  }

  /** The server said no, and why. */
  fail(client_msg_id, failure) {
    const draft = this.#unsent.get(client_msg_id);
    if (draft) this.#unsent.set(client_msg_id, { ...draft, failure });
  }

  /** Gives up a message of ours that was not sent. */
  discard(client_msg_id) {
    this.#unsent.delete(client_msg_id);
  }

  /** Ours that wait for an answer, in the order written: to be sent again, unchanged, after a reconnect. */
  get waiting() {
    return this.unsent.filter((draft) => !draft.failure);
  }

  get unsent() {
    return [...this.#unsent.values()];
  }

  /** By ascending seq. */
  get messages() {
    return [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
  }

  message(id) {
    return this.messages.find((message) => message.id === id);
  }

  /** Number of the earliest known message; 0 when there is none. */
  get first_seq() {
    return this.#messages.size ? Math.min(...this.#messages.keys()) : 0;
  }

  /** Number of the latest known message; 0 when there is none. */
  get last_seq() {
    return Math.max(0, ...this.#messages.keys());
  }

  /** Up to where a member has read. */
  readBy(user_id) {
    return this.#read.get(user_id) ?? 0;
  }

  /** Notes a read mark; marks never move back. */
  read(user_id, seq) {
    this.#read.set(user_id, Math.max(this.readBy(user_id), seq));
  }

  /** Up to where everybody else has read. */
  get read_by_others() {
    return Math.min(...[...this.#read].filter(([id]) => id !== this.me).map(([, seq]) => seq));
  }

  /** Ids of the others who write at the moment. */
  get typing() {
    return [...this.#typing];
  }

  stopTyping(user_id) {
    this.#typing.delete(user_id);
  }

  #advance(id, pos) {
    this.#places.set(id, Math.max(this.#places.get(id) ?? 0, pos));
  }

  #take({ type, data }) {
    const { message, receipt, unread, typing } = data;
    if (message) {
      this.merge([message]);
      if (type === "message-new") this.#typing.delete(message.sender.id);
    }
    if (receipt) this.read(receipt.user_id, receipt.last_read_seq);
    if (unread) this.read(this.me, unread.last_read_seq);
    if (type === "typing" && typing.user_id !== this.me) this.#typing.add(typing.user_id);
    if (type === "stop-typing") this.#typing.delete(typing.user_id);
  }
}
