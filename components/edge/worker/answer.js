import { originRequest, taggedBy } from "./asking.js";
import { filesOf } from "./files.js";
import { releaseHeaders } from "./release.js";

/** Headers of a platform that belong to the file. Everything else is the platform's own: cookies, ids, its connection. */
const OF_THE_FILE = new Set([
  ...["accept-ranges", "age", "cache-control", "content-disposition", "content-encoding", "content-language"],
  ...["content-length", "content-range", "content-type", "date", "expires", "last-modified", "vary"],
]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TOO_MANY_REQUESTS = 429;
/** Longest 404 page and health answer that is read, in bytes. */
const LONGEST_PAGE = 1024 * 1024;
/** Hex digits of SHA-256 that the release's manifest keeps. */
const DIGEST = 16;

/** An answer that is not the site's, though the platform may be well: nothing is counted, its health path is asked. */
export class Refused extends Error {}

/** An answer that shows a platform to be unwell. */
export class Failed extends Error {}

/** An answer that may be sent to the visitor. */
class Answer {
  constructor(status, headers, body, encoded = true, rest = null) {
    Object.assign(this, { status, headers, body, encoded, rest });
  }

  /** As a response; `background` takes the promise of a body that is still coming in. */
  response(background) {
    const options = { status: this.status, headers: this.headers };
    if (this.encoded && this.headers.has("content-encoding")) options.encodeBody = "manual";
    if (!this.rest) return new Response(this.body, options);
    const length = Number(this.headers.get("content-length") ?? NaN);
    const { readable, writable } = Number.isNaN(length) ? new IdentityTransformStream() : new FixedLengthStream(length);
    background(this.pour(writable));
    return new Response(readable, options);
  }

  /** The start that was read already, then the rest as it comes in; a body that breaks off breaks off for the visitor too. */
  async pour(writable) {
    const writer = writable.getWriter();
    await writer.write(this.body);
    writer.releaseLock();
    await this.rest.pipeTo(writable);
  }

  discard() {
    this.rest?.cancel().catch(() => {});
  }
}

/** Ask one platform. Throws Failed or Refused for what must not be sent to the visitor, or fetch's own error. */
export async function asked(visit, origin, config, signal) {
  const response = await fetch(...originRequest(visit, origin, signal));
  try {
    return await accepted(response, visit, origin, config, signal);
  } catch (error) {
    response.body?.cancel().catch(() => {});
    throw error;
  }
}

async function accepted(response, visit, origin, config, signal) {
  const { status } = response;
  if (status >= 500 || status === TOO_MANY_REQUESTS) throw new Failed(`status ${status}`);
  if (REDIRECTS.has(status)) return redirect(response, visit, origin, config);
  if (status === 404) return notFound(response, visit, origin, config, signal);
  const expected = status === 200 || (visit.headers.has("range") && (status === 206 || status === 416));
  if (status === 304 && visit.headers.has("if-none-match")) return new Answer(304, ownHeaders(response, origin, config), null);
  if (!expected) throw new Refused(`status ${status}`);
  const headers = finished(response, visit, origin, config);
  if (visit.method === "HEAD") return new Answer(status, headers, null);
  if (visit.path === config.health.path) return healthAnswer(response, status, headers, config);
  const answer = await started(response, status, headers, config.limits.whole);
  if (status === 200 && !answer.rest) await recognised(answer, visit, origin, config);
  return answer;
}

/**
 * A file counts with the bytes that a release has at its path. Bytes that none has may be of a release that this script has not
 * been told of yet: they count when a second platform gives the same.
 */
async function recognised(answer, visit, origin, config) {
  const digest = await crypto.subtle.digest("SHA-256", await plainBytes(answer));
  if (config.files.hold(filesOf(visit.path, config), digest)) return;
  const text = hexOf(digest);
  const first = visit.unknown.get(text);
  if (first !== undefined && first !== origin.name) return;
  visit.unknown.set(text, origin.name);
  throw new Refused("bytes of no release");
}

async function plainBytes(answer) {
  const bytes = answer.body ?? new Uint8Array(0);
  const encoding = answer.headers.get("content-encoding");
  if (encoding === null) return bytes;
  if (encoding.toLowerCase() !== "gzip") throw new Refused(`compressed with ${encoding}, which nobody asked for`);
  try {
    return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch {
    throw new Failed("a body that cannot be decompressed");
  }
}

/**
 * The body's start must be there before the answer counts: a platform that stalls or breaks off early is then replaced by the next
 * one, and a page that is shorter than `size` bytes is known to be whole.
 */
async function started(response, status, headers, size) {
  if (!response.body) return new Answer(status, headers, null);
  const { start, ended } = await startOf(response.body, size);
  const length = headers.get("content-length");
  if (ended && length !== null && Number(length) !== start.length) throw new Failed("the body broke off");
  return new Answer(status, headers, start, true, ended ? null : response.body);
}

async function startOf(body, size) {
  const reader = body.getReader({ mode: "byob" });
  const { value } = await reader.readAtLeast(size, new Uint8Array(size));
  reader.releaseLock();
  const start = value ?? new Uint8Array(0);
  return { start, ended: start.length < size };
}

/** A 404 counts only with a 404 page of a release: a platform that lost the site answers 404 to everything. */
async function notFound(response, visit, origin, config, signal) {
  let page = response;
  const encoded = response.headers.has("content-encoding");
  if (visit.method === "HEAD" || encoded) {
    await response.body?.cancel();
    page = await fetch(...plainly(visit, origin, signal));
  }
  const body = page.status === 404 && page.body ? await startOf(page.body, LONGEST_PAGE) : null;
  const known = body?.ended && config.notFound.includes(hexOf(await crypto.subtle.digest("SHA-256", body.start)));
  if (!known) {
    page.body?.cancel().catch(() => {});
    throw new Refused("a 404 without a 404 page of this site");
  }
  const headers = finished(page, visit, origin, config);
  headers.delete("content-encoding");
  headers.set("content-length", String(body.start.length));
  return new Answer(404, headers, visit.method === "HEAD" ? null : body.start, false);
}

/** A GET for the whole file, its body to be decoded by the runtime. */
function plainly(visit, origin, signal) {
  const [url, options] = originRequest({ ...visit, headers: new Headers() }, origin, signal, "GET");
  return [url, { ...options, encodeResponseBody: "automatic" }];
}

function hexOf(digest) {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, DIGEST);
}

async function healthAnswer(response, status, headers, config) {
  const answer = await started(response, status, headers, LONGEST_PAGE);
  const readable = !headers.has("content-encoding") && answer.body && !answer.rest;
  if (readable && !new TextDecoder().decode(answer.body).includes(config.health.token)) throw new Failed("a wrong health answer");
  return answer;
}

/** Whether the health path of a platform answers with the site's token. */
export async function isHealthy(origin, config) {
  const signal = AbortSignal.timeout(config.limits.attempt);
  try {
    const response = await fetch(`https://${origin.host}${config.health.path}`, { signal, redirect: "manual", cache: "no-store" });
    if (response.status !== 200 || !response.body) return false;
    const { start } = await startOf(response.body, LONGEST_PAGE);
    return new TextDecoder().decode(start).includes(config.health.token);
  } catch {
    return false;
  }
}

/** Redirects lead to paths of the site, or where the release's own rules lead. */
function redirect(response, visit, origin, config) {
  const there = response.headers.get("location");
  const location = there === null ? null : cleaned(there, visit, config);
  response.body?.cancel().catch(() => {});
  if (location === null || location === visit.target) throw new Refused(`a redirect to ${there}`);
  const control = response.headers.get("cache-control") ?? "no-cache";
  const headers = new Headers({ location, "cache-control": control, "x-served-from": origin.name });
  for (const [name, value] of releaseHeaders(visit.path, config)) headers.set(name, value);
  const slash = location.split("?")[0] === `${visit.path}/`;
  return new Answer(slash ? 301 : response.status, headers, null);
}

/** A location as visitors may see it: none names a platform. Null for one that nobody has asked for. */
function cleaned(location, visit, config) {
  let url;
  try {
    url = new URL(location, `https://${config.site}${visit.path}`);
  } catch {
    return null;
  }
  const ours = url.hostname === config.site || config.origins.some((origin) => origin.host === url.hostname);
  if (ours) return url.pathname.startsWith("//") ? null : `${url.pathname}${url.search}${url.hash}`;
  return config.redirectHosts.includes(url.hostname) ? url.href : null;
}

function ownHeaders(response, origin, config) {
  const headers = new Headers({ "x-served-from": origin.name });
  for (const [name, value] of response.headers) {
    if (OF_THE_FILE.has(name) || config.headerNames.includes(name)) headers.set(name, value);
  }
  const tag = response.headers.get("etag");
  if (tag !== null) headers.set("etag", taggedBy(origin.name, tag));
  return headers;
}

/** The platform's headers, and those of the release that it did not send. */
function finished(response, visit, origin, config) {
  const headers = ownHeaders(response, origin, config);
  for (const [name, value] of releaseHeaders(visit.path, config)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}
