// Links of mails that only have to be used.

import { request } from "../../api.js";
import { element } from "../../element.js";
import { inWords } from "../../words.js";
import { callout, card, ways } from "./card.js";

const CUT_OFF = "The link is not whole. Open it from the mail once more, or copy all of it.";
const HOME = ["Go to your account", "/account"];

/** Sends the token to `path`, and tells what came of it. */
export function useLink(token, { title, path, doing, done }) {
  if (!token) return cutOff(title);
  const node = element("div", {});
  const again = element("button", { class: "button", type: "button", onclick: () => use() }, "Try again");

  async function use() {
    node.replaceChildren(element("p", { role: "status" }, doing));
    try {
      await request("POST", path, { body: { token } });
      node.replaceChildren(callout("good", done), ways(HOME));
    } catch (error) {
      const lost = error.code === "LINK_INVALID"; // anything else may go better the next time
      node.replaceChildren(callout("bad", inWords(error)), lost ? ways(HOME) : again);
    }
  }

  use();
  return card(title, [node]);
}

/** What stands in place of a form whose link lacks its token. */
export function cutOff(title) {
  return card(title, [callout("bad", CUT_OFF), ways(HOME)]);
}
