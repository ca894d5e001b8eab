/** What the release says about its URLs; the same rules in the same order as website/resolution.py and website/rules.py. */

/** Security headers and `_headers` of a path: the last rule that fits wins. */
export function releaseHeaders(path, config) {
  const plain = decodedPath(path);
  const found = new Map(config.floor.map(([name, value]) => [name.toLowerCase(), value]));
  for (const rule of config.headers) {
    if (plain !== null && fits(rule.pattern, plain)) for (const [name, value] of rule.headers) found.set(name.toLowerCase(), value);
  }
  return found;
}

function fits(pattern, path) {
  return pattern.endsWith("/*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

/** A URL's path decoded, or null where it is no text. */
export function decodedPath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** A decoded path as it stands in a request. */
export function encodedPath(path) {
  return encodeURIComponent(path).replace(/%(2F|24|26|2B|2C|3B|3D|3A|40)/g, decodeURIComponent);
}

/** Where a redirect rule leads from a decoded path, or null. */
export function redirectTarget(rule, path) {
  if (!fits(rule.source, path)) return null;
  if (!rule.source.endsWith("/*")) return rule.target;
  const splat = path.slice(rule.source.length - 1).replace(/^\/+/, "");
  return rule.target.replace(":splat", () => (rule.status === 200 ? splat : encodedPath(splat)));
}
