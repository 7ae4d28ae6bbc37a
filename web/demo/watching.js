// Hears how the people are who are shown: tells the server whom to tell of, anew with each connection, and no more of
// those who are not shown any more. One call at a time; what fails leaves people unknown.

import { Problem } from "../api.js";

const AGAIN_AFTER_MS = 10_000; // then twice as long each time
const AGAIN_AT_MOST_MS = 300_000;
const NOBODY = { people: [], group: null };

export class Watching {
  #call;
  #presences;
  #onChange;
  #wanted = NOBODY;
  #asked = null; // what the server was asked for on this connection; null without one
  #connection = 0;
  #running = false;
  #newer = new Set(); // ids of those who were told of while an answer is on its way
  #again; // timer
  #again_after_ms;
  #delay_ms;
  #anew = false;

  /** `call(event, data)` goes over the socket; `presences` is fed, and `onChange()` called after that. */
  constructor({ call, presences, onChange, again_after_ms = AGAIN_AFTER_MS }) {
    this.#call = call;
    this.#presences = presences;
    this.#onChange = onChange;
    this.#again_after_ms = again_after_ms;
  }

  /** Whom to hear of from now on; see watchedFor. */
  watch(wanted) {
    this.#wanted = wanted;
    return this.#settle();
  }

  connected() {
    this.#asked = NOBODY;
    this.#connection += 1;
    this.#delay_ms = this.#again_after_ms;
    return this.#settle();
  }

  /** Without a connection nobody can tell how anybody is. */
  lost() {
    clearTimeout(this.#again);
    this.#anew = false;
    this.#asked = null;
    this.#presences.keep([], "");
  }

  /** Takes in a change. */
  changed(presence) {
    this.#newer.add(presence.user_id);
    this.#presences.take(presence);
    this.#onChange();
  }

  async #settle() {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#asked && (await this.#step()));
    } finally {
      this.#running = false;
    }
  }

  // Makes one of the calls that are needed; false when none is. Leaving comes first: there is an upper limit.
  async #step() {
    const { people, group } = this.#wanted;
    const asked = this.#asked;
    const gone = without(asked.people, people);
    const left = asked.group && asked.group.id !== group?.id ? [asked.group.id] : [];
    if (gone.length || left.length) {
      this.#asked = { people: without(asked.people, gone), group: left.length ? null : asked.group };
      this.#presences.keep(this.#asked.people, this.#asked.group?.id);
      await this.#ask("unsubscribe", { presence: gone, conversation_ids: left });
      return true;
    }
    if (this.#anew) return this.#forget();
    const come = without(people, asked.people);
    if (come.length) {
      this.#asked = { ...asked, people: [...asked.people, ...come] };
      await this.#ask("subscribe", { presence: come, conversation_ids: [] });
      return true;
    }
    if (!group || group.count === asked.group?.count) return false;
    this.#asked = { ...asked, group }; // also when somebody came or went: members are those of that moment
    const data = await this.#ask("subscribe", { presence: [], conversation_ids: [group.id] });
    if (data) this.#members(group, data);
    return true;
  }

  #members({ id }, { items, conversations }) {
    const ids = items.map(({ user_id }) => user_id);
    this.#presences.membersOf(id, ids, conversations[0].truncated);
    this.#onChange();
  }

  #forget() {
    this.#anew = false;
    this.#asked = NOBODY;
    return true;
  }

  // The data of the answer; nothing when there is none, or when it belongs to a connection that is over.
  async #ask(event, request) {
    const connection = this.#connection;
    const is_over = () => !this.#asked || this.#connection !== connection;
    this.#newer.clear();
    try {
      const { data } = await this.#call(event, request);
      if (is_over()) return;
      for (const each of data.items ?? []) if (!this.#newer.has(each.user_id)) this.#presences.take(each);
      this.#onChange();
      return data;
    } catch (error) {
      const is_final = error instanceof Problem && !error.retryable;
      if (!is_over() && !is_final) this.#later();
    }
  }

  // To ask twice does no harm: after a while everybody is asked for once more.
  #later() {
    clearTimeout(this.#again);
    const again = () => {
      this.#anew = true;
      this.#settle();
    };
    this.#again = setTimeout(again, this.#delay_ms);
    this.#delay_ms = Math.min(2 * this.#delay_ms, AGAIN_AT_MOST_MS);
  }
}

function without(ids, gone) {
  const set = new Set(gone);
  return ids.filter((id) => !set.has(id));
}
