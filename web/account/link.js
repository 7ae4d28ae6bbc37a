// What others send a browser here with: links of mails, and log-ins at other providers. It stands in the fragment, which
// no server sees and no log keeps.

const OURS = ["token", "handover", "problem"];

/** The parts of a fragment such as `#token=…`; null when it is only the name of a section. */
export function sentWith(hash) {
  const parts = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  return OURS.some((name) => parts[name]) ? parts : null;
}

/** Takes what was sent out of the address, so that it stays in no history and on no screenshot. */
export function takeSent() {
  const sent = sentWith(location.hash);
  if (sent) history.replaceState(null, "", location.pathname);
  return sent ?? {};
}
