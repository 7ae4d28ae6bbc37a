// What the toolbar and the menu of a message do.

import { forwardDialog } from "./dialogs/forward.js";
import { historyDialog } from "./dialogs/history.js";
import { reportDialog } from "./dialogs/report.js";
import { reactionsDialog, readersDialog } from "./dialogs/who.js";

const UNDO_MS = 10_000;

/**
 * The acts by name, each called with a message. `here` is the conversation that is open: `room()`, `attempt(act)`,
 * which says what fails, and what `reply`, `edit`, `openThread` and `newFrom` do in it.
 */
export function messageActs(context, here) {
  const { session, acts, say } = context;
  const attempt = (act) => (message) => here.attempt(() => act(message));

  async function remove(message) {
    const room = here.room();
    await acts.remove(room, message.id);
    if (message.sender.id !== session.user.id) return;
    const undo = { label: "Undo", act: () => here.attempt(() => acts.undelete(room, message.id)) };
    say("Message deleted.", { action: undo, for_ms: UNDO_MS });
  }

  function react(message, emoji) {
    const mine = message.reactions?.find((each) => each.emoji === emoji)?.user_ids?.includes(session.user.id);
    return acts.react(message, emoji, !mine);
  }

  async function markUnread({ seq }) {
    await acts.markUnread(here.room(), seq);
    here.newFrom(seq);
  }

  async function keep(message) {
    await acts.bookmark(message);
    say("Saved for later.");
  }

  // Pages that are not served safely have no clipboard.
  async function copy({ text }) {
    if (!navigator.clipboard) return say("This browser does not let the page copy.");
    await navigator.clipboard.writeText(text);
    say("Copied.");
  }

  return {
    react: (message, emoji) => here.attempt(() => react(message, emoji)),
    reply: here.reply,
    thread: ({ id }) => here.openThread(id),
    edit: here.edit,
    remove: attempt(remove),
    markUnread: attempt(markUnread),
    pin: attempt(({ id }) => acts.pin(id)),
    unpin: attempt(({ id }) => acts.unpin(id)),
    keep: attempt(keep),
    forget: attempt((message) => acts.forgetBookmark(message)),
    copy: attempt(copy),
    forward: (message) => forwardDialog(context, message),
    whoReacted: (message) => reactionsDialog(context, message),
    readers: (message) => readersDialog(context, here.room(), message),
    history: (message) => historyDialog(context, here.room(), message),
    report: (message) => reportDialog(context, message),
  };
}
