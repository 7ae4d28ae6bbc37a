// The second factor: an authenticator beside the password, and recovery codes for when it is lost.

import { copyButton } from "../../copy.js";
import { element } from "../../element.js";
import { codeField, Form, passwordField } from "../../form.js";
import { inWords } from "../../words.js";
import { fold, panel } from "../panel.js";
import { qrImage } from "../qr-image.js";
import { shownOnce } from "../secret.js";

const PATH = "/api/users/me/mfa";

export function factor(me) {
  const body = element("div", { class: "factor" });
  const show = (...children) => body.replaceChildren(...children);
  let present = null;

  async function start() {
    present = await me.request("GET", PATH);
    show(...(present.is_on ? on(present) : off()));
  }

  function off() {
    const form = new Form({
      label: "Set up a second factor",
      fields: [passwordField({})],
      submit: "Set up",
      act: async (values) => enroll(await me.request("POST", `${PATH}/totp`, { body: values })),
    });
    return [fold("Set up", form)];
  }

  function enroll({ secret, uri, enrollment }) {
    const form = new Form({
      label: "Confirm the authenticator",
      fields: [codeField({ hint: "The six digits that the app shows now.", inputmode: "numeric" })],
      submit: "Confirm",
      act: async ({ code }) => {
        const answer = await me.request("POST", `${PATH}/verify`, {
          body: { enrollment, code: code.replace(/\s/g, "") },
        });
        keep(answer.recovery_codes);
      },
      others: [element("button", { class: "button", type: "button", onclick: start }, "Cancel")],
    });
    const spaced = secret.replace(/.{4}(?=.)/g, "$& ");
    show(
      element(
        "div",
        { class: "enroll" },
        qrImage(uri, "QR code for the authenticator"),
        element(
          "div",
          { class: "beside" },
          element(
            "p",
            {},
            "Scan this with an authenticator app, or ",
            element("a", { href: uri }, "open it here"),
            ".",
          ),
          element("p", { class: "about" }, "Or type this in:"),
          element(
            "p",
            { class: "typed" },
            element("code", {}, spaced),
            copyButton(() => secret),
          ),
        ),
      ),
      form.node,
    );
    form.focus();
  }

  function keep(codes) {
    const about =
      "Each is good once, in place of a code of the authenticator. This is the only time that they are shown.";
    const file = `${me.account.username}-recovery-codes.txt`;
    show(shownOnce({ title: "Recovery codes", about, lines: codes, file, onKept: start }));
  }

  function on({ recovery_codes_left: left }) {
    const again = new Form({
      label: "New recovery codes",
      fields: [passwordField({}), codeField()],
      submit: "Replace the codes",
      act: async (values) =>
        keep((await me.request("POST", `${PATH}/recovery-codes`, { body: values })).recovery_codes),
    });
    const disable = new Form({
      label: "Take the second factor away",
      danger: true,
      fields: [passwordField({}), codeField({ hint: "Or a recovery code." })],
      submit: "Take it away",
      act: async (values) => {
        await me.request("POST", `${PATH}/disable`, { body: values });
        await start();
      },
    });
    return [
      element(
        "p",
        { class: "now" },
        element("span", { class: "badge good" }, "On"),
        element("span", {}, left === 1 ? "One recovery code is left." : `${left} recovery codes are left.`),
      ),
      element("div", { class: "actions" }, fold("New recovery codes", again), fold("Take it away", disable)),
    ];
  }

  const failed = (error) => show(element("p", { class: "callout bad", role: "alert" }, inWords(error)));
  const ready = start().catch(failed);
  const about = "A code of an authenticator app, beside your password: who learns the password alone cannot log in.";
  const leave = me.onChange(
    (account) => present && account.has_second_factor !== present.is_on && !unsaved() && start().catch(failed),
  );
  const unsaved = () => Boolean(body.querySelector(".once, .enroll"));
  return { node: panel("Second factor", about, body), leave, ready };
}
