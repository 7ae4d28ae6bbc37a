// Planning a message, and what is planned.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { moment } from "../../time.js";
import { titleOf } from "../listing.js";
import { attempt, openDialog } from "../dialog.js";

/** For an `<input type="datetime-local">`, in the time of this place. */
function local(date) {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

function whenField(value) {
  return new Field({
    name: "send_at",
    label: "When",
    type: "datetime-local",
    required: true,
    value: local(value),
    hint: "By the clock of this device.",
  });
}

/** Asks when to send `message`; what is not planned is given back. */
export function laterDialog({ session, acts, say }, room, { message, giveBack }) {
  let planned = false;
  const dialog = openDialog({
    title: "Send later",
    who: session.user,
    build: (body, opened) => {
      const when = whenField(new Date(Date.now() + 3_600_000));
      const soon = (label, date) =>
        element("button", { class: "button", type: "button", onclick: () => (when.value = local(date())) }, label);
      const morning = () => new Date(new Date().setHours(33, 0, 0, 0)); // 9 o'clock of the next day
      const form = new Form({
        label: "Send later",
        fields: [when],
        submit: "Plan it",
        act: async ({ send_at }) => {
          await acts.schedule(room, message, new Date(send_at).toISOString());
          planned = true;
          opened.close();
          say(`Will be sent ${moment(new Date(send_at))}.`);
        },
      });
      const presets = [soon("In an hour", () => new Date(Date.now() + 3_600_000)), soon("Tomorrow at 9", morning)];
      body.append(
        element("blockquote", { class: "said" }, message.text),
        element("div", { class: "presets" }, ...presets),
        form.node,
      );
    },
  });
  dialog.addEventListener("close", () => planned || giveBack());
}

/** What the person has planned, and what could not be sent. */
export function scheduledDialog({ session, acts, say }) {
  const { store } = session;
  openDialog({
    title: "Planned messages",
    who: session.user,
    build: (body, dialog) => {
      const list = element("ul", { class: "plain-list" });
      const none = element(
        "p",
        { class: "facts" },
        "Nothing is planned. “Send later” stands beside the button that sends.",
      );
      body.append(list, none);
      draw();

      function draw() {
        const plans = [...store.scheduled.values()].sort((a, b) => Date.parse(a.send_at) - Date.parse(b.send_at));
        list.replaceChildren(...plans.map(row));
        none.hidden = plans.length > 0;
      }

      function row(plan) {
        const { id, message, send_at, state, failure } = plan;
        const room = store.room(message.conversation_id);
        const cancel = async () => {
          if (await attempt(dialog, () => acts.cancelScheduled(id))) draw();
        };
        return element(
          "li",
          {},
          element(
            "p",
            { class: "facts" },
            `${room ? titleOf(room, store) : "A conversation"} · ${moment(send_at)}`,
            state === "failed" && element("b", { class: "failed" }, ` · not sent: ${failure}`),
          ),
          element("p", { class: "said" }, message.text),
          element(
            "div",
            { class: "buttons" },
            state === "waiting" &&
              element("button", { class: "button", type: "button", onclick: () => change(plan) }, "Change"),
            element(
              "button",
              { class: "button", type: "button", onclick: cancel },
              state === "failed" ? "Remove" : "Cancel",
            ),
          ),
        );
      }

      function change({ id, message, send_at }) {
        const form = new Form({
          label: "Change the plan",
          fields: [
            new Field({
              name: "text",
              label: "Text",
              kind: "textarea",
              rows: 4,
              maxlength: 10000,
              required: true,
              value: message.text,
            }),
            whenField(new Date(send_at)),
          ],
          submit: "Save",
          others: [element("button", { class: "button", type: "button", onclick: draw }, "Back")],
          act: async (values) => {
            await acts.reschedule(id, { text: values.text, send_at: new Date(values.send_at).toISOString() });
            draw();
            say("The plan is changed.");
          },
        });
        list.replaceChildren(element("li", {}, form.node));
        form.focus();
      }
    },
  });
}
