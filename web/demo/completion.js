// Completing a mention while it is written: what is begun at the cursor, who fits, and the text with it. Pure.

const BEGUN = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u;
const AT_MOST = 8;

/** What is begun just before the cursor: `{from, words}`, or null. */
export function begun(text, cursor) {
  const match = BEGUN.exec(text.slice(0, cursor));
  return match && { from: cursor - match[1].length - 1, words: match[1].toLowerCase() };
}

/**
 * Who fits, the best first: `{handle, name, kind}` each. Handles that begin so come before names that do, people before
 * groups, and both before everybody.
 */
export function candidates(words, { people, groups = [], everybody = false }) {
  const all = [
    ...people.map(({ id, username, full_name }) => ({ kind: "person", id, handle: username, name: full_name })),
    ...groups.map(({ id, handle, name, user_ids = [] }) => ({
      kind: "group",
      id,
      handle,
      name: name || `${user_ids.length} people`,
    })),
    ...(everybody
      ? [
          { kind: "all", handle: "all", name: "Everybody in the conversation" },
          { kind: "here", handle: "here", name: "Everybody who is around" },
        ]
      : []),
  ];
  const rank = ({ handle, name, kind }) => {
    if (handle.toLowerCase().startsWith(words)) return 0;
    if (kind !== "person" && kind !== "group") return 9;
    return name
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(words))
      ? 1
      : 9;
  };
  const ranked = all.filter(({ handle }) => handle).map((each, index) => ({ each, index, rank: rank(each) }));
  const fitting = ranked.filter(({ rank }) => rank < 9).sort((a, b) => a.rank - b.rank || a.index - b.index);
  return fitting.slice(0, AT_MOST).map(({ each }) => each);
}

/** The text with `handle` in place of what was begun, and where the cursor is then. */
export function completed(text, cursor, { from }, handle) {
  const put = `@${handle} `;
  const after = text.slice(cursor).replace(/^ /, "");
  return { text: text.slice(0, from) + put + after, cursor: from + put.length };
}
