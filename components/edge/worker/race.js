/** Requests of one visitor that are under way at once; an isolate may have six connections open for a request. */
const AT_ONCE = 2;
const MOST_HEDGES = 100;
const HEDGES_FOR_A_VISITOR = 0.1;

/**
 * How many requests may still be made because another is slow, beside it or after it: one for every ten visitors, a hundred at once.
 * When everything is slow, as it is under too much load, asking twice would make it slower.
 */
export class Hedges {
  constructor() {
    this.left = MOST_HEDGES;
  }

  visited() {
    this.left = Math.min(this.left + HEDGES_FOR_A_VISITOR, MOST_HEDGES);
  }

  taken() {
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

/**
 * The first good answer of several platforms.
 *
 * The next one is asked as soon as one fails, and beside a slow one after `limits.hedge` ms; whoever is still being asked when an
 * answer is there is aborted. `ask(candidate, signal)` gives an answer or throws; `lost(candidate, error)` is told of every
 * platform that failed or that one asked later has overtaken. `more.beside()` says whether another may be asked beside a slow one,
 * `more.after()` whether in place of one that took longer than `limits.attempt` ms. Null when all have failed, when no more may be
 * asked, or after `limits.deadline` ms.
 */
export function firstGood(candidates, limits, ask, lost, more) {
  return new Promise((resolve) => {
    const waiting = [...candidates];
    const running = new Map();
    let asked = 0;
    let hedge;
    const deadline = setTimeout(() => finish(null), limits.deadline);

    function finish(answer, winner = Infinity) {
      clearTimeout(hedge);
      clearTimeout(deadline);
      waiting.length = 0;
      for (const [candidate, attempt] of [...running]) {
        end(candidate);
        attempt.abort();
        if (attempt.number < winner) lost(candidate, new Error("too late"));
      }
      resolve(answer);
    }

    function end(candidate) {
      const attempt = running.get(candidate);
      if (!attempt) return false;
      clearTimeout(attempt.timer);
      running.delete(candidate);
      return true;
    }

    function next() {
      clearTimeout(hedge);
      const candidate = waiting.shift();
      if (candidate) start(candidate);
      else if (!running.size) finish(null);
      if (waiting.length && running.size < AT_ONCE) hedge = setTimeout(() => more.beside() && next(), limits.hedge);
    }

    function start(candidate) {
      const attempt = new AbortController();
      attempt.number = asked++;
      attempt.timer = setTimeout(() => tooSlow(candidate, attempt), limits.attempt);
      running.set(candidate, attempt);
      ask(candidate, attempt.signal).then(
        (answer) => (end(candidate) ? finish(answer, attempt.number) : answer.discard()),
        (error) => {
          if (!end(candidate)) return;
          lost(candidate, error);
          next();
        },
      );
    }

    function tooSlow(candidate, attempt) {
      const error = new Error("timed out");
      end(candidate);
      attempt.abort(error);
      lost(candidate, error);
      if (waiting.length && more.after()) next();
      else if (!running.size) finish(null);
    }

    next();
  });
}
