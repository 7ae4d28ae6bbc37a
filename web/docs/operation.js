// One operation: what it does and takes on the left, the request to try on the right.

import { element } from "../element.js";
import { fieldList, fieldRow, prose } from "./fields.js";
import { typeName } from "./schema.js";
import { tryIt } from "./tryit.js";

/** The operations of a document, in its order: `{id, title, tag, method, path, …}`. */
export function operationsOf({ paths }) {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({
      ...operation,
      path,
      method: verb.toUpperCase(),
      id: operation.operationId,
      title: titleOf(operation.operationId),
      tag: operation.tags[0],
    })),
  );
}

/** `MessageService_SendMessage` → `Send message`. */
function titleOf(operationId) {
  const words = operationId.split("_")[1].replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0].toUpperCase() + words.slice(1);
}

/** `get`, `post` … as a coloured word. */
export function methodBadge(method) {
  return element("span", { class: `method ${method.toLowerCase()}` }, method);
}

/** The section of an operation; `session` is what its requests are tried with. */
export function operationSection(operation, components, session) {
  const { id, title, method, path, description } = operation;
  return element(
    "section",
    { class: "operation", id, "aria-labelledby": `${id}-title` },
    element(
      "div",
      { class: "about" },
      element("h3", { id: `${id}-title` }, element("a", { href: `#${id}` }, title)),
      element("p", { class: "line" }, methodBadge(method), element("code", {}, path)),
      element("p", { class: "description" }, prose(description)),
      facts(operation),
      parameters(operation, components),
      body(operation, components),
      answers(operation, components),
    ),
    tryIt(operation, components, session),
  );
}

function facts(operation) {
  const event = operation["x-socket-event"];
  return element(
    "ul",
    { class: "facts" },
    element("li", {}, operation.security?.length ? "Needs an access token" : "Open to anybody"),
    event && element("li", {}, "Socket event ", element("a", { href: `#event-${event}` }, event)),
  );
}

function parameters({ parameters: all = [] }, components) {
  return ["path", "query"]
    .map((place) => {
      const rows = all.filter((each) => each.in === place).map((each) => fieldRow(each, components, { sent: true }));
      return (
        rows.length > 0 && [
          element("h4", {}, place === "path" ? "Path" : "Query"),
          element("ul", { class: "fields" }, rows),
        ]
      );
    })
    .flat();
}

function body({ requestBody }, components) {
  const schema = requestBody?.content["application/json"].schema;
  return schema && [element("h4", {}, "Body"), fieldList(schema, components, { sent: true })];
}

function answers({ responses }, components) {
  const rows = Object.entries(responses).filter(([status]) => status !== "default");
  return [element("h4", {}, "Answers"), ...rows.map(([status, response]) => answer(status, response, components))];
}

function answer(status, { description, content = {}, headers = {} }, components) {
  const schema = Object.values(content)[0]?.schema;
  const names = Object.keys(headers);
  return element(
    "details",
    { class: "answer" },
    element(
      "summary",
      {},
      element("span", { class: "status good" }, status),
      schema && element("span", { class: "type" }, typeName(schema)),
      element("span", {}, description),
    ),
    names.length > 0 &&
      element(
        "p",
        { class: "rules" },
        "Headers: ",
        names.map((name) => element("code", {}, name)),
      ),
    schema && fieldList(schema, components),
  );
}
