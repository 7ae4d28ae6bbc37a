// The official Socket.IO server, installed once into the cache folder. `reason` says why it is not there, if so.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../../.cache/node/", import.meta.url));
const PACKAGE = "socket.io@4.8.4";

function load() {
  const require = createRequire(`${CACHE}package.json`);
  const { Server } = require("socket.io");
  const { WebSocket, WebSocketServer } = createRequire(require.resolve("engine.io"))("ws");
  return { Server, WebSocket, WebSocketServer, reason: false };
}

function install() {
  mkdirSync(CACHE, { recursive: true });
  const options = ["install", "--prefix", CACHE, "--no-audit", "--no-fund", "--silent", PACKAGE];
  return spawnSync("npm", options, { timeout: 120_000, encoding: "utf8" });
}

export function official() {
  try {
    return load();
  } catch {
    const { status, error, stderr } = install();
    return status === 0 ? load() : { reason: `npm cannot install ${PACKAGE}: ${error?.message ?? stderr}` };
  }
}
