// All versions of a message, with a way back to an earlier one.

import { element } from "../../element.js";
import { distance, moment } from "../../time.js";
import { attempt, openDialog } from "../dialog.js";

export function historyDialog({ session, acts, say }, room, message) {
  const mine = message.sender.id === session.user.id;
  openDialog({
    title: "Edit history",
    who: session.user,
    build: async (body, dialog) => {
      const list = element("ol", { class: "versions" });
      body.append(list);
      await attempt(dialog, async () => {
        const versions = await acts.versions(message.id);
        list.append(...versions.map((version, index) => row(version, index === 0, dialog)));
      });
    },
  });

  function row({ version, text, created_at }, present, dialog) {
    const restore = element("button", { class: "button", type: "button" }, "Restore");
    restore.addEventListener("click", async () => {
      if (!(await attempt(dialog, () => acts.restore(room, message.id, version)))) return;
      dialog.close();
      say(`Version ${version} is the present one again.`);
    });
    return element(
      "li",
      {},
      element(
        "p",
        { class: "facts" },
        `Version ${version} · `,
        element("time", { datetime: created_at, title: moment(created_at) }, distance(created_at)),
        present && " · now",
      ),
      element("p", { class: "said" }, text || "Deleted"),
      mine && !present && text && restore,
    );
  }
}
