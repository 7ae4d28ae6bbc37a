// Everything that is kept about a person, as a file.

import { element } from "../../element.js";
import { actButton } from "../act.js";
import { save } from "../file.js";
import { panel } from "../panel.js";
import { say } from "../toast.js";

export function exported(me) {
  const button = actButton("Download my data", async () => {
    const data = await me.request("GET", "/api/users/me/export");
    save(JSON.stringify(data, null, 2), `${me.account.username}.json`, "application/json");
    say("The file is in your downloads.");
  });
  const about = "Your account, sessions, blocks and what was noted of you, as JSON. Nothing is changed by it.";
  return { node: panel("Export", about, element("div", { class: "actions" }, button)) };
}
