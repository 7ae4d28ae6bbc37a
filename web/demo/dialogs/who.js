// Who reacted to a message, and who has read it.

import { element } from "../../element.js";
import { moment } from "../../time.js";
import { Avatar } from "../avatar.js";
import { attempt, openDialog } from "../dialog.js";

export function reactionsDialog({ session, acts }, message) {
  openDialog({
    title: "Reactions",
    who: session.user,
    build: (body, dialog) =>
      attempt(dialog, async () => {
        const found = await acts.reactions(message.id);
        body.append(
          people(found.map(({ emoji, user, created_at }) => ({ user, note: emoji, title: moment(created_at) }))),
        );
      }),
  });
}

/** Members by what they have seen of a message; the sender has, of course. */
export function readersDialog({ session, acts }, room, message) {
  openDialog({
    title: "Who has read this",
    who: session.user,
    build: (body, dialog) =>
      attempt(dialog, async () => {
        if (room.members.length < room.conversation.member_count) await acts.readMembers(room);
        const others = room.members.filter(({ user }) => user.id !== message.sender.id);
        const read = others.filter((each) => each.last_read_seq >= message.seq);
        const reached = others.filter((each) => !read.includes(each) && each.last_delivered_seq >= message.seq);
        const waiting = others.filter((each) => !read.includes(each) && !reached.includes(each));
        const part = (name, members) => [
          element("h3", {}, `${name} · ${members.length}`),
          people(members.map(({ user }) => ({ user: session.store.who(user.id) }))),
        ];
        body.append(
          ...[
            ["Read", read],
            ["Delivered", reached],
            ["Not yet", waiting],
          ]
            .filter(([, each]) => each.length)
            .flatMap(([name, each]) => part(name, each)),
        );
      }),
  });
}

function people(rows) {
  return element(
    "ul",
    { class: "people" },
    ...rows.map(({ user, note, title }) =>
      element(
        "li",
        { title },
        Avatar(user),
        element("span", { class: "name" }, user.full_name),
        element("span", { class: "facts" }, note ?? `@${user.username}`),
      ),
    ),
  );
}
