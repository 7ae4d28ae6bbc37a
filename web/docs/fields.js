// Members of an object, with type, rules and description; inner objects unfold on demand.

import { element } from "../element.js";
import { fields, resolve, rules, typeName } from "./schema.js";

/** Text in which `backticks` are code. */
export function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/** A list of the members of `schema`; which of them are required is worth saying of requests only. */
export function fieldList(schema, components, { sent = false } = {}) {
  const rows = fields(schema, components).map((field) => fieldRow(field, components, { sent }));
  return rows.length ? element("ul", { class: "fields" }, rows) : element("p", { class: "none" }, "Nothing.");
}

/** One member, or one parameter. */
export function fieldRow({ name, schema, required, description, children }, components, { sent }) {
  const { enum: values, ...rest } = resolve(schema, components);
  const text = description || schema.description || "";
  const facts = rules(rest);
  return element(
    "li",
    {},
    element(
      "p",
      { class: "name" },
      element("code", {}, name),
      element("span", { class: "type" }, typeName(schema)),
      sent && required && element("span", { class: "required" }, "required"),
    ),
    text && element("p", {}, prose(text)),
    (values || facts.length > 0) &&
      element(
        "p",
        { class: "rules" },
        values?.map((value) => element("code", {}, value)),
        facts.join(" · "),
      ),
    children && innerFields(children, components, { sent }),
  );
}

function innerFields(schema, components, options) {
  const details = element("details", {}, element("summary", {}, `Fields of ${typeName(schema)}`));
  const unfold = () => details.append(fieldList(schema, components, options));
  details.addEventListener("toggle", unfold, { once: true });
  return details;
}
