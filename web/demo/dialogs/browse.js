// Public channels to join, and the way in by a link.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { attempt, openDialog } from "../dialog.js";

const ASK_AFTER_MS = 200;

export function browseDialog({ session, acts, open }) {
  openDialog({
    title: "Channels",
    who: session.user,
    wide: true,
    build: (body, dialog) => {
      const input = element("input", {
        class: "field",
        type: "text",
        placeholder: "How the name begins",
        "aria-label": "Find a channel",
        autocomplete: "off",
        autofocus: true,
      });
      const list = element("ul", { class: "plain-list channels" });
      const none = element("p", { class: "facts", role: "status" });
      body.append(input, list, none, byLink({ acts, open, dialog }));
      let timer;
      input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(draw, ASK_AFTER_MS);
      });
      draw();

      async function draw() {
        const q = input.value.trim();
        await attempt(dialog, async () => {
          const { items } = await acts.channels(q);
          if (q !== input.value.trim()) return;
          list.replaceChildren(...items.map(row));
          none.textContent = items.length ? "" : q ? "No channel begins like that." : "There is no public channel yet.";
        });
      }

      function row({ id, name, topic, member_count, joined, join_policy }) {
        const go = () => {
          dialog.close();
          open(id);
        };
        const join = () => attempt(dialog, async () => (await acts.join(id), go()));
        const button = joined
          ? element("button", { class: "button", type: "button", "aria-label": `Open ${name}`, onclick: go }, "Open")
          : element(
              "button",
              {
                class: "button primary",
                type: "button",
                "aria-label": `Join ${name}`,
                onclick: join,
                disabled: join_policy !== "open",
              },
              join_policy === "open" ? "Join" : "By invitation",
            );
        const members = `${member_count} ${member_count === 1 ? "member" : "members"}`;
        return element(
          "li",
          { class: "channel" },
          element(
            "div",
            { class: "two" },
            element("b", {}, `# ${name}`),
            element("span", { class: "facts" }, [members, topic].filter(Boolean).join(" · ")),
          ),
          button,
        );
      }
    },
  });
}

/** A dialog that shows what a link leads to. */
export function inviteDialog({ session, acts, open }, code) {
  openDialog({
    title: "Invitation",
    who: session.user,
    build: (body, dialog) =>
      attempt(dialog, async () => {
        const { conversation_name, member_count, created_by } = await acts.preview(code);
        const accept = async () => {
          await attempt(dialog, async () => {
            const room = await acts.accept({ code });
            dialog.close();
            open(room.id);
          });
        };
        body.append(
          element(
            "p",
            {},
            element("b", {}, created_by?.full_name ?? "Somebody"),
            " invites you to ",
            element("b", {}, conversation_name || "a conversation"),
            `, which has ${member_count} ${member_count === 1 ? "member" : "members"}.`,
          ),
          element(
            "div",
            { class: "buttons" },
            element("button", { class: "button primary", type: "button", onclick: accept }, "Join"),
          ),
        );
      }),
  });
}

function byLink({ acts, open, dialog }) {
  const form = new Form({
    label: "Join by a link",
    fields: [
      new Field({
        name: "code",
        label: "Invited by a link?",
        placeholder: "The link or its code",
        required: true,
        autocomplete: "off",
        maxlength: 200,
      }),
    ],
    submit: "Join",
    act: async ({ code }) => {
      const room = await acts.accept({ code: code.trim().split("invite=").at(-1) });
      dialog.close();
      open(room.id);
    },
  });
  return element("div", { class: "by-link" }, form.node);
}
