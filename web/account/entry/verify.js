// Confirming a mail address, by the link that was sent there.

import { useLink } from "./use-link.js";

export function verify(token) {
  return useLink(token, {
    title: "Your mail address",
    path: "/api/users/verify-email",
    doing: "Confirming your address …",
    done: "Thank you: your address is confirmed.",
  });
}
