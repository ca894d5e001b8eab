import { Failed, Refused, asked, isHealthy } from "./answer.js";
import { Breaker } from "./breaker.js";
import { fromCopy } from "./copy.js";
import { Files } from "./files.js";
import { Hedges, firstGood } from "./race.js";

const METHODS = "GET, HEAD, OPTIONS";

/** The site at one name, from the first platform that answers well. `config` is written by components/edge/script.py. */
export function worker(given) {
  const config = { ...given, files: new Files(given.files) };
  const breakers = new Map(config.origins.map((origin) => [origin, new Breaker(config.limits)]));
  const hedges = new Hedges();
  return {
    fetch(request, env, context) {
      if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow: METHODS } });
      if (!["GET", "HEAD"].includes(request.method)) {
        return new Response("405 Method Not Allowed\n", { status: 405, headers: { allow: METHODS } });
      }
      return served(visitOf(request), config, breakers, hedges, env, context);
    },
  };
}

function visitOf(request) {
  const url = new URL(request.url);
  return { method: request.method, headers: request.headers, path: url.pathname, target: url.pathname + url.search, unknown: new Map() };
}

async function served(visit, config, breakers, hedges, env, context) {
  hedges.visited();
  const candidates = inOrder(config.origins, breakers);
  const doubted = new Set();
  const ask = async (origin, signal) => {
    const answer = await asked(visit, origin, config, signal);
    breakers.get(origin).succeeded();
    return answer;
  };
  const lost = (origin, error) => {
    if (error instanceof Refused) doubted.add(origin);
    else breakers.get(origin).failed(Date.now());
  };
  const more = { beside: () => hedges.taken(), after: () => hedges.taken() || !config.copy };
  const answer = await firstGood(candidates, config.limits, ask, lost, more);
  for (const origin of checksDue(config.origins, breakers, doubted)) {
    context.waitUntil(check(origin, breakers.get(origin), config));
  }
  if (answer) return answer.response((pouring) => context.waitUntil(pouring.catch(() => {})));
  return config.copy ? fromCopy(visit, config, env.ASSETS) : unavailable();
}

/** Platforms in the stack's order; one that is being brought back comes last but for its share of the visitors. */
function inOrder(origins, breakers) {
  const now = Date.now();
  const closed = origins.filter((origin) => !breakers.get(origin).open);
  const turns = new Map(closed.map((origin) => [origin, breakers.get(origin).takesTurn(now)]));
  return [...closed.filter((origin) => turns.get(origin)), ...closed.filter((origin) => !turns.get(origin))];
}

/** Whose health path is asked behind the visitor's back: each now and then, open ones after their wait, sooner in doubt. */
function checksDue(origins, breakers, doubted) {
  const now = Date.now();
  return origins.filter((origin) => breakers.get(origin).checkDue(now, doubted.has(origin)));
}

async function check(origin, breaker, config) {
  breaker.checking = true;
  breaker.checked(await isHealthy(origin, config), Date.now());
}

function unavailable() {
  const headers = { "cache-control": "no-store", "retry-after": "30" };
  return new Response("503 Service Unavailable: no platform answers.\n", { status: 503, headers });
}
