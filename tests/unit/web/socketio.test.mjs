// The client against the official Socket.IO server; what that one never does is played by a bare WebSocket server.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, describe, it } from "node:test";

import { AckTimeout, connect, Disconnected, Refused } from "../../../web/socketio.js";
import { official } from "./official.mjs";

const { Server, WebSocket, WebSocketServer, reason } = official();
const open = []; // what a test opened, closed after it in reverse

afterEach(async () => {
  while (open.length) await open.pop()();
});

async function listen() {
  const http = createServer();
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { http, url: `http://127.0.0.1:${http.address().port}` };
}

async function startServer(options = {}) {
  const { http, url } = await listen();
  const io = new Server(http, { path: "/ws/", transports: ["websocket"], serveClient: false, ...options });
  open.push(() => io.close());
  return { io, url };
}

/** A server that shakes hands and then does what `play(socket)` says. */
async function startBare(play, handshake = { pingInterval: 60, pingTimeout: 40 }) {
  const { http, url } = await listen();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => {
    socket.send(`0${JSON.stringify({ sid: "s", ...handshake })}`);
    socket.on("message", (data) => data.toString().startsWith("40") && socket.send('40{"sid":"s"}'));
    play(socket);
  });
  open.push(() => {
    for (const socket of server.clients) socket.terminate();
    return new Promise((resolve) => http.close(resolve));
  });
  return { url };
}

