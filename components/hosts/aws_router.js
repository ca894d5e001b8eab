// Finds the object of a path in the release that is live. Runs for viewer requests and viewer responses.
//
// Keys of the store: `live` holds `generation release files forced unforced headers not-found`; a path holds its objects,
// newest first, as `generation:object`; `rules/G/f0…`, `rules/G/u0…`, `rules/G/h0…` hold the rules of generation G.
import cf from 'cloudfront';

const store = cf.kvs('KEY_VALUE_STORE_ID');
const PATH = 'x-site-path';

async function read(key) {
  try {
    return await store.get(key);
  } catch (missing) {
    return null;
  }
}

async function current() {
  const text = await read('live');
  if (text === null) return null;
  const parts = text.split(' ');
  return {
    generation: Number(parts[0]), forced: Number(parts[3]), unforced: Number(parts[4]), headers: Number(parts[5]),
    notFound: parts[6],
  };
}

async function rules(live, kind, count) {
  let found = [];
  for (let n = 0; n < count; n++) {
    const text = await read('rules/' + live.generation + '/' + kind + n);
    if (text !== null) found = found.concat(JSON.parse(text));
  }
  return found;
}

async function objectOf(path, generation) {
  const text = await read(path);
  if (text === null) return null;
  const entries = text.split(' ');
  for (let n = 0; n < entries.length; n++) {
    const colon = entries[n].indexOf(':');
    if (Number(entries[n].slice(0, colon)) <= generation) {
      const object = entries[n].slice(colon + 1);
      return object === '-' ? null : object;
    }
  }
  return null;
}

async function fileOf(path, generation) {
  if (path.endsWith('/')) return objectOf(path + 'index.html', generation);
  return (await objectOf(path, generation)) || objectOf(path + '.html', generation);
}

function target(rule, path) {
  const source = rule[0];
  if (!source.endsWith('/*')) return path === source ? rule[1] : null;
  const folder = source.slice(0, -1);
  if (!path.startsWith(folder)) return null;
  const splat = path.slice(folder.length).replace(/^\/+/, '');
  return rule[1].split(':splat').join(rule[2] === 200 ? splat : encoded(splat));
}

function encoded(path) {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

function redirect(status, location) {
  return { statusCode: status, headers: { location: { value: location } } };
}

async function ruled(live, kind, count, path) {
  const found = await rules(live, kind, count);
  for (let n = 0; n < found.length; n++) {
    const to = target(found[n], path);
    if (to === null) continue;
    if (found[n][2] !== 200) return redirect(found[n][2], to);
    const object = (await fileOf(to, live.generation)) || (await fileOf(to + '/', live.generation));
    return { object: object };
  }
  return null;
}

// {object}, null in it where a rule leads nowhere; or a response; or null where nothing is known of the path.
async function resolve(path, live) {
  const forced = await ruled(live, 'f', live.forced, path);
  if (forced !== null) return forced;
  const object = await fileOf(path, live.generation);
  if (object !== null) return { object: object };
  if (!path.endsWith('/') && (await objectOf(path + '/index.html', live.generation)) !== null) {
    return redirect(301, encoded(path + '/'));
  }
  return ruled(live, 'u', live.unforced, path);
}

function decoded(uri) {
  try {
    return decodeURIComponent(uri);
  } catch (malformed) {
    return uri;
  }
}

async function onRequest(request) {
  const live = await current();
  if (live === null) return { statusCode: 503, statusDescription: 'Nothing is published yet' };
  const path = decoded(request.uri);
  const found = await resolve(path, live);
  if (found !== null && found.statusCode) return found;
  request.headers[PATH] = { value: encodeURIComponent(path) };
  if (found !== null && found.object) request.uri = '/objects/' + found.object;
  else if (live.notFound !== '-') request.uri = '/not-found/' + live.notFound;
  else return { statusCode: 404, statusDescription: 'Not Found' };
  return request;
}

// Which request this handler sees, the visitor's or the rewritten one, is not documented: both work.
async function onResponse(request, response) {
  const live = await current();
  if (live === null) return response;
  const marked = request.headers[PATH];
  const path = decoded(marked ? marked.value : request.uri);
  const rewritten = /^\/(objects|not-found)\//.test(request.uri);
  if (rewritten ? request.uri.startsWith('/not-found/') : !((await resolve(path, live)) || {}).object) {
    response.statusCode = 404;
    response.statusDescription = 'Not Found';
  }
  const found = await rules(live, 'h', live.headers);
  for (let n = 0; n < found.length; n++) {
    const pattern = found[n][0];
    if (pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern) {
      response.headers[found[n][1].toLowerCase()] = { value: found[n][2] };
    }
  }
  return response;
}

async function handler(event) {
  if (event.context.eventType === 'viewer-response') return onResponse(event.request, event.response);
  return onRequest(event.request);
}
