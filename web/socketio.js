// A Socket.IO v5 client over Engine.IO v4: WebSocket only, namespace `/`, text frames. It depends on nothing else here,
// so that it can be read, tested and copied alone. It keeps no queue: what was not acknowledged when the connection
// ended is refused with `Disconnected`, and the caller, who knows what is safe to repeat, sends it again.

const ENGINE = { OPEN: "0", CLOSE: "1", PING: "2", PONG: "3", MESSAGE: "4", NOOP: "6" };
const PACKET = { CONNECT: "0", DISCONNECT: "1", EVENT: "2", ACK: "3", CONNECT_ERROR: "4" };
const FRAME = /^([0-4])(?:\/[^,]*,)?(\d+)?(.*)$/s;
const HANDSHAKE_MS = 20_000;

/** The connection ended before the answer came; the server may or may not have acted. */
export class Disconnected extends Error {}

/** The answer did not come in time. */
export class AckTimeout extends Error {}

/** The server refused the connection. `data` is what it gave as the reason. */
export class Refused extends Error {
  constructor({ message, data }) {
    super(message);
    this.data = data;
  }
}

/** One WebSocket from its handshake to its end. `onEnd(error)` is called exactly once. */
class Connection {
  #socket;
  #options;
  #acks = new Map();
  #lastId = 0;
  #patience_ms = HANDSHAKE_MS;
  #watchdog;
  #ended = false;

  constructor(socket, options) {
    this.#socket = socket;
    this.#options = options;
    socket.addEventListener("message", ({ data }) => this.#received(data));
    socket.addEventListener("close", () => this.end(new Disconnected("transport closed")));
    socket.addEventListener("error", () => this.end(new Disconnected("transport failed")));
    this.#watch();
  }

  emit(event, data, timeout_ms) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#acks.delete(id);
        reject(new AckTimeout(`no answer to ${event} within ${timeout_ms} ms`));
      }, timeout_ms);
      this.#acks.set(id, { resolve, reject, timer });
      this.#send(PACKET.EVENT + id, [event, data]);
    });
  }

  end(error) {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#watchdog);
    this.#socket.close();
    for (const { reject, timer } of this.#acks.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#acks.clear();
    this.#options.onEnd(error);
  }

  #send(head, data) {
    this.#socket.send(ENGINE.MESSAGE + head + JSON.stringify(data));
  }

  // The server pings every pingInterval; silence for longer than that plus pingTimeout means that it is gone.
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.end(new Disconnected("server is silent")), this.#patience_ms);
  }

  #received(frame) {
    if (this.#ended) return;
    if (typeof frame !== "string") return this.end(new Disconnected("unexpected binary frame"));
    const body = frame.slice(1);
    switch (frame[0]) {
      case ENGINE.OPEN: {
        const { pingInterval, pingTimeout } = JSON.parse(body);
        this.#patience_ms = pingInterval + pingTimeout;
        this.#watch();
        return this.#send(PACKET.CONNECT, this.#options.auth);
      }
      case ENGINE.PING:
        this.#watch();
        this.#socket.send(ENGINE.PONG + body);
        return this.#options.onAlive();
      case ENGINE.MESSAGE:
        return this.#packet(body);
      case ENGINE.CLOSE:
        return this.end(new Disconnected("closed by the server"));
    }
  }

  #packet(text) {
    const [, type, id, json] = FRAME.exec(text) ?? [];
    const data = json ? JSON.parse(json) : undefined;
    switch (type) {
      case PACKET.CONNECT:
        return this.#options.onConnect(data);
      case PACKET.CONNECT_ERROR:
        return this.end(new Refused(data));
      case PACKET.EVENT: {
        const answer = this.#options.onEvent(...data);
        if (id) this.#send(PACKET.ACK + id, answer === undefined ? [] : [answer]);
        return;
      }
      case PACKET.ACK: {
        const waiting = this.#acks.get(Number(id));
        this.#acks.delete(Number(id));
        clearTimeout(waiting?.timer);
        return waiting?.resolve(data[0]);
      }
      case PACKET.DISCONNECT:
        return this.end(new Disconnected("disconnected by the server"));
      default:
        return this.end(new Disconnected(`packet not understood: ${text.slice(0, 40)}`));
    }
  }
}

const retryable = (error) => error.data?.retryable === true;

/** Connections one after another, until `close()`. Made by `connect`. */
class Client {
  #options;
  #connection = null;
  #failures = 0;
  #retry;
  #state = "connecting";

  constructor(options) {
    this.#options = options;
    this.#open();
  }

  /** `connecting`, `connected`, `waiting` (for the next attempt) or `closed` (for good). */
  get state() {
    return this.#state;
  }

  /** Sends an event. Resolves with the server's answer; rejects with Disconnected or AckTimeout. */
  emit(event, data, { timeout_ms = 10_000 } = {}) {
    if (this.#state !== "connected") return Promise.reject(new Disconnected("not connected"));
    return this.#connection.emit(event, data, timeout_ms);
  }

  /** Ends the connection and every attempt to open another. */
  close() {
    if (this.#state === "closed") return;
    clearTimeout(this.#retry);
    this.#enter("closed");
    this.#connection?.end(new Disconnected("closed by the caller"));
  }

  async #open() {
    this.#enter("connecting");
    let auth;
    try {
      auth = await this.#options.auth();
    } catch (error) {
      return this.#ended(error);
    }
    if (this.#state === "closed") return;
    const { WebSocket, onEvent } = this.#options;
    this.#connection = new Connection(new WebSocket(address(this.#options)), {
      auth,
      onEvent,
      onConnect: () => this.#enter("connected"),
      onAlive: () => (this.#failures = 0),
      onEnd: (error) => this.#ended(error),
    });
  }

  // Full jitter: a thousand clients of a restarted server come back spread out. The count of failures falls only with
  // the first ping, so that a server which accepts and drops at once is not hammered.
  #ended(error) {
    if (this.#state === "closed") return;
    if (error instanceof Refused && !this.#options.onRefused(error)) return this.#enter("closed", { error });
    const { random, base_ms, cap_ms } = this.#options;
    const delay_ms = random() * Math.min(cap_ms, base_ms * 2 ** this.#failures++);
    this.#retry = setTimeout(() => this.#open(), delay_ms);
    this.#enter("waiting", { error, delay_ms });
  }

  #enter(state, detail = {}) {
    this.#state = state;
    this.#options.onState(state, detail);
  }
}

function address({ url, path }) {
  const target = new URL(path, url);
  target.protocol = target.protocol.replace("http", "ws");
  target.search = "EIO=4&transport=websocket";
  return target.href;
}

/**
 * Connects, and goes on reconnecting. `auth` is called before each attempt, may be async, and returns what CONNECT
 * carries. `onEvent(name, ...data)` may return an answer for servers that ask for one; `onState(state, detail)` tells
 * of every change; `onRefused(error)` says whether to try again after a refusal (default: when `error.data.retryable`).
 */
export function connect({
  url,
  path = "/ws/",
  auth = () => ({}),
  onEvent = () => {},
  onState = () => {},
  onRefused = retryable,
  base_ms = 500,
  cap_ms = 30_000,
  random = Math.random,
  WebSocket = globalThis.WebSocket,
}) {
  return new Client({ url, path, auth, onEvent, onState, onRefused, base_ms, cap_ms, random, WebSocket });
}
