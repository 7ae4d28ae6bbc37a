// A client's place: how far it has applied each conversation's log, and its own. Pure.

export class Places {
  #user_pos = 0;
  #positions = null; // conversation id -> pos, known once the first hello came

  /** As `resume` and `sync` want it; undefined before the first hello. */
  get value() {
    if (!this.#positions) return undefined;
    return { user_pos: this.#user_pos, positions: Object.fromEntries(this.#positions) };
  }

  /** Where a conversation's log is applied to. */
  of(conversation_id) {
    return this.#positions?.get(conversation_id) ?? 0;
  }

  /** A new client starts where the logs stand now; what was before is read as history. */
  start(place) {
    this.#positions ??= new Map();
    this.settle(place);
  }

  /** Moves forward to where an answer says that it is now. */
  settle({ user_pos, positions }) {
    this.#user_pos = Math.max(this.#user_pos, user_pos);
    for (const [id, pos] of Object.entries(positions)) this.#advance(id, pos);
  }

  /** True when changes before this one have not come: they have to be fetched first. */
  misses({ conversation_id, pos, user_pos }) {
    if (pos > 0) return this.#positions.has(conversation_id) && pos > this.of(conversation_id) + 1;
    return user_pos > this.#user_pos + 1;
  }

  /** Passes a change. Returns false for one that was passed before. */
  pass({ conversation_id, pos, user_pos }) {
    if (pos > 0 && pos <= this.of(conversation_id)) return false;
    if (user_pos > 0 && user_pos <= this.#user_pos) return false;
    if (pos > 0) this.#advance(conversation_id, pos);
    if (user_pos > 0) this.#user_pos = user_pos;
    return true;
  }

  /** A conversation that one is not in any more; who comes back begins anew. */
  leave(conversation_id) {
    this.#positions?.delete(conversation_id);
  }

  #advance(id, pos) {
    this.#positions.set(id, Math.max(this.of(id), pos));
  }
}
