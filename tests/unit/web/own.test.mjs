// The session of a tab: what is kept of it, and that two tabs never share one.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { kept, logIn, resume } from "../../../web/own.js";

const user = { id: "u", username: "ada", full_name: "Ada", avatar: "", email: "ada@example.com" };
const tokens = (name) => ({ access_token: name, refresh_token: `r ${name}`, expires_in: 600, session_id: "s" });
let answers; // by path
let held;

beforeEach(() => {
  const stored = new Map();
  held = new Set();
  globalThis.sessionStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  };
  const locks = {
    request: async (name, _options, callback) => {
      if (held.has(name)) throw new DOMException("patience ran out", "TimeoutError");
      held.add(name);
      return callback();
    },
  };
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: "Firefox/1 Linux", locks },
    configurable: true,
  });
  answers = {
    "/api/users/login": [200, { ...tokens("first"), user }],
    "/api/users/token/refresh": [200, tokens("next")],
  };
  globalThis.fetch = async (path, { body, headers }) => {
    const [status, answer] = typeof answers[path] === "function" ? answers[path](headers, body) : answers[path];
    return { ok: status < 400, status, text: async () => JSON.stringify(answer) };
  };
});

/** What a reload leaves: the storage, and no lock. */
const reload = () => held.clear();

describe("the session of a tab", () => {
  it("keeps no access token and no mail address", async () => {
    await logIn("ada", "secret");
    assert.deepEqual(kept(), {
      session_id: "s",
      refresh_token: "r first",
      user: { id: "u", username: "ada", full_name: "Ada", avatar: "" },
    });
  });

  it("goes on after a reload, and keeps each new refresh token", async () => {
    await logIn("ada", "secret");
    reload();
    const login = await resume();
    assert.equal(login.user.full_name, "Ada");
    assert.equal(await login.token(), "next");
    assert.equal(kept().refresh_token, "r next");
  });

  it("is not shared with a duplicated tab, which forgets its copy", async () => {
    await logIn("ada", "secret");
    assert.equal(await resume(), null);
    assert.equal(kept(), null);
  });

  it("is forgotten when the server ends it, and whoever shows it is told once", async () => {
    const login = await logIn("ada", "secret");
    const told = [];
    login.onEnd = ({ code }) => told.push(code);
    answers["/api/users/me"] = [401, { code: "SESSION_REVOKED" }];
    for (let twice = 0; twice < 2; twice++) {
      await assert.rejects(login.request("GET", "/api/users/me"), { code: "SESSION_REVOKED" });
    }
    assert.deepEqual([told, kept()], [["SESSION_REVOKED"], null]);
  });

  it("is not kept again by a trade that was under way when it was forgotten", async () => {
    const login = await logIn("ada", "secret");
    login.expire();
    const trade = login.refresh();
    login.forget();
    await trade;
    assert.equal(kept(), null);
  });

  it("survives a server that does not answer", async () => {
    await logIn("ada", "secret");
    reload();
    answers["/api/users/token/refresh"] = [503, { code: "UNAVAILABLE" }];
    const login = await resume();
    await assert.rejects(login.token(), { code: "UNAVAILABLE" });
    assert.equal(kept().refresh_token, "r first");
  });

  it("replaces a token that the server finds too old, once", async () => {
    const login = await logIn("ada", "secret");
    const seen = [];
    answers["/api/users/me"] = ({ authorization }) => {
      seen.push(authorization);
      return authorization === "Bearer next" ? [200, user] : [401, { code: "TOKEN_EXPIRED" }];
    };
    assert.deepEqual(await login.request("GET", "/api/users/me"), user);
    assert.deepEqual(seen, ["Bearer first", "Bearer next"]);
    answers["/api/users/me"] = [401, { code: "TOKEN_EXPIRED" }];
    await assert.rejects(login.request("GET", "/api/users/me"), { code: "TOKEN_EXPIRED" });
  });
});
