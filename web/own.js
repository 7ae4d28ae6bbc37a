// The session of the person at this tab: opened on /account, and known to every page.
//
// The access token lives in memory alone. The refresh token is in sessionStorage, so that a reload does not log out; a
// script that could read it there could also call the API from here, and none can be put in: pages run no inline and
// no foreign script. It leaves with the tab, no other tab sees it, each use replaces it, and using an old one ends the
// session. A cookie would not be read, but it would travel with every request, also with forged ones.

import { Login, request } from "./api.js";
import { deviceName } from "./device.js";

const KEY = "chat.session";
const PATIENCE_MS = 1_000; // how long the page that this tab has just left may take to let go

/** What is known without asking the server: `{session_id, refresh_token, user}`, or null when nobody is logged in. */
export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // written by nobody of ours
  }
}

/** Goes on with the session of this tab; null when there is none. */
export async function resume() {
  const found = kept();
  if (!found) return null;
  if (await claim(found.session_id, AbortSignal.timeout(PATIENCE_MS))) return Login.resume(found, keep);
  keep(null);
  return null;
}

/** Opens a session for this tab. */
export async function logIn(username, password, code) {
  return hold(await Login.open(username, password, deviceName(navigator.userAgent), { code, keep }));
}

/** Opens a session for this tab by what a log-in at another provider came back with. */
export async function takeOver(handover) {
  const body = { handover, device: deviceName(navigator.userAgent) };
  return hold(new Login(await request("POST", "/api/users/oauth/handover", { body }), keep));
}

async function hold(login) {
  await claim(login.session_id);
  return login;
}

function keep(session) {
  if (!session) return sessionStorage.removeItem(KEY);
  const { id, username, full_name, avatar } = session.user;
  sessionStorage.setItem(KEY, JSON.stringify({ ...session, user: { id, username, full_name, avatar } }));
}

// A duplicated tab begins with a copy of the refresh token. Used by both it would look stolen, and end the session for
// both: whoever came second logs in again instead. The lock is held as long as the page is open.
function claim(session_id, signal) {
  if (!navigator.locks) return Promise.resolve(true); // pages that are not served safely have none
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(`session ${session_id}`, { signal }, held).catch(() => resolve(false));
  });
}
