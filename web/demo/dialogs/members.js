// The members of a conversation: their roles, and who comes and goes.

import { element } from "../../element.js";
import { Avatar } from "../avatar.js";
import { attempt } from "../dialog.js";
import { PeoplePicker } from "../picker.js";
import { atLeast, grantable, manages } from "../rights.js";
import { part } from "./part.js";

const SHOWN = 200;

export function membersPart({ session, acts }, room, dialog) {
  const { store, user } = session;
  const list = element("ul", { class: "people" });
  const heading = element("p", { class: "facts" });
  const managing = manages(room.conversation);
  const picker =
    managing &&
    new PeoplePicker({ acts, label: "Add people", except: (id) => room.members.some((each) => each.user.id === id) });
  const add = managing && element("button", { class: "button", type: "button" }, "Add");
  add?.addEventListener("click", async () => {
    if (!picker.ids.length) return picker.focus();
    if (await attempt(dialog, () => acts.addMembers(room, picker.ids))) {
      picker.clear();
      read();
    }
  });
  read();
  return part("Members", heading, managing && element("div", { class: "adding" }, picker.node, add), list);

  function read() {
    return attempt(dialog, async () => {
      draw();
      await acts.readMembers(room);
      draw();
    });
  }

  function draw() {
    const { members } = room;
    list.replaceChildren(...members.slice(0, SHOWN).map(row));
    const { member_count } = room.conversation;
    const people = member_count === 1 ? "1 person" : `${member_count} people`;
    heading.textContent = member_count > SHOWN ? `${people}, the first ${SHOWN} of them:` : people;
  }

  function row({ user: { id }, role }) {
    const who = store.who(id);
    const mine = room.conversation.my?.role;
    const touchable = managing && id !== user.id && atLeast(mine, role) && (role !== "owner" || mine === "owner");
    return element(
      "li",
      {},
      Avatar(who),
      element("span", { class: "name" }, who.full_name, id === user.id && " (you)"),
      element("span", { class: "facts handle" }, `@${who.username}`),
      touchable ? roleChoice(who, role, mine) : element("span", { class: "badge" }, role),
      touchable && removal(who),
    );
  }

  function roleChoice({ id, full_name }, role, mine) {
    const options = grantable(mine).map((each) => element("option", { value: each, selected: each === role }, each));
    const select = element("select", { class: "field role", "aria-label": `Role of ${full_name}` }, ...options);
    select.addEventListener("change", async () => {
      await attempt(dialog, () => acts.setRole(room, id, select.value));
      draw();
    });
    return select;
  }

  function removal({ id, full_name }) {
    const act = async () => (await attempt(dialog, () => acts.removeMember(room, id))) && read();
    return element(
      "button",
      { class: "button", type: "button", "aria-label": `Remove ${full_name}`, onclick: act },
      "Remove",
    );
  }
}