/** A client whose states and events can be awaited. */
function startClient(url, options = {}) {
  const heard = { states: [], events: [] };
  const waiting = [];
  const look = () => waiting.forEach((check) => check());
  const client = connect({
    url,
    WebSocket,
    base_ms: 5,
    onState: (state, detail) => (heard.states.push({ state, ...detail }), look()),
    onEvent: (...event) => (heard.events.push(event), look()),
    ...options,
  });
  open.push(() => client.close());
  const until = (condition) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not within 5 s; heard ${JSON.stringify(heard)}`)), 5_000);
      const check = () => condition(heard) && (clearTimeout(timer), resolve(heard));
      waiting.push(check);
      check();
    });
  const entered = (state, times = 1) =>
    until(({ states }) => states.filter((each) => each.state === state).length >= times);
  return { client, heard, until, entered };
}

describe("against the official server", { skip: reason }, () => {
  it("connects with the auth object, asked for anew at each attempt", async () => {
    const { io, url } = await startServer();
    const seen = [];
    io.on("connection", (socket) => seen.push(socket.handshake.auth));
    let asked = 0;
    const { entered } = startClient(url, { auth: async () => ({ token: `t${++asked}` }) });
    await entered("connected");
    io.disconnectSockets();
    await entered("connected", 2);
    assert.deepEqual(seen, [{ token: "t1" }, { token: "t2" }]);
  });

  it("receives events in the order sent, with text of any alphabet", async () => {
    const { io, url } = await startServer();
    const texts = ["1", "敏捷的狐狸 🦊", 'quotes " and \\ and \u2028', ""];
    io.on("connection", (socket) => texts.forEach((text) => socket.emit("message-new", { text })));
    const { until, heard } = startClient(url);
    await until(({ events }) => events.length === texts.length);
    assert.deepEqual(
      heard.events,
      texts.map((text) => ["message-new", { text }]),
    );
  });

  it("resolves each emit with its own answer, whatever the order of the answers", async () => {
    const { io, url } = await startServer();
    io.on("connection", (socket) => {
      const answers = [];
      socket.on("ask", ({ n }, ack) => {
        answers.unshift(() => ack({ ok: true, n }));
        if (answers.length === 12) answers.forEach((answer) => answer());
      });
    });
    const { client, entered } = startClient(url);
    await entered("connected");
    const acks = await Promise.all(Array.from({ length: 12 }, (_, n) => client.emit("ask", { n })));
    assert.deepEqual(
      acks.map((ack) => ack.n),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
  });

  it("answers a server that asks for an acknowledgement", async () => {
    const { io, url } = await startServer();
    const answer = new Promise((resolve, reject) =>
      io.on("connection", (socket) => socket.timeout(2_000).emitWithAck("ask", 20).then(resolve, reject)),
    );
    startClient(url, { onEvent: (name, n) => n + 1 });
    assert.equal(await answer, 21);
  });

  it("gives up on an answer that does not come in time, and stays connected", async () => {
    const { url } = await startServer();
    const { client, entered } = startClient(url);
    await entered("connected");
    await assert.rejects(client.emit("nobody-listens", {}, { timeout_ms: 20 }), AckTimeout);
    assert.equal(client.state, "connected");
  });

  it("rejects what waits for an answer when the connection ends, and what is sent without one", async () => {
    const { io, url } = await startServer();
    io.on("connection", (socket) => socket.on("ask", () => socket.disconnect(true)));
    const { client, entered } = startClient(url, { random: () => 1, base_ms: 10_000 });
    await entered("connected");
    await assert.rejects(client.emit("ask", {}), Disconnected);
    await entered("waiting");
    await assert.rejects(client.emit("ask", {}), Disconnected);
  });

  it("comes back after the server was away", async () => {
    const first = await startServer();
    const { port } = new URL(first.url);
    const { entered, heard } = startClient(first.url);
    await entered("connected");
    await first.io.close();
    await entered("waiting", 2);
    const http = createServer().listen(port, "127.0.0.1");
    const again = new Server(http, { path: "/ws/", transports: ["websocket"] });
    open.push(() => again.close());
    await entered("connected", 2);
    assert.equal(heard.states.at(-1).state, "connected");
  });

  it("stops after a refusal that is final, and tells the reason", async () => {
    const { io, url } = await startServer();
    let attempts = 0;
    io.use((socket, next) => {
      attempts++;
      next(Object.assign(new Error("no"), { data: { code: "TOKEN_INVALID", retryable: false } }));
    });
    const { client, entered, heard } = startClient(url);
    await entered("closed");
    const { error } = heard.states.at(-1);
    assert.ok(error instanceof Refused);
    assert.equal(error.data.code, "TOKEN_INVALID");
    assert.equal(attempts, 1);
    await assert.rejects(client.emit("ask", {}), Disconnected);
  });

  it("tries again after a refusal that is not", async () => {
    const { io, url } = await startServer();
    let attempts = 0;
    io.use((socket, next) =>
      next(++attempts < 3 ? Object.assign(new Error("busy"), { data: { retryable: true } }) : undefined),
    );
    await startClient(url).entered("connected");
    assert.equal(attempts, 3);
  });

  it("tries again when there is no auth to be had", async () => {
    const { url } = await startServer();
    let asked = 0;
    const auth = async () => {
      if (++asked < 3) throw new Error("offline");
      return {};
    };
    await startClient(url, { auth }).entered("connected");
    assert.equal(asked, 3);
  });

  it("answers pings, so that the server keeps the connection", async () => {
    const { io, url } = await startServer({ pingInterval: 20, pingTimeout: 200 });
    const pongs = new Promise((resolve) => {
      let count = 0;
      io.engine.on("connection", (socket) =>
        socket.on("packet", ({ type }) => type === "pong" && ++count === 5 && resolve()),
      );
    });
    const { client } = startClient(url);
    await pongs;
    assert.equal(client.state, "connected");
  });

  it("opens nothing more once closed, even while auth is being fetched", async () => {
    const { io, url } = await startServer();
    let connections = 0;
    io.engine.on("connection", () => connections++);
    let release;
    const { client, heard } = startClient(url, { auth: () => new Promise((resolve) => (release = resolve)) });
    client.close();
    release({});
    const other = startClient(url);
    await other.entered("connected");
    assert.equal(connections, 1);
    assert.deepEqual(
      heard.states.map((each) => each.state),
      ["connecting", "closed"],
    );
  });
});

describe("against a server that misbehaves", { skip: reason }, () => {
  it("takes silence for longer than pingInterval and pingTimeout as the end", async () => {
    const { url } = await startBare(() => {});
    const { entered, heard } = startClient(url);
    await entered("waiting");
    const { error } = heard.states.find((each) => each.state === "waiting");
    assert.match(error.message, /silent/);
  });

  it("ends the connection on a frame that it cannot read", async () => {
    for (const frame of [Buffer.from([1, 2]), "4?"]) {
      const { url } = await startBare((socket) => socket.send(frame));
      const { entered } = startClient(url);
      await entered("waiting");
    }
  });

  it("understands an engine that closes, and ignores a noop", async () => {
    const { url } = await startBare((socket) => ["6", "1"].forEach((frame) => socket.send(frame)));
    const { entered, heard } = startClient(url);
    await entered("waiting");
    assert.match(heard.states.find((each) => each.state === "waiting").error.message, /closed by the server/);
  });

  it("waits longer after each failure, up to the cap, and forgets them with the first ping", async () => {
    let lives = 0;
    const { url } = await startBare((socket) => {
      lives++;
      if (lives === 7) socket.send("2");
      socket.on("message", (data) => (lives === 7) === (data.toString() === "3") && socket.close());
    });
    const { entered, heard } = startClient(url, { random: () => 1, base_ms: 2, cap_ms: 20 });
    await entered("waiting", 8);
    const delays = heard.states.filter((each) => each.state === "waiting").map((each) => each.delay_ms);
    assert.deepEqual(delays.slice(0, 8), [2, 4, 8, 16, 20, 20, 2, 4]);
  });
});
