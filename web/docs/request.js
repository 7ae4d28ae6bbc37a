// A request as an address and as a line for the shell. Pure.

/** The path with its parameters filled in, and those of the query that have a value. */
export function address(path, { inPath = {}, inQuery = {} }) {
  const filled = path.replace(/\{(\w+)\}/g, (whole, name) => (inPath[name] ? encodeURIComponent(inPath[name]) : whole));
  const query = new URLSearchParams(Object.entries(inQuery).filter(([, value]) => value !== ""));
  return query.size ? `${filled}?${query}` : filled;
}

/** A `curl` command. The token is taken from the variable TOKEN, so that it does not end up in the shell's history. */
export function curl({ method, url, body, secured, stream }) {
  const parts = [`curl ${stream ? "-N " : ""}${method === "GET" ? "" : `-X ${method} `}${quote(url)}`];
  if (secured) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(body)}`);
  return parts.join(" \\\n  ");
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
