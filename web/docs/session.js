// Who the requests of the page are sent as, and values that make their examples work.

import { Login, request } from "../api.js";

export class Session {
  #samples = {};

  /** The access token to send, good at the time of asking; empty for none. */
  token = async () => "";

  /** Sends what the reader gave. */
  use(token) {
    this.token = async () => token;
  }

  /** With the development server: logs in as its first user, whose things the examples then name. Returns the token. */
  async logInAsSeeded() {
    const { users, password } = await request("GET", "/dev/seed");
    const [login, other] = await Promise.all(users.map((name) => Login.open(name, password, "API reference")));
    const { id } = other.user;
    const body = { type: "dm", member_ids: [id] };
    const conversation = await login.request("POST", "/api/messages/conversations", { body });
    this.#samples = {
      conversation_id: conversation.id,
      message_id: conversation.last_message?.id ?? "",
      seq: conversation.last_seq,
      user_id: id,
      user_ids: [id],
      member_ids: [id],
      ids: [id],
      text: "Hello from the reference",
      credentials: { username: login.user.username, password },
    };
    this.token = () => login.token();
    return this.token();
  }

  /** Values by the name of the field. `id` means something else from one service to the next. */
  samplesFor({ tag, path }) {
    const { message_id, credentials, ...samples } = this.#samples;
    const ids = {
      ConversationService: samples.conversation_id,
      MessageService: message_id,
      AccountService: samples.user_id,
      AdministrationService: samples.user_id,
      BlockService: samples.user_id,
    };
    return { ...samples, ...(ids[tag] && { id: ids[tag] }), ...(path.endsWith("/login") && credentials) };
  }
}
