// Everything about a conversation: what it is called, who is in it, who may come in, and what one wants of it.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { attempt, confirmDialog, openDialog } from "../dialog.js";
import { isMuted, titleOf } from "../listing.js";
import { atLeast, manages, may } from "../rights.js";
import { invitePart } from "./invite.js";
import { membersPart } from "./members.js";
import { part } from "./part.js";

export function settingsDialog(context, room) {
  const { session } = context;
  openDialog({
    title: titleOf(room, session.store),
    who: session.user,
    wide: true,
    build: (body, dialog) => {
      const { type } = room.conversation;
      body.append(
        ...[
          type !== "dm" && aboutPart(context, room),
          ownPart(context, room, dialog),
          membersPart(context, room, dialog),
          type !== "dm" && may(room.conversation, "invite") && invitePart(context, room, dialog),
          type !== "dm" && endPart(context, room, dialog),
        ].filter(Boolean),
      );
    },
  });
}

const LEAST = [
  ["guest", "Everybody"],
  ["member", "Members"],
  ["admin", "Admins"],
  ["owner", "Owners"],
];
const SLOW = [
  [0, "Off"],
  [10, "10 seconds"],
  [60, "A minute"],
  [600, "10 minutes"],
  [3600, "An hour"],
];

function aboutPart({ acts, say }, room) {
  const { name, topic, type, visibility, permissions = {}, slow_mode_s } = room.conversation;
  if (!manages(room.conversation)) return part("About", element("p", {}, topic || "No topic."));
  const choice = (options, value) =>
    options.map(([each, label]) => element("option", { value: each, selected: String(each) === String(value) }, label));
  const role = (key, label) =>
    new Field({ name: key, label, kind: "select", options: choice(LEAST, permissions[key]), value: permissions[key] });
  const fields = [
    new Field({ name: "name", label: "Name", required: true, maxlength: 100, value: name }),
    new Field({ name: "topic", label: "Topic", maxlength: 500, value: topic }),
    type === "channel" &&
      new Field({
        name: "visibility",
        label: "Who can see and join it",
        kind: "select",
        options: choice(
          [
            ["public", "Everybody in the workspace"],
            ["private", "Those who are invited"],
          ],
          visibility,
        ),
        value: visibility,
      }),
    role("post", "Who may write"),
    role("invite", "Who may invite"),
    role("pin", "Who may pin"),
    role("mention_all", "Who may call everybody"),
    new Field({
      name: "slow_mode_s",
      label: "Time between two messages of a member",
      kind: "select",
      options: choice(SLOW, slow_mode_s),
      value: String(slow_mode_s ?? 0),
    }),
  ].filter(Boolean);
  const form = new Form({
    label: "About",
    fields,
    submit: "Save",
    act: async ({ name, topic, visibility, slow_mode_s, ...least }) => {
      const seen = visibility && { visibility, join_policy: visibility === "public" ? "open" : "invite" };
      await acts.update(room, {
        name: name.trim(),
        topic: topic.trim(),
        ...seen,
        permissions: least,
        slow_mode_s: Number(slow_mode_s),
      });
      say("Saved.");
      return "Saved.";
    },
  });
  form.node.classList.add("two-columns");
  return part("About", form.node);
}

const LEVELS = [
  ["all", "Every message"],
  ["mentions", "When I am mentioned"],
  ["none", "Nothing"],
];

function ownPart({ acts }, room, dialog) {
  const { my = {} } = room.conversation;
  const prefer = (change) => attempt(dialog, () => acts.prefer(room, change));
  const box = (label, checked, change) => {
    const input = element("input", { type: "checkbox", checked });
    input.addEventListener("change", () => prefer(change(input.checked)));
    return element("label", { class: "tick" }, input, label);
  };
  const hours = (count) => new Date(Date.now() + count * 3_600_000).toISOString();
  const level = element(
    "select",
    { class: "field" },
    ...LEVELS.map(([value, label]) => element("option", { value, selected: my.notify === value }, label)),
  );
  level.addEventListener("change", () => prefer({ notify: level.value }));
  return part(
    "For you",
    element("label", { class: "tick" }, "Tell me of", level),
    box("Keep it at the top", Boolean(my.favourite), (favourite) => ({ favourite })),
    box("Mute it for a week", isMuted(room.conversation, Date.now()) && my.notify !== "none", (on) => ({
      muted_until: on ? hours(168) : null,
    })),
    box("Hide it until the next message", Boolean(my.hidden), (hidden) => ({ hidden })),
  );
}

function endPart({ session, acts, say }, room, dialog) {
  const { archived_at, my } = room.conversation;
  const title = titleOf(room, session.store);
  const archive = async () => {
    if (!(await attempt(dialog, () => acts.archive(room, !archived_at)))) return;
    dialog.close();
    say(archived_at ? `${title} is open again.` : `${title} is archived.`);
  };
  const sure = (words, text, act) => () =>
    confirmDialog({
      title: `${words} ${title}?`,
      who: session.user,
      text,
      sure: words,
      act: async () => {
        await act();
        dialog.close();
      },
    });
  const button = (label, act, danger = true) =>
    element("button", { class: danger ? "button danger" : "button", type: "button", onclick: act }, label);
  return part(
    "Leave or end",
    element(
      "div",
      { class: "buttons" },
      manages(room.conversation) && button(archived_at ? "Unarchive" : "Archive", archive, false),
      button(
        "Leave",
        sure("Leave", "You will not get its messages any more.", () => acts.leave(room)),
      ),
      atLeast(my?.role, "owner") &&
        button(
          "Delete",
          sure("Delete", "What was said is erased for everybody. This cannot be taken back.", () => acts.erase(room)),
        ),
    ),
  );
}
