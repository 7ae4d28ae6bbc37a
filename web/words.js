// Problems in words that a person understands, and at the field that they are about. Pure.

import { duration } from "./time.js";

const UNREACHABLE = "The server cannot be reached. Check your connection, and try again.";
const BUSY = "The server is busy at the moment. Try again in a little while.";

// Where the server's own words are fit for people they are used; these are not, or say too little.
const SAID = {
  INVALID_CREDENTIALS: "The name or the password is not right.",
  LOGIN_LOCKED: "There were too many failed tries.",
  RATE_LIMITED: "That was too often in a short time.",
  LINK_INVALID: "This link has ended, or was used before.",
  SESSION_REVOKED: "Your session was ended. Log in again to go on.",
  REFRESH_TOKEN_INVALID: "Your session has ended. Log in again to go on.",
  REFRESH_TOKEN_REUSED: "Your session was ended, since its token was used twice. Log in again to go on.",
  PROVIDER_NOT_FOUND: "Nobody can log in that way here.",
  PROVIDER_REFUSED: "The log-in at the other provider did not work out. Try again, or take your password.",
  ENROLLMENT_INVALID: "That took too long. Begin again.",
  UNIMPLEMENTED: "This server does not offer that.",
  ROUTE_NOT_FOUND: "This server does not offer that.",
  OVERLOADED: BUSY,
  UNAVAILABLE: BUSY,
  DEADLINE_EXCEEDED: BUSY,
  DRAINING: BUSY,
};

// Reasons that are about one field: the first of these that the form has.
const AT = {
  USERNAME_TAKEN: { at: ["username"], say: "That name is taken." },
  EMAIL_TAKEN: { at: ["email"], say: "Another account has this address." },
  PASSWORD_TOO_COMMON: { at: ["new_password", "password"], say: "This is one of the passwords that are tried first." },
  PASSWORD_WRONG: { at: ["password"], say: "That is not your password." },
  SECOND_FACTOR_INVALID: { at: ["code"], say: "That code is not right, or was used before." },
};

const PATTERNS = {
  username: "3 to 32 letters, digits, dots, dashes or underscores; the first is a letter or a digit.",
  avatar: "An address that begins with https://.",
};

/** What to say of anything that was thrown. */
export function inWords(error) {
  if (error instanceof TypeError) return UNREACHABLE; // what fetch throws
  if (error.code === "INTERNAL") {
    const id = error.metadata?.error_id;
    return `Something went wrong on our side. Try again in a little while.${id ? ` It is noted as ${id}.` : ""}`;
  }
  return SAID[error.code] ?? AT[error.code]?.say ?? error.message;
}

/** What to say at the fields `names` of a form, and of what is about none of them: `{fields: {name: text}, rest}`. */
export function atFields(error, names) {
  const fields = {};
  const about = AT[error.code]?.at.find((name) => names.includes(name));
  if (about) return { fields: { [about]: AT[error.code].say }, rest: "" };
  const elsewhere = [];
  for (const { pointer, code, detail } of error.errors ?? []) {
    const at = pointer.slice(1);
    if (names.includes(at)) fields[at] ??= PATTERNS[at] && code === "string.pattern" ? PATTERNS[at] : sentence(detail);
    else elsewhere.push(detail);
  }
  const placed = Object.keys(fields).length > 0 && elsewhere.length === 0;
  return { fields, rest: placed ? "" : inWords(error) };
}

/** Seconds for which trying again is no use; 0 when nobody knows of any. */
export function waitOf({ retry_after_s, status, code }) {
  return status === 429 || code === "LOGIN_LOCKED" ? (retry_after_s ?? 0) : 0;
}

/** What a new password still lacks. The server has the last word: it knows those that are tried first. */
export function passwordHint(text) {
  const [count, bytes] = [[...text].length, new TextEncoder().encode(text).length];
  if (bytes > 1024) return "That is more than 1,024 bytes.";
  if (count === 0) return "At least 8 characters, such as a few words.";
  if (count < 8) return count === 7 ? "One more character." : `${8 - count} more characters.`;
  if (new Set(text).size < 4) return "Easy to guess: mix in other characters.";
  return count < 14 ? "Long enough. Longer is better." : "Good.";
}

/** How long to wait, for those who do not see the clock. */
export function waitInWords(seconds) {
  return `Try again in ${duration(seconds)}.`;
}

function sentence(detail) {
  const text = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
