// Drives the official Socket.IO client of JavaScript; `programs.py` says how. Its argument is the folder with it.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { io } = createRequire(`${process.argv[2]}/package.json`)("socket.io-client");
const sockets = new Map();
const auths = new Map();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const operations = {
  connect({ socket: name, url, auth, transports }) {
    auths.set(name, auth);
    const socket = io(url, {
      path: "/ws",
      auth: (take) => take(auths.get(name)),
      transports,
      forceNew: true,
      reconnectionDelay: 200,
      reconnectionDelayMax: 1000,
    });
    sockets.set(name, socket);
    socket.on("connect", () => say({ socket: name, event: "$connect", data: null }));
    socket.on("disconnect", (reason) => say({ socket: name, event: "$disconnect", data: reason }));
    socket.on("connect_error", (error) => say({ socket: name, event: "$refused", data: error.data ?? error.message }));
    socket.onAny((event, data) => say({ socket: name, event, data }));
  },
  auth({ socket, auth }) {
    auths.set(socket, auth);
  },
  emit({ socket, event, data }) {
    return sockets.get(socket).timeout(20_000).emitWithAck(event, data);
  },
  close({ socket }) {
    sockets.get(socket).disconnect();
  },
};

async function serve(line) {
  const command = JSON.parse(line);
  try {
    say({ id: command.id, answer: (await operations[command.op](command)) ?? null });
  } catch (error) {
    say({ id: command.id, error: String(error) });
  }
}

createInterface({ input: process.stdin })
  .on("line", serve)
  .on("close", () => process.exit());
