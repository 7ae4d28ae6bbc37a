// Ways into a conversation: a person who is asked, or a link for whoever has it.

import { element } from "../../element.js";
import { distance } from "../../time.js";
import { attempt } from "../dialog.js";
import { PeoplePicker } from "../picker.js";
import { manages } from "../rights.js";
import { part } from "./part.js";

export function invitePart({ session, acts, say }, room, dialog) {
  const { store } = session;
  const picker = new PeoplePicker({
    acts,
    label: "Invite people",
    except: (id) => room.members.some((each) => each.user.id === id),
  });
  const list = element("ul", { class: "plain-list" });
  const link = element("p", { class: "link-shown", hidden: true });
  const ask = element("button", { class: "button", type: "button" }, "Invite");
  const make = element("button", { class: "button", type: "button" }, "Make a link");
  ask.addEventListener("click", async () => {
    if (!picker.ids.length) return picker.focus();
    const asked = await attempt(dialog, async () => {
      for (const user_id of picker.ids) await acts.invite(room, { user_id });
    });
    if (!asked) return;
    picker.clear();
    say("Invited.");
    draw();
  });
  make.addEventListener("click", () =>
    attempt(dialog, async () => {
      const { code } = await acts.invite(room, {});
      const address = new URL(`/demo#invite=${code}`, location.href).href;
      const field = element("input", { class: "field", readonly: true, value: address, "aria-label": "Link" });
      link.replaceChildren(field, element("span", { class: "facts" }, "It is shown this once, and ends in a week."));
      link.hidden = false;
      field.select();
      draw();
    }),
  );
  draw();
  return part(
    "Invitations",
    element("div", { class: "adding" }, picker.node, ask),
    element("div", { class: "buttons" }, make),
    link,
    list,
  );

  async function draw() {
    if (!manages(room.conversation)) return;
    await attempt(dialog, async () => list.replaceChildren(...(await acts.invites(room)).map(row)));
  }

  function row({ id, user_id, uses, max_uses, expires_at }) {
    const name = user_id ? store.who(user_id).full_name : "A link";
    const used = user_id ? "" : ` · used ${uses}${max_uses ? ` of ${max_uses}` : ""} times`;
    const revoke = async () => (await attempt(dialog, () => acts.revokeInvite(room, id))) && draw();
    return element(
      "li",
      { class: "channel" },
      element(
        "div",
        { class: "two" },
        element("b", {}, name),
        element("span", { class: "facts" }, `ends ${distance(expires_at)}${used}`),
      ),
      element(
        "button",
        { class: "button", type: "button", "aria-label": `Revoke: ${name}`, onclick: revoke },
        "Revoke",
      ),
    );
  }
}
