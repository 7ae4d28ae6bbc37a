// What is known of one conversation's messages: islands in a row of numbers without gaps. Pure.

export class History {
  #messages = new Map(); // by seq
  #by_id = new Map(); // id -> seq
  #hidden = new Set(); // numbers that were asked for and are not shown to us
  #touched = new Map(); // seq -> pos of the last change of the log that was about it
  #floor = 0;

  /**
   * Takes messages in. `as_of` is the place of the conversation's log that was applied when they were asked for: what
   * the log told later is not undone by an answer that was on its way. A version older than the known one changes
   * nothing.
   */
  merge(messages, as_of = Infinity) {
    for (const message of messages) {
      const known = this.#messages.get(message.seq);
      const late = (this.#touched.get(message.seq) ?? 0) > as_of;
      if (!known) this.#put(message);
      else if (message.version < known.version) continue;
      else if (!late) this.#put(message);
      else if (message.version > known.version) this.#put({ ...message, ...marksOf(known) });
    }
  }

  /**
   * Takes a page in, and notes which numbers between its ends are not for us. `query` is what it was asked with,
   * `last_seq` was the conversation's last number then.
   */
  page(messages, query, { as_of, last_seq }) {
    this.merge(messages, as_of);
    const { from, to, floor } = spanOf(messages, query, last_seq);
    for (let seq = from; seq <= to; seq++) if (!this.#messages.has(seq)) this.#hidden.add(seq);
    this.#floor = Math.max(this.#floor, floor);
  }

  /** Takes in what the log says at `pos`: the present state of a message. */
  tell(message, pos) {
    this.#touched.set(message.seq, Math.max(pos, this.#touched.get(message.seq) ?? 0));
    const known = this.#messages.get(message.seq);
    if (!known || message.version >= known.version) this.#put(message);
  }

  /** Changes fields of a known message, as the log says at `pos`. */
  patch(seq, pos, change) {
    this.#touched.set(seq, Math.max(pos, this.#touched.get(seq) ?? 0));
    const known = this.#messages.get(seq);
    if (known) this.#put({ ...known, ...change(known) });
  }

  /** Forgets everything: it will be read anew. */
  clear() {
    for (const each of [this.#messages, this.#by_id, this.#hidden, this.#touched]) each.clear();
    this.#floor = 0;
  }

  get(seq) {
    return this.#messages.get(seq);
  }

  find(id) {
    return this.#messages.get(this.#by_id.get(id));
  }

  /** Whether anything is known of a number, be it that it is not for us. */
  knows(seq) {
    return seq <= this.#floor || this.#messages.has(seq) || this.#hidden.has(seq);
  }

  /** Every number up to this one is known not to be for us. */
  get floor() {
    return this.#floor;
  }

  /** How many messages are known. */
  get size() {
    return this.#messages.size;
  }

  /** By ascending seq. */
  get messages() {
    return [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
  }

  /** The nearest known message before `seq` for which `test` holds, as far as numbers are known. */
  before(seq, test = () => true) {
    for (let at = seq - 1; at > this.#floor && this.knows(at); at--) {
      const message = this.#messages.get(at);
      if (message && test(message)) return message;
    }
  }

  #put(message) {
    this.#messages.set(message.seq, message);
    this.#by_id.set(message.id, message.seq);
    this.#hidden.delete(message.seq);
  }
}

const marksOf = ({ reactions, pinned_at, thread }) => ({ reactions, pinned_at, thread });

// Which numbers an answer says everything about; all up to `floor` are not for us.
function spanOf(messages, { before_seq, after_seq, around_seq, limit }, last_seq) {
  const [first, last] = [messages[0]?.seq, messages.at(-1)?.seq];
  if (after_seq !== undefined) return { from: after_seq + 1, to: last ?? last_seq, floor: 0 };
  if (around_seq !== undefined) return { from: first ?? 1, to: last ?? last_seq, floor: 0 };
  const to = before_seq !== undefined ? before_seq - 1 : (last ?? last_seq);
  const from = first ?? to + 1;
  return { from, to, floor: messages.length < limit ? from - 1 : 0 };
}

/** What to ask for next, so that all of `from`..`to` is known: a query of ListMessages, or null. */
export function nextPage(history, from, to, limit = 60) {
  let first = Math.max(from, 1);
  while (first <= to && history.knows(first)) first++;
  if (first > to) return null;
  let last = first;
  while (last < to && !history.knows(last + 1)) last++;
  if (last === to && first === from && !history.knows(first - 1) && !history.knows(last + 1)) {
    return { around_seq: Math.floor((first + last) / 2), limit };
  }
  if (history.knows(last + 1)) return { before_seq: last + 1, limit };
  if (first === 1 || history.knows(first - 1)) return { after_seq: first - 1, limit };
  return { before_seq: last + 1, limit };
}
