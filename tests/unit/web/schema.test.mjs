// Schemas as the reference shows them: names, rules, examples, and bodies to begin with.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { example, fields, resolve, rules, startingBody, typeName } from "../../../web/docs/schema.js";

const ref = (name) => ({ $ref: `#/components/schemas/${name}` });
const components = {
  Person: {
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "string", format: "uuid", description: "Who." },
      role: { type: "string", enum: ["unspecified", "owner", "guest"] },
      born_at: { type: ["string", "null"], format: "date-time" },
      friends: { type: "array", items: ref("Friend") },
      best: { anyOf: [ref("Friend"), { type: "null" }] },
      places: { type: "object", additionalProperties: { type: "integer" } },
    },
  },
  Friend: { type: "object", properties: { name: { type: "string" }, active: { type: "boolean" } } },
  Empty: { type: "object", properties: {} },
};

describe("names of types", () => {
  const cases = [
    [ref("Person"), "Person"],
    [{ type: "string" }, "string"],
    [{ type: "string", format: "uuid" }, "uuid"],
    [{ type: "integer", format: "int64" }, "integer"],
    [{ type: "string", enum: ["a"] }, "one of"],
    [{ type: ["integer", "null"] }, "integer or null"],
    [{ type: "array", items: ref("Friend") }, "list of Friend"],
    [{ type: "object", additionalProperties: { type: "string" } }, "map of string"],
    [{ anyOf: [ref("Friend"), { type: "null" }] }, "Friend or null"],
    [{}, "any"],
  ];
  for (const [schema, name] of cases) {
    it(`says ${name}`, () => assert.equal(typeName(schema), name));
  }
});

it("says the rules of a value in words, none where there are none", () => {
  assert.deepEqual(rules({ type: "string", minLength: 1, maxLength: 10_000, pattern: "^a$" }), [
    "1 to 10,000 characters",
    "matches ^a$",
  ]);
  assert.deepEqual(rules({ minItems: 1, uniqueItems: true, maxProperties: 16 }), [
    "at least 1 items",
    "at most 16 entries",
    "each once",
  ]);
  assert.deepEqual(rules({ minimum: 0 }), ["at least 0"]);
  assert.deepEqual(rules({ type: "string" }), []);
});

it("keeps what stands beside a reference", () => {
  assert.equal(resolve({ ...ref("Friend"), description: "Best one." }, components).description, "Best one.");
});

it("lists members with what is required, and finds the objects inside them", () => {
  const listed = fields(ref("Person"), components);
  assert.deepEqual(
    listed.filter((each) => each.required).map((each) => each.name),
    ["id"],
  );
  const inner = Object.fromEntries(listed.map(({ name, children }) => [name, children && typeName(children)]));
  assert.deepEqual(inner, {
    id: undefined,
    role: undefined,
    born_at: undefined,
    friends: "Friend",
    best: "Friend",
    places: undefined,
  });
});

it("makes an example that holds every member", () => {
  const friend = { name: "text", active: false };
  assert.deepEqual(example(ref("Person"), components), {
    id: "019a0000-0000-7000-8000-000000000001",
    role: "owner",
    born_at: "2026-01-31T12:00:00.000000Z",
    friends: [friend],
    best: friend,
    places: { key: 1 },
  });
  assert.deepEqual(example({ type: "integer", minimum: 5 }, components), 5);
  assert.deepEqual(example({ type: "string", minLength: 8 }, components), "textxxxx");
  assert.deepEqual(example({ const: "fixed" }, components), "fixed");
  assert.deepEqual(example({ type: "array" }, components), []);
});

it("takes samples by name, also for the items of a list", () => {
  const schema = {
    type: "object",
    properties: { ids: { type: "array", items: { type: "string" } }, name: { type: "string" } },
  };
  assert.deepEqual(example(schema, components, { id: "x", name: "" }), { ids: ["x"], name: "" });
});

it("begins a body with what is required and what is known, or else with the first member", () => {
  assert.deepEqual(startingBody(ref("Person"), components, { places: {} }), {
    id: "019a0000-0000-7000-8000-000000000001",
    places: {},
  });
  assert.deepEqual(startingBody(ref("Friend"), components, {}), { name: "text" });
  assert.deepEqual(startingBody(ref("Empty"), components, {}), {});
});
