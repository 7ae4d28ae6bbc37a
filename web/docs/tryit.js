// The request of an operation, ready to copy or to send, and the answer.

import { copyButton } from "../copy.js";
import { element } from "../element.js";
import { jsonBlock } from "../json.js";
import { address, curl } from "./request.js";
import { example, startingBody } from "./schema.js";

const SHOWN_HEADERS = /^(?:etag|location|retry-after|x-|idempotent|content-type|www-authenticate)/;

/** The card of an operation, whose requests are sent as `session` says. */
export function tryIt(operation, components, session) {
  return element("div", { class: "play" }, new Card(operation, components, session).node);
}

class Card {
  #operation;
  #session;
  #inputs;
  #editor;
  #line = element("pre", { class: "curl", tabindex: "0" });
  #answer = element("div", { class: "answer" });
  #send = element("button", { class: "button primary", type: "submit" }, "Send");
  #stop = element("button", { class: "button", type: "button", hidden: true }, "Stop");

  constructor(operation, components, session) {
    const { parameters = [], requestBody } = operation;
    const samples = session.samplesFor(operation);
    const schema = requestBody?.content["application/json"].schema;
    this.#operation = operation;
    this.#session = session;
    this.#inputs = parameters.map((each) => ({ ...each, input: parameterInput(each, operation, samples) }));
    this.#editor = schema && bodyEditor(startingBody(schema, components, samples), operation);
    this.#answer.append(...expected(operation, components));
    this.node = this.#build();
    this.#draw();
  }

  #build() {
    const rows = this.#inputs.map(({ name, input }) =>
      element("label", { class: "parameter" }, element("code", {}, name), input),
    );
    const header = element(
      "header",
      {},
      element("span", {}, "Request"),
      copyButton(() => this.#line.textContent),
    );
    const form = element(
      "form",
      { oninput: () => this.#draw(), onsubmit: (event) => this.#run(event) },
      rows,
      this.#editor,
      element("div", { class: "run" }, this.#send, this.#stop),
    );
    return element("div", { class: "card" }, header, this.#line, form, this.#answer);
  }

  #draw() {
    const { method, security } = this.#operation;
    const body = this.#editor && compact(this.#editor.value);
    const url = location.origin + this.#target();
    const stream = "application/x-ndjson" in (success(this.#operation).content ?? {});
    this.#line.textContent = curl({ method, url, body, secured: security?.length > 0, stream });
  }

  #target() {
    const values = (place) =>
      Object.fromEntries(
        this.#inputs.filter((each) => each.in === place).map(({ name, input }) => [name, input.value.trim()]),
      );
    return address(this.#operation.path, { inPath: values("path"), inQuery: values("query") });
  }

  async #run(event) {
    event.preventDefault();
    const aborted = new AbortController();
    this.#stop.onclick = () => aborted.abort();
    this.#running(true);
    try {
      const { method } = this.#operation;
      const token = await this.#session.token();
      const request = { method, url: this.#target(), body: this.#editor?.value, token, signal: aborted.signal };
      await exchange(request, this.#answer);
    } catch (error) {
      if (!aborted.signal.aborted) this.#failed(error);
    } finally {
      this.#running(false);
    }
  }

  #running(now) {
    this.#send.hidden = now;
    this.#stop.hidden = !now;
  }

  #failed({ message }) {
    this.#answer.replaceChildren(element("p", { class: "failed" }, `No answer: ${message}`));
  }
}

// Of several successes the one that a first call gets: `201` before `200`, which answers a repeat. What only sends a
// browser elsewhere has none.
function success({ responses }) {
  const all = Object.entries(responses);
  const [status, response] = all.findLast(([code]) => code.startsWith("2")) ?? all[0];
  return { status, ...response };
}

function parameterInput({ name, in: place, required, schema }, { id }, samples) {
  const input = element("input", {
    class: "field",
    name: `${id}-${name}`,
    required,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: required ? (schema.format ?? schema.type) : "not sent",
  });
  const wanted = required || place === "path";
  if (wanted) input.value = samples[name] ?? "";
  return input;
}

function bodyEditor(value, { title }) {
  const text = JSON.stringify(value, null, 2);
  const rows = Math.min(14, text.split("\n").length);
  const editor = element("textarea", {
    class: "field body",
    rows,
    spellcheck: "false",
    "aria-label": `Body of ${title}`,
  });
  editor.value = text;
  return editor;
}

function compact(text) {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text; // sent as it is: the server says what is wrong with it
  }
}

function expected(operation, components) {
  const { status, content } = success(operation);
  const schema = Object.values(content ?? {})[0]?.schema;
  const head = element(
    "header",
    {},
    element("span", { class: "status" }, status),
    element("span", {}, "Example answer"),
  );
  return [head, schema && jsonBlock(example(schema, components))].filter(Boolean);
}

async function exchange({ method, url, body, token, signal }, answer) {
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body && { "content-type": "application/json" }),
  };
  const begun = performance.now();
  const response = await fetch(url, { method, headers, body, signal });
  const took = Math.round(performance.now() - begun);
  const text = element("pre", { class: "json", tabindex: "0" });
  answer.replaceChildren(
    element(
      "header",
      { role: "status" },
      element("span", { class: `status ${response.ok ? "good" : "bad"}` }, `${response.status} ${response.statusText}`),
      element("span", {}, `${took} ms`),
    ),
    headerList(response.headers),
    text,
  );
  if (response.headers.get("content-type")?.includes("ndjson")) return readLines(response, text);
  const received = await response.text();
  if (response.headers.get("content-type")?.includes("json")) text.replaceWith(jsonBlock(JSON.parse(received)));
  else text.append(received);
}

function headerList(headers) {
  const shown = [...headers].filter(([name]) => SHOWN_HEADERS.test(name));
  const lines = shown.map(([name, value]) => `${name}: ${value}`).join("\n");
  return element("details", {}, element("summary", {}, "Headers"), element("pre", { class: "headers" }, lines));
}

// A stream has no end: each item is shown as it comes.
async function readLines(response, text) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text.append(part.value);
}
