// Addresses in a text. Pure.

const ADDRESS = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]'’]/g;

/** The text in parts, `{text, href}`: those that are an address have one. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: href, index } of text.matchAll(ADDRESS)) {
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push({ text: href, href });
    end = index + href.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}
