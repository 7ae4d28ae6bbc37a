// The account of who is logged in: one copy for the whole page, and who wants to hear of its changes.

export class Me {
  #login;
  #listeners = new Set();

  /** As the server answered last; null before it has. */
  account = null;

  constructor(login) {
    this.#login = login;
  }

  /** Calls `listener(account)` with every new version. Returns what ends that. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the API as this person. */
  request(method, path, options) {
    return this.#login.request(method, path, options);
  }

  /** Reads the account again. */
  async load() {
    this.set(await this.request("GET", "/api/users/me"));
  }

  /** Takes the version that a change was answered with. */
  set(account) {
    if (account.etag === this.account?.etag) return;
    this.account = account;
    this.#login.know(account);
    for (const listener of this.#listeners) listener(account);
  }

  async logOut() {
    await this.request("POST", "/api/users/logout", { body: {} });
    this.#login.forget();
  }

  /** The session went with the account. */
  forget() {
    this.#login.forget();
  }
}
