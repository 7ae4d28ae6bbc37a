// Who is writing, in words. Pure.

/** Such as `Bob is typing`; empty when nobody is. */
export function typists(ids, store) {
  const names = ids.map((id) => store.who(id).full_name);
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing`;
  return `${names.length} people are typing`;
}
