// What others see of a person.

import { element } from "../../element.js";
import { Field, Form } from "../../form.js";
import { initials } from "../../initials.js";
import { panel } from "../panel.js";

const MEANWHILE =
  "Your profile was changed somewhere else meanwhile. What you wrote is still here: look at it, and save again.";

export function profile(me) {
  const fields = [
    new Field({
      name: "full_name",
      label: "Full name",
      maxlength: 100,
      autocomplete: "name",
      hint: "Your username when you leave it out.",
    }),
    new Field({
      name: "username",
      label: "Username",
      required: true,
      maxlength: 32,
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      hint: "3 to 32 letters, digits, dots, dashes or underscores.",
    }),
    new Field({ name: "bio", label: "About you", kind: "textarea", rows: 3, maxlength: 1000, hint: "A few words." }),
    new Field({
      name: "avatar",
      label: "Picture",
      type: "url",
      inputmode: "url",
      maxlength: 2048,
      autocomplete: "off",
      placeholder: "https://…",
      hint: "The address of a picture that anybody may see.",
    }),
  ];
  let known = {}; // the version that the fields show
  const dirty = () => fields.filter(({ name, value }) => value !== known[name]);

  const form = new Form({
    label: "Profile",
    fields,
    submit: "Save",
    act: async () => {
      const changed = dirty();
      if (!changed.length) return "There is nothing to save.";
      const body = Object.fromEntries(changed.map(({ name, value }) => [name, value.trim()]));
      try {
        const account = await me.request("PATCH", "/api/users/me", { body, etag: known.etag });
        show(account);
        me.set(account);
        return "Saved.";
      } catch (error) {
        if (error.code !== "ETAG_MISMATCH") throw error;
        await me.load();
        merge(me.account);
        return MEANWHILE;
      }
    },
  });

  const picture = element("div", { class: "picture", "aria-hidden": "true" });

  function show(account) {
    known = account;
    for (const field of fields) field.value = account[field.name];
    picture.replaceChildren(face(account));
  }

  // What the person is writing stays; everything else is as it is now.
  function merge(account) {
    const kept = new Set(dirty());
    known = account;
    for (const field of fields) if (!kept.has(field)) field.value = account[field.name];
  }

  show(me.account);
  // Half-written changes keep the version that they were begun on, so that the server can tell of a conflict.
  const leave = me.onChange((account) => dirty().length || show(account));
  return { node: panel("", "Everybody in your workspace can see this.", picture, form.node), leave };
}

function face({ avatar, full_name }) {
  const circle = element("span", { class: "avatar large" }, initials(full_name));
  if (!avatar) return circle;
  const image = element("img", {
    class: "avatar large",
    src: avatar,
    alt: "",
    width: 64,
    height: 64,
    referrerpolicy: "no-referrer",
  });
  image.addEventListener("error", () => image.replaceWith(circle));
  return image;
}
