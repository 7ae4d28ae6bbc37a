// Where a person is logged in, and how to end that.

import { element } from "../../element.js";
import { distance, moment } from "../../time.js";
import { actButton } from "../act.js";
import { panel } from "../panel.js";
import { Rows } from "../rows.js";
import { say } from "../toast.js";

const PATH = "/api/users/me/sessions";
const LIMIT = 100;

export function sessions(me) {
  const rows = new Rows({
    label: "Sessions",
    empty: "There is none.",
    make: row,
    print: (each) => [each, active(each)],
  });
  const others = actButton("End all other sessions", endOthers);

  function row(session) {
    const { id, device, address, created_at, refreshed_at, is_current } = session;
    const name = device || "Unnamed device";
    return element(
      "li",
      { class: "row" },
      element(
        "div",
        { class: "about-row" },
        element("p", { class: "name" }, name, is_current && element("span", { class: "badge good" }, "This device")),
        element(
          "p",
          { class: "facts" },
          element("time", { datetime: refreshed_at, title: moment(refreshed_at) }, active(session)),
          element("span", {}, `since ${moment(created_at)}`),
          address && element("span", {}, `from ${address}`),
        ),
      ),
      !is_current && actButton("End", () => end(id), { of: name }),
    );
  }

  async function end(id) {
    await me.request("DELETE", `${PATH}/${id}`);
    say("The session is ended.");
    await refresh();
  }

  async function endOthers() {
    const body = { keep_current: true };
    const { revoked } = await me.request("POST", `${PATH}:revokeAll`, { body, key: crypto.randomUUID() });
    say(revoked === 1 ? "One session is ended." : `${revoked} sessions are ended.`);
    await refresh();
  }

  async function refresh() {
    const { items } = await me.request("GET", PATH, { query: { limit: LIMIT } });
    rows.show([...items].sort((a, b) => b.is_current - a.is_current));
    others.hidden = items.every((each) => each.is_current);
  }

  const about = "Every device and program that is logged in as you. What you end is logged out within seconds.";
  const node = panel("", about, rows.node, element("div", { class: "actions" }, others));
  return { node, refresh, ready: refresh().catch((error) => rows.fail(error)) };
}

function active({ is_current, refreshed_at }) {
  return is_current ? "active now" : `last active ${distance(refreshed_at)}`;
}
