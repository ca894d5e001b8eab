import { originRequest, taggedBy } from "./asking.js";
import { decodedPath, encodedPath, redirectTarget, releaseHeaders } from "./release.js";

/** Name of the copy in entity tags and in X-Served-From. */
const COPY = "copy";
/** The copy may be another release than the platforms': nobody should keep it. */
const FLEETING = "public, max-age=0, must-revalidate";

/** The site from the copy that is deployed beside this script, when no platform answers. */
export async function fromCopy(visit, config, assets) {
  const path = decodedPath(visit.path);
  if (path === null) return missing(visit, config, assets);
  return (
    (await redirected(visit, path, config, assets, true)) ??
    (await fileAt(visit, path, config, assets)) ??
    (await folderAt(visit, path, config, assets)) ??
    (await redirected(visit, path, config, assets, false)) ??
    missing(visit, config, assets)
  );
}

async function redirected(visit, path, config, assets, force) {
  for (const rule of config.redirects) {
    const target = rule.force === force ? redirectTarget(rule, path) : null;
    if (target === null) continue;
    if (rule.status !== 200) return moved(visit, rule.status, target, config);
    const found = (await fileAt(visit, target, config, assets)) ?? (await fileAt(visit, `${target}/`, config, assets));
    return found ?? missing(visit, config, assets);
  }
  return null;
}

async function fileAt(visit, path, config, assets) {
  const clean = path.endsWith("/") ? `${path}index.html` : `${path}.html`;
  const exact = path.endsWith("/") ? null : await stored(visit, path, config, assets);
  return exact ?? stored(visit, clean, config, assets);
}

async function folderAt(visit, path, config, assets) {
  if (path.endsWith("/")) return null;
  const found = await stored(visit, `${path}/index.html`, config, assets);
  if (!found) return null;
  await found.body?.cancel();
  return moved(visit, 301, `${encodedPath(path)}/`, config);
}

async function stored(visit, path, config, assets) {
  const [url, options] = originRequest({ ...visit, target: encodedPath(path) }, { name: COPY, host: config.site });
  const found = await assets.fetch(url, options);
  if (![200, 206, 304, 416].includes(found.status)) {
    await found.body?.cancel();
    return null;
  }
  const headers = copyHeaders(found, visit, path, config);
  return new Response(found.body, { status: found.status, headers, ...raw(headers) });
}

function raw(headers) {
  return headers.has("content-encoding") ? { encodeBody: "manual" } : {};
}

function copyHeaders(found, visit, path, config) {
  const headers = new Headers({ "cache-control": FLEETING, "x-served-from": COPY });
  for (const name of ["accept-ranges", "content-encoding", "content-length", "content-range"]) {
    if (found.headers.has(name)) headers.set(name, found.headers.get(name));
  }
  if (found.headers.has("etag")) headers.set("etag", taggedBy(COPY, found.headers.get("etag")));
  const type = mediaType(path, config) ?? found.headers.get("content-type");
  if (type && found.status !== 304) headers.set("content-type", type);
  for (const [name, value] of releaseHeaders(visit.path, config)) headers.set(name, value);
  return headers;
}

function mediaType(path, config) {
  const name = path.slice(1);
  const ending = name.slice(name.lastIndexOf("/") + 1).match(/\.[^.]*$/)?.[0] ?? "";
  return config.types.single[name] ?? config.types.byEnding[ending];
}

function moved(visit, status, location, config) {
  const headers = new Headers({ location, "cache-control": FLEETING, "x-served-from": COPY });
  for (const [name, value] of releaseHeaders(visit.path, config)) headers.set(name, value);
  return new Response(null, { status, headers });
}

async function missing(visit, config, assets) {
  const plain = { ...visit, headers: new Headers() };
  const page = config.notFoundPage === null ? null : await stored(plain, `/${config.notFoundPage}`, config, assets);
  if (page) return new Response(page.body, { status: 404, headers: page.headers, ...raw(page.headers) });
  return new Response("404 Not Found\n", { status: 404, headers: { "cache-control": FLEETING, "x-served-from": COPY } });
}
