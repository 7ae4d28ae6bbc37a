// Letting a name log in again, by the link that was sent to its owner.

import { useLink } from "./use-link.js";

export function unlock(token) {
  return useLink(token, {
    title: "Unlock your account",
    path: "/api/users/unlock",
    doing: "Unlocking …",
    done: "Your account is unlocked: you can log in again.",
  });
}
