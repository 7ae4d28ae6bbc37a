// REST calls of the pages against a real HTTP server: bodies, problems, and tokens that stay fresh.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, it } from "node:test";

import { Login, Problem, request } from "../../../web/api.js";

let server;
let base;
let seen;
let answer; // (request) => [status, body text, content type]

beforeEach(async () => {
  seen = [];
  server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const part of incoming) body += part;
    const { method, url, headers } = incoming;
    seen.push({ method, url, headers, body });
    const [status, text] = answer(seen.at(-1));
    outgoing.writeHead(status).end(text);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${server.address().port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe("request", () => {
  it("sends query, body and token, and gives back the body", async () => {
    answer = () => [201, '{"id":"é"}'];
    const options = { query: { limit: 5, q: "a b" }, body: { text: "ü" }, token: "t" };
    assert.deepEqual(await request("POST", `${base}/api`, options), { id: "é" });
    const [{ method, url, headers, body }] = seen;
    assert.deepEqual([method, url, body], ["POST", "/api?limit=5&q=a+b", '{"text":"ü"}']);
    assert.deepEqual([headers.authorization, headers["content-type"]], ["Bearer t", "application/json"]);
  });

  it("claims no content type without a body, and gives null for an empty answer", async () => {
    answer = () => [204, ""];
    assert.equal(await request("DELETE", `${base}/api`), null);
    assert.deepEqual([seen[0].headers["content-type"], seen[0].headers.authorization], [undefined, undefined]);
  });

  it("names the version that is to be changed, and the key of a repeat", async () => {
    answer = () => [200, "{}"];
    await request("PATCH", `${base}/api`, { body: {}, etag: "a-1", key: "k" });
    assert.deepEqual([seen[0].headers["if-match"], seen[0].headers["idempotency-key"]], ['"a-1"', "k"]);
  });

  it("throws the server's problem", async () => {
    answer = () => [409, '{"status":409,"code":"CLIENT_MSG_ID_CONFLICT","detail":"Used before."}'];
    const expected = { code: "CLIENT_MSG_ID_CONFLICT", status: 409, message: "Used before." };
    await assert.rejects(request("GET", `${base}/api`), expected);
    await assert.rejects(request("GET", `${base}/api`), Problem);
  });

  it("makes a problem of an error page that is none", async () => {
    answer = () => [502, "<html>bad gateway"];
    await assert.rejects(request("GET", `${base}/api`), { status: 502, message: "HTTP 502" });
  });
});

describe("Login", () => {
  let trades;
  const real = globalThis.fetch;

  beforeEach(() => {
    trades = 0;
    globalThis.fetch = (path, options) => real(new URL(path, base), options);
    answer = ({ url, body }) => {
      if (url === "/api/users/login") return [200, tokens("first")];
      if (url !== "/api/users/token/refresh") return [200, "{}"];
      const known = JSON.parse(body).refresh_token === (trades++ ? "r next" : "r first");
      return known ? [200, tokens("next")] : [401, '{"code":"REFRESH_TOKEN_INVALID"}'];
    };
  });

  afterEach(() => {
    globalThis.fetch = real;
  });

  const tokens = (access_token) =>
    JSON.stringify({ access_token, refresh_token: `r ${access_token}`, expires_in: 600, user: { id: "u" } });

  it("keeps the token while it is good", async () => {
    const login = await Login.open("alice", "secret", "test");
    assert.deepEqual(JSON.parse(seen[0].body), { username: "alice", password: "secret", device: "test" });
    assert.equal(login.user.id, "u");
    assert.equal(await login.token(), "first");
    assert.ok(login.refresh_in_s > 500 && login.refresh_in_s <= 570);
    assert.equal(trades, 0);
  });

  it("trades one that has ended, once for all who ask at the same time", async () => {
    const login = await Login.open("alice", "secret", "test");
    login.expire();
    assert.deepEqual(await Promise.all([login.token(), login.token()]), ["next", "next"]);
    assert.equal(trades, 1);
    assert.equal(login.user.id, "u", "the answer to a refresh names nobody");
    login.expire();
    await login.request("GET", "/api/users/me");
    assert.equal(seen.at(-1).headers.authorization, "Bearer next");
    assert.equal(trades, 2, "each trade with the latest refresh token");
  });
});
