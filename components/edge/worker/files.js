import { decodedPath, redirectTarget } from "./release.js";

/** Bytes of an entry: FNV-1a of the path, then the start of the file's SHA-256. */
const PATH_BYTES = 4;
const ENTRY_BYTES = PATH_BYTES + 8;

/** Which file has which bytes, in the releases that a platform may be serving. `table` is sorted, in base64. */
export class Files {
  constructor(table) {
    const text = atob(table);
    this.bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    this.view = new DataView(this.bytes.buffer);
    this.length = this.bytes.length / ENTRY_BYTES;
  }

  /** Whether one of the files, given by their paths without the first slash, has bytes of this digest. */
  hold(paths, digest) {
    return paths.some((path) => this.has(path, new DataView(digest)));
  }

  has(path, digest) {
    const wanted = hashOf(path);
    for (let at = this.firstOf(wanted); at < this.length && this.view.getUint32(at * ENTRY_BYTES) === wanted; at += 1) {
      if (this.view.getBigUint64(at * ENTRY_BYTES + PATH_BYTES) === digest.getBigUint64(0)) return true;
    }
    return false;
  }

  firstOf(wanted) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.view.getUint32(middle * ENTRY_BYTES) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashOf(path) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Paths of the files that a URL may stand for, by name or by a rule that answers 200. */
export function filesOf(path, config) {
  const plain = decodedPath(path);
  if (plain === null) return [];
  const targets = config.redirects.filter((rule) => rule.status === 200).map((rule) => redirectTarget(rule, plain));
  return [plain, ...targets.filter((target) => target !== null)].flatMap(named);
}

function named(path) {
  const name = path.replace(/^\/+/, "");
  if (name === "" || name.endsWith("/")) return [`${name}index.html`, `${name.slice(0, -1)}.html`];
  return [name, `${name}.html`, `${name}/index.html`];
}
