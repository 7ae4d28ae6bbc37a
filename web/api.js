// REST calls of the pages: JSON in, JSON out, problems as errors, and a log-in that keeps its token fresh.

const REFRESH_AHEAD_S = 30;

/** What the server answered instead of a result: the fields of its problem (`status`, `code`, `detail`, …). */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || problem.code);
    Object.assign(this, problem);
  }
}

/** Calls the API. Resolves with the body, or null when there is none; rejects with Problem. */
export async function request(method, path, { query = {}, body, token } = {}) {
  const search = new URLSearchParams(query).toString();
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
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

/** An open session. Made by `Login.open`. */
export class Login {
  #tokens;
  #fresh_until;
  #refreshing = null;

  constructor(tokens) {
    this.user = tokens.user;
    this.#keep(tokens);
  }

  static async open(username, password, device) {
    return new Login(await request("POST", "/api/users/login", { body: { username, password, device } }));
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

  async request(method, path, options = {}) {
    return request(method, path, { ...options, token: await this.token() });
  }

  async #trade() {
    const { refresh_token } = this.#tokens;
    this.#keep(await request("POST", "/api/users/token/refresh", { body: { refresh_token } }));
  }

  #keep(tokens) {
    this.#tokens = tokens;
    this.#fresh_until = performance.now() + Math.max(1, tokens.expires_in - REFRESH_AHEAD_S) * 1000;
  }
}
