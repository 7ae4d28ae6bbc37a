// Node's socket.io: `node node.mjs PORT FOLDER_OF_MODULES [POSTGRES_URL]`. With a database a message is one insert,
// committed before it is handed on and acknowledged.
import { createRequire } from "node:module";

const [port, folder, database] = process.argv.slice(2);
const require = createRequire(folder + "/");
const { Server } = require("socket.io");

async function openStore(url) {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: url, max: 10 });
  await pool.query("CREATE TABLE IF NOT EXISTS messages (id bigserial PRIMARY KEY, room text, text text)");
  return (room, text) => pool.query({ name: "add", text: "INSERT INTO messages (room, text) VALUES ($1, $2)", values: [room, text] });
}

const add = database ? await openStore(database) : null;
const io = new Server({ transports: ["websocket"], perMessageDeflate: false });

io.on("connection", (socket) => {
  socket.on("join", (room, done) => {
    socket.join(room);
    done("ok");
  });
  socket.on("send", async (data, done) => {
    if (add) await add(data.room, data.text);
    io.to(data.room).emit("message", data);
    done("ok");
  });
});

io.listen(Number(port));
