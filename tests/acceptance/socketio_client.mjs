// The official Socket.IO client, driven by JSON lines: a command a line on stdin, an answer a line on stdout.
//   {id, op: "connect", user, url, token, transports}   -> {id, answer: <hello>}
//   {id, op: "emit", user, event, data}                  -> {id, answer: <acknowledgement>}
//   {id, op: "received", user}                           -> {id, answer: {<conversation>: [[seq, id, sha256 of the text]]}}
// The end of stdin closes all sockets. Its argument is the folder in which socket.io-client is installed.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { io } = createRequire(`${process.argv[2]}/package.json`)("socket.io-client");
const sockets = new Map();
const received = new Map();

const operations = {
  connect({ user, url, token, transports }) {
    const socket = io(url, { path: "/ws", auth: { token }, transports, forceNew: true });
    sockets.set(user, socket);
    received.set(user, {});
    socket.on("message-new", ({ conversation_id, seq, data: { message } }) => {
      const digest = createHash("sha256").update(message.text, "utf8").digest("hex");
      (received.get(user)[conversation_id] ??= []).push([seq, message.id, digest]);
    });
    return new Promise((resolve, reject) => {
      socket.once("hello", resolve);
      socket.once("connect_error", reject);
    });
  },
  emit({ user, event, data }) {
    return sockets.get(user).timeout(20_000).emitWithAck(event, data);
  },
  received({ user }) {
    return received.get(user);
  },
};

async function serve(line) {
  const command = JSON.parse(line);
  let said;
  try {
    said = { answer: await operations[command.op](command) };
  } catch (error) {
    said = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify({ id: command.id, ...said })}\n`);
}

createInterface({ input: process.stdin })
  .on("line", serve)
  .on("close", () => sockets.forEach((socket) => socket.disconnect()));
