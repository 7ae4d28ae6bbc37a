// The token of a link in a mail. It stands in the fragment, which no server sees and no log keeps.

/** The token in a fragment such as `#token=…`; empty when there is none. */
export function tokenIn(hash) {
  return new URLSearchParams(hash.slice(1)).get("token") ?? "";
}

/** Takes the token out of the address, so that it stays in no history and no screenshot. */
export function takeToken() {
  const token = tokenIn(location.hash);
  history.replaceState(null, "", location.pathname);
  return token;
}
