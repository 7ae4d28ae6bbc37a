// The account page: finds out who is here and what the address asks for, and shows one view at a time.

import { Problem } from "../api.js";
import { resume, takeOver } from "../own.js";
import { inWords } from "../words.js";
import { checkMail } from "./entry/check-mail.js";
import { forgot } from "./entry/forgot.js";
import { logIn } from "./entry/log-in.js";
import { reset } from "./entry/reset.js";
import { signUp } from "./entry/sign-up.js";
import { unlock } from "./entry/unlock.js";
import { verify } from "./entry/verify.js";
import { Home } from "./home.js";
import { sentWith, takeSent } from "./link.js";
import { Me } from "./me.js";

const stage = document.querySelector("main");
const LINKS = { "/account/verify": verify, "/account/reset": reset, "/account/unlock": unlock };
const PROVIDER_FAILED = "The log-in at the other provider did not work out.";
const VIEWS = { "#sign-up": signUp, "#forgot": forgot };

let home = null; // while somebody is logged in

/** What the views of people who are not logged in may ask for. */
const door = {
  enter(login) {
    if (location.hash in VIEWS) history.replaceState(null, "", "/account");
    moveIn(login);
  },
  mailSent: (told) => show(checkMail(told)),
  logIn(username) {
    history.replaceState(null, "", "/account");
    show(logIn(door, { username }));
  },
};

function moveIn(login) {
  const me = new Me(login);
  login.onEnd = (problem) => moveOut(inWords(problem));
  home = new Home(me, { onLeft: moveOut });
  stage.replaceChildren(home.node);
  home.open(location.hash);
}

/** Back to the door; `notice` says why. */
function moveOut(notice) {
  home?.close();
  home = null;
  history.replaceState(null, "", "/account");
  show(logIn(door, { notice }));
}

function show({ title, node, focus }) {
  document.title = `${title} · Massive Scale Chat`;
  stage.replaceChildren(node);
  focus?.();
}

function route() {
  if (home) home.open(location.hash);
  else show((VIEWS[location.hash] ?? logIn)(door));
}

async function start() {
  const { token = "", handover, problem } = takeSent();
  const link = LINKS[location.pathname];
  if (link) return show(link(token));
  addEventListener("popstate", route);
  try {
    if (problem) throw new Problem({ code: problem, detail: PROVIDER_FAILED });
    const login = handover ? await takeOver(handover) : await resume();
    if (login) moveIn(login);
    else route();
  } catch (error) {
    show(logIn(door, { problem: inWords(error) }));
  }
}

// A link that is opened where the page is open already changes the fragment alone.
addEventListener("hashchange", () => sentWith(location.hash) && location.reload());
start().finally(() => stage.removeAttribute("aria-busy"));
