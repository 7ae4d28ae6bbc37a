// What a client reads at first: the person's conversations, and what is theirs alone.

const CONVERSATIONS = "/api/messages/conversations";
const AT_MOST = 1_000;

/** All items of a list, page by page, up to `at_most`. */
export async function all(session, path, query = {}, at_most = AT_MOST) {
  const found = [];
  let cursor = "";
  do {
    const { items, page } = await session.request("GET", path, {
      query: { limit: 100, ...query, ...(cursor && { cursor }) },
    });
    found.push(...items);
    cursor = page.has_more ? page.next_cursor : "";
  } while (cursor && found.length < at_most);
  return found;
}

/** Reads everything into the session's store. Without what is the person's alone one can chat all the same. */
export async function load(session) {
  const { store } = session;
  const own = async (path, keep) => {
    for (const item of await all(session, path, {}, 200)) keep.call(store, item);
  };
  const rest = Promise.allSettled([
    own("/api/messages/drafts", store.keepDraft),
    own("/api/messages/invites", store.keepInvite),
    own("/api/messages/scheduled", store.keepScheduled),
    own("/api/messages/bookmarks", store.keepBookmark),
    own("/api/messages/groups", store.keepGroup),
  ]);
  for (const item of await all(session, CONVERSATIONS)) store.know(item);
  await rest;
}

/** Reads the conversations that a filter of the server finds, such as the hidden ones. */
export async function loadFiltered(session, filter) {
  for (const item of await all(session, CONVERSATIONS, { filter })) session.store.know(item);
  session.onChange();
}
