// What people are told of problems.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Problem } from "../../../web/api.js";
import { atFields, inWords, passwordHint, waitInWords, waitOf } from "../../../web/words.js";

const problem = (code, more = {}) => new Problem({ code, detail: "As the server says it.", errors: [], ...more });

describe("inWords", () => {
  it("keeps the server's words where it has none of its own", () => {
    assert.equal(inWords(problem("CONTACT_REFUSED")), "As the server says it.");
  });

  it("says of a lost connection that it is one", () => {
    assert.match(inWords(new TypeError("Failed to fetch")), /cannot be reached/);
  });

  it("names the id by which a fault is found, when there is one", () => {
    assert.match(inWords(problem("INTERNAL", { metadata: { error_id: "e-17" } })), /noted as e-17\.$/);
    assert.doesNotMatch(inWords(problem("INTERNAL")), /noted|undefined/);
  });

  it("has the same words for everything that only takes patience", () => {
    const [first, ...rest] = ["OVERLOADED", "UNAVAILABLE", "DRAINING", "DEADLINE_EXCEEDED"];
    for (const code of rest) assert.equal(inWords(problem(code)), inWords(problem(first)));
  });
});

describe("atFields", () => {
  const names = ["username", "email", "password"];
  const violated = (...errors) => problem("INVALID_REQUEST", { errors, detail: "all of it" });

  it("puts a taken name at the name", () => {
    const { fields, rest } = atFields(problem("USERNAME_TAKEN"), names);
    assert.deepEqual([Object.keys(fields), rest], [["username"], ""]);
  });

  it("puts a common password at the new one where there are two", () => {
    assert.deepEqual(Object.keys(atFields(problem("PASSWORD_TOO_COMMON"), names).fields), ["password"]);
    const two = ["password", "new_password"];
    assert.deepEqual(Object.keys(atFields(problem("PASSWORD_TOO_COMMON"), two).fields), ["new_password"]);
    assert.deepEqual(Object.keys(atFields(problem("PASSWORD_WRONG"), two).fields), ["password"]);
  });

  it("says at no field what belongs to one that the form lacks", () => {
    const { fields, rest } = atFields(problem("USERNAME_TAKEN"), ["email"]);
    assert.deepEqual([fields, rest], [{}, "That name is taken."]);
  });

  it("puts each violation at its field, as a sentence", () => {
    const { fields, rest } = atFields(
      violated(
        { pointer: "/password", code: "string.min_len", detail: "must be at least 8 characters" },
        { pointer: "/email", code: "string.email", detail: "Must be an address." },
      ),
      names,
    );
    assert.deepEqual(fields, { password: "Must be at least 8 characters.", email: "Must be an address." });
    assert.equal(rest, "");
  });

  it("explains patterns by what they mean", () => {
    const { fields } = atFields(violated({ pointer: "/username", code: "string.pattern", detail: "^[a-z]$" }), names);
    assert.match(fields.username, /3 to 32 letters/);
  });

  it("says above the button what is at no field", () => {
    const { fields, rest } = atFields(violated({ pointer: "/workspace_id", code: "x", detail: "is odd" }), names);
    assert.deepEqual([fields, rest], [{}, "all of it"]);
  });
});

describe("waiting", () => {
  it("is asked for by limits and locks alone", () => {
    assert.equal(waitOf(problem("RATE_LIMITED", { status: 429, retry_after_s: 42 })), 42);
    assert.equal(waitOf(problem("LOGIN_LOCKED", { status: 403, retry_after_s: 900 })), 900);
    assert.equal(waitOf(problem("UNAVAILABLE", { status: 503, retry_after_s: 1 })), 0);
    assert.equal(waitOf(problem("RATE_LIMITED", { status: 429, retry_after_s: null })), 0);
  });

  it("is told once in words", () => {
    assert.equal(waitInWords(42), "Try again in 42 seconds.");
  });
});

describe("passwordHint", () => {
  it("counts what people see, not code units", () => {
    assert.equal(passwordHint("🦊🦊🦊🦊"), "4 more characters.");
    assert.equal(passwordHint("1234567"), "One more character.");
  });

  it("is content with length, and glad of more", () => {
    assert.match(passwordHint("abcdefgh"), /^Long enough/);
    assert.equal(passwordHint("correct horse battery"), "Good.");
  });

  it("warns of one letter over and over, and of too much", () => {
    assert.match(passwordHint("aaaaaaaaaaaaaaaaaa"), /^Easy to guess/);
    assert.match(passwordHint("é".repeat(513)), /1,024 bytes/);
  });
});
