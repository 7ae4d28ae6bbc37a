// Whom a text calls: `@name` of a person or group, `@all` and `@here`. Pure.

const CALL = /(^|[^\p{L}\p{N}@._-])@([\p{L}\p{N}][\p{L}\p{N}._-]*)/gu;

/** The handles after `@`, in lower case, without dots at the end of a sentence. */
export function handlesIn(text) {
  return [...text.matchAll(CALL)].map(([, , handle]) => handle.replace(/[.-]+$/, "").toLowerCase());
}

/** What a send asks for: `known` has `users` and `groups`, each by handle. Undefined when nobody is called. */
export function mentionsOf(text, { users, groups }) {
  const handles = new Set(handlesIn(text));
  const ids = (from) => [...handles].map((handle) => from.get(handle)).filter(Boolean);
  const mentions = { user_ids: ids(users), group_ids: ids(groups), all: handles.has("all"), here: handles.has("here") };
  const any = mentions.user_ids.length || mentions.group_ids.length || mentions.all || mentions.here;
  return any ? mentions : undefined;
}

/** Whether a message calls `me`; `groups` are the ids of the groups that I am in. */
export function calls({ mentions }, me, groups) {
  if (!mentions) return false;
  const { user_ids = [], group_ids = [], all, here } = mentions;
  return Boolean(all || here || user_ids.includes(me) || group_ids.some((id) => groups.has(id)));
}

/** A text in pieces `{text, handle?}`: those with a handle that `isCalled` are to be marked. */
export function pieces(text, isCalled) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(CALL)) {
    const handle = match[2].replace(/[.-]+$/, "");
    if (!isCalled(handle.toLowerCase())) continue;
    const start = match.index + match[1].length;
    if (start > end) found.push({ text: text.slice(end, start) });
    found.push({ text: `@${handle}`, handle: handle.toLowerCase() });
    end = start + handle.length + 1;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}
