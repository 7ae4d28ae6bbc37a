// Requests as addresses and as lines for the shell.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { it } from "node:test";

import { address, curl } from "../../../web/docs/request.js";

it("fills the path, leaves what is not given, and sends only the query that has a value", () => {
  const path = "/api/messages/{id}:leave";
  assert.equal(address(path, { inPath: { id: "a/b c" } }), "/api/messages/a%2Fb%20c:leave");
  assert.equal(address(path, { inPath: { id: "" } }), path);
  assert.equal(
    address("/api/messages", { inQuery: { limit: "5", cursor: "", q: "a&b" } }),
    "/api/messages?limit=5&q=a%26b",
  );
});

it("says only what is needed", () => {
  assert.equal(curl({ method: "GET", url: "http://h/a" }), "curl 'http://h/a'");
  assert.match(
    curl({ method: "POST", url: "http://h/a", secured: true, stream: true }),
    /^curl -N -X POST .*\$TOKEN"$/s,
  );
});

it("is read by a shell as the request that it stands for, whatever the body holds", () => {
  const body = `{"text":"it's $HOME \`id\` \\\\ \\"quoted\\""}`;
  const line = curl({ method: "POST", url: "http://h/a?x=1&y=2", body, secured: true });
  const script = `TOKEN=t; curl() { printf '%s\\0' "$@"; }; ${line}`;
  const words = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
  const headers = ["-H", "Authorization: Bearer t", "-H", "Content-Type: application/json"];
  assert.deepEqual(words, ["-X", "POST", "http://h/a?x=1&y=2", ...headers, "-d", body]);
});
