// What a person says about the present.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { distance, moment } from "../../time.js";
import { actButton } from "../act.js";
import { panel } from "../panel.js";
import { CHOICES, endOf } from "../until.js";

const EMOJI = ["💬", "🎧", "🏠", "🌴", "🤒", "🍽️"];

export function status(me) {
  const emoji = new Field({ name: "emoji", label: "Emoji", maxlength: 16, autocomplete: "off" });
  const text = new Field({
    name: "text",
    label: "Status",
    maxlength: 100,
    autocomplete: "off",
    placeholder: "What are you up to?",
  });
  const options = CHOICES.map(([value, label]) => element("option", { value }, label));
  const until = new Field({ name: "until", label: "How long", kind: "select", options });
  const put = async (body) => me.set(await me.request("PUT", "/api/users/me/status", { body }));

  const form = new Form({
    label: "Status",
    fields: [emoji, text, until],
    submit: "Set status",
    act: async (values) => {
      const ends = endOf(values.until, new Date());
      const body = {
        text: values.text.trim(),
        emoji: values.emoji.trim(),
        ...(ends && { expires_at: ends.toISOString() }),
      };
      await put(body);
      return body.text || body.emoji ? "Your status is set." : "You have no status.";
    },
    others: [actButton("Clear", () => put({ text: "", emoji: "" }))],
  });
  form.node.classList.add("status");
  until.node.before(element("div", { class: "picks" }, ...EMOJI.map((each) => pick(each, emoji))));

  const now = element("p", { class: "now" });
  function show({ status: present }) {
    [text.value, emoji.value, until.value] = [present?.text ?? "", present?.emoji ?? "", ""];
    now.replaceChildren(...(present ? words(present) : ["You have no status."]));
  }
  show(me.account);
  const print = ({ status: present }) => JSON.stringify(present);
  let shown = print(me.account);
  const leave = me.onChange((account) => {
    if (print(account) === shown) return;
    shown = print(account);
    show(account);
  });
  return { node: panel("Status", "A few words about the present, shown beside your name.", now, form.node), leave };
}

function words({ text, emoji, expires_at }) {
  const ends =
    expires_at && element("span", { class: "quiet", title: moment(expires_at) }, `ends ${distance(expires_at)}`);
  return [element("span", { class: "said" }, [emoji, text].filter(Boolean).join(" ")), ends].filter(Boolean);
}

function pick(emoji, field) {
  const choose = () => {
    field.value = emoji;
    field.input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  return element("button", { type: "button", class: "emoji", "aria-label": `Use ${emoji}`, onclick: choose }, emoji);
}
