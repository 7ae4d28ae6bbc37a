// JSON schemas as people read them: names of types, rules in words, examples. Pure.

/** The schema that a reference stands for, with what stands beside the reference. */
export function resolve(schema, components) {
  if (!schema.$ref) return schema;
  const { $ref, ...beside } = schema;
  return { ...resolve(components[$ref.split("/").at(-1)], components), ...beside };
}

/** `string`, `uuid`, `list of Member`, `map of string`, `Message or null`. */
export function typeName(schema) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  const [type, ...others] = [schema.type ?? "any"].flat();
  return [plainName(type, schema), ...others].join(" or ");
}

function plainName(type, { format, items, additionalProperties, enum: values }) {
  if (type === "array") return `list of ${typeName(items ?? {})}`;
  if (type === "object" && additionalProperties?.type) return `map of ${typeName(additionalProperties)}`;
  if (values) return "one of";
  return type === "string" && format ? format : type;
}

/** What a value has to keep to, a few words each. */
export function rules(schema) {
  const { minLength, maxLength, minItems, maxItems, minimum, maximum, maxProperties, pattern, uniqueItems } = schema;
  return [
    range(minLength, maxLength, "characters"),
    range(minItems, maxItems, "items"),
    range(minimum, maximum, ""),
    range(undefined, maxProperties, "entries"),
    uniqueItems && "each once",
    pattern && `matches ${pattern}`,
  ].filter(Boolean);
}

function range(least, most, unit) {
  const words = (text) => `${text} ${unit}`.trim();
  if (least === undefined && most === undefined) return "";
  if (least === undefined) return words(`at most ${most.toLocaleString("en")}`);
  if (most === undefined) return words(`at least ${least.toLocaleString("en")}`);
  return words(`${least.toLocaleString("en")} to ${most.toLocaleString("en")}`);
}

/** The members of an object: `{name, schema, required, children}`; `children` is the schema of an object inside. */
export function fields(schema, components) {
  const { properties = {}, required = [] } = resolve(schema, components);
  return Object.entries(properties).map(([name, member]) => {
    const inner = innerObject(member, components);
    return { name, schema: member, required: required.includes(name), children: inner };
  });
}

// Looks through null, lists and maps for an object with members of its own.
function innerObject(schema, components) {
  const { anyOf, items, additionalProperties, properties } = resolve(schema, components);
  if (properties) return schema;
  const inner = anyOf?.find((each) => each.type !== "null") ?? items ?? (additionalProperties || undefined);
  return inner && innerObject(inner, components);
}

/** A value that the schema allows, with every member; `samples` gives better ones by name. */
export function example(schema, components, samples = {}, name = "") {
  if (Object.hasOwn(samples, name)) return samples[name];
  const { anyOf, type, enum: values, ...rest } = resolve(schema, components);
  if (rest.const !== undefined) return rest.const;
  if (anyOf)
    return example(
      anyOf.find((each) => each.type !== "null"),
      components,
      samples,
      name,
    );
  if (values) return values.find((value) => value !== "unspecified") ?? values[0];
  switch ([type].flat().find((each) => each !== "null")) {
    case "object":
      return objectExample(rest, components, samples);
    case "array":
      return rest.items ? [example(rest.items, components, samples, name.replace(/s$/, ""))] : [];
    case "integer":
    case "number":
      return Math.max(rest.minimum ?? 1, 1);
    case "boolean":
      return false;
    default:
      return FORMATS[rest.format] ?? "text".padEnd(rest.minLength ?? 0, "x");
  }
}

const FORMATS = {
  uuid: "019a0000-0000-7000-8000-000000000001",
  "date-time": "2026-01-31T12:00:00.000000Z",
  email: "ada@example.com",
  byte: "AAEC",
};

function objectExample({ properties = {}, additionalProperties }, components, samples) {
  const members = Object.entries(properties).map(([name, each]) => [name, example(each, components, samples, name)]);
  if (additionalProperties?.type) members.push(["key", example(additionalProperties, components, samples)]);
  return Object.fromEntries(members);
}

/** A body to begin with: what is required and what there are samples of, or else the first member. */
export function startingBody(schema, components, samples) {
  const all = fields(schema, components);
  const wanted = all.filter(({ name, required }) => required || Object.hasOwn(samples, name));
  const members = wanted.length ? wanted : all.slice(0, 1);
  return Object.fromEntries(members.map(({ name, schema: each }) => [name, example(each, components, samples, name)]));
}
