/** The visitor's headers that a platform gets to see; no cookie, no credentials, no address. */
const PASSED = ["accept", "accept-language", "user-agent"];
/** The one compression that the runtime can undo, to see what is in it. */
const GZIP = /(^|[\s,])gzip\s*(,|$|;\s*q=(?!0(\.0*)?\s*(,|$)))/i;
const ENTITY_TAG = /(?:W\/)?"[^"]*"/g;

/**
 * The visitor's request as a platform gets it: address and options for fetch.
 *
 * Entity tags carry the name of the platform that gave them, and go back to that one only: two platforms may give one tag to
 * different bytes. For the same reason dates are no condition: the same file bears another date on each platform.
 */
export function originRequest(visit, origin, signal, method = visit.method) {
  const headers = new Headers();
  for (const name of PASSED) copyHeader(visit.headers, headers, name);
  headers.set("accept-encoding", GZIP.test(visit.headers.get("accept-encoding") ?? "") ? "gzip" : "identity");
  const known = ownTags(visit.headers.get("if-none-match") ?? "", origin.name);
  if (known.length) headers.set("if-none-match", known.join(", "));
  addRange(visit.headers, headers, origin.name);
  const options = { method, headers, signal, redirect: "manual", cache: "no-store", encodeResponseBody: "manual" };
  return [`https://${origin.host}${visit.target}`, options];
}

function copyHeader(from, to, name) {
  const value = from.get(name);
  if (value !== null) to.set(name, value);
}

/** A range goes along unless it depends on a state of the file that this platform cannot know of. */
function addRange(from, to, name) {
  const range = from.get("range");
  const condition = from.get("if-range");
  if (range === null) return;
  const [own] = condition === null ? [] : ownTags(condition, name);
  if (condition !== null && !own) return;
  to.set("range", range);
  if (own) to.set("if-range", own);
}

/** Entity tags of a header that this platform gave, as it gave them. */
function ownTags(text, name) {
  const mark = `"${name}~`;
  const found = text.match(ENTITY_TAG) ?? [];
  return found.filter((tag) => tag.includes(mark)).map((tag) => tag.replace(mark, '"'));
}

/** A platform's entity tag as visitors see it. */
export function taggedBy(name, tag) {
  return tag.replace('"', `"${name}~`);
}
