// REST calls of the pages: JSON in, JSON out, problems as errors, and a log-in that keeps its token fresh.

const REFRESH_AHEAD_S = 30;
const OVER = new Set(["SESSION_REVOKED", "REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_REUSED"]);

/** What the server answered instead of a result: the fields of its problem (`status`, `code`, `detail`, …). */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || problem.code);
    Object.assign(this, problem);
  }
}

/**
 * Calls the API. Resolves with the body, or null when there is none; rejects with Problem. `etag` is the version that
 * is to be changed, `key` makes a repeat of the same call harmless.
 */
export async function request(method, path, { query = {}, body, token, etag, key } = {}) {
  const search = new URLSearchParams(query).toString();
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  if (etag) headers["if-match"] = `"${etag}"`;
  if (key) headers["idempotency-key"] = key;
  const response = await fetch(search ? `${path}?${search}` : path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (response.ok) return text ? JSON.parse(text) : null;
  throw new Problem(problemIn(text) ?? { status: response.status, code: "", detail: `HTTP ${response.status}` });
}

function problemIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's page, not an answer of ours
  }
}

/** An open session. Made by `Login.open`, or by `Login.resume` from what an earlier one kept. */
export class Login {
  #tokens;
  #fresh_until;
  #refreshing = null;
  #keep;
  #over = false;

  /** Called once with the server's problem when the session is over: revoked, expired, or its tokens were stolen. */
  onEnd = () => {};

  /** `keep({session_id, refresh_token, user})` is told of all that a later page needs, `keep(null)` of the end. */
  constructor(tokens, keep = () => {}) {
    this.#keep = keep;
    this.user = tokens.user;
    this.#take(tokens);
  }

  static async open(username, password, device, { code, keep } = {}) {
    const body = { username, password, device, ...(code && { code }) };
    return new Login(await request("POST", "/api/users/login", { body }), keep);
  }

  /** Goes on where `keep` was told; the first call trades the refresh token. */
  static resume(kept, keep) {
    const login = new Login({ ...kept, access_token: "", expires_in: 0 }, keep);
    login.expire();
    return login;
  }

  get session_id() {
    return this.#tokens.session_id;
  }

  /** Seconds from now at which the token should be replaced. */
  get refresh_in_s() {
    return Math.max(0, (this.#fresh_until - performance.now()) / 1000);
  }

  /** An access token that is good for a while. */
  async token() {
    if (this.refresh_in_s === 0) await this.refresh();
    return this.#tokens.access_token;
  }

  /** The server says that the token has ended, whatever the clock here says. */
  expire() {
    this.#fresh_until = 0;
  }

  /** Trades the refresh token for new tokens; callers at the same time share one trade. */
  refresh() {
    this.#refreshing ??= this.#trade().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Calls the API as the user; a token that the server finds too old is replaced, once. */
  async request(method, path, options = {}) {
    const token = await this.token();
    try {
      return await request(method, path, { ...options, token });
    } catch (error) {
      if (error.code !== "TOKEN_EXPIRED") throw this.#judged(error);
      if (token === this.#tokens.access_token) this.expire(); // else another call has replaced it meanwhile
    }
    try {
      return await request(method, path, { ...options, token: await this.token() });
    } catch (error) {
      throw this.#judged(error);
    }
  }

  /** The account as it is now, for the pages that come later. */
  know(user) {
    this.user = user;
    this.#keepOn();
  }

  /** Forgets the tokens, as after a log-out. */
  forget() {
    this.#over = true;
    this.#keep(null);
  }

  async #trade() {
    const { refresh_token } = this.#tokens;
    try {
      this.#take(await request("POST", "/api/users/token/refresh", { body: { refresh_token } }));
    } catch (error) {
      throw this.#judged(error);
    }
  }

  #take(tokens) {
    this.#tokens = tokens;
    this.#fresh_until = performance.now() + Math.max(1, tokens.expires_in - REFRESH_AHEAD_S) * 1000;
    this.#keepOn();
  }

  #keepOn() {
    if (this.#over) return;
    const { session_id, refresh_token } = this.#tokens;
    this.#keep({ session_id, refresh_token, user: this.user });
  }

  #judged(error) {
    if (OVER.has(error.code) && !this.#over) {
      this.forget();
      this.onEnd(error);
    }
    return error;
  }
}
