/** Requests of one visitor that are under way at once; an isolate may have six connections open for a request. */
const AT_ONCE = 2;

/**
 * The first good answer of several platforms.
 *
 * The next one is asked as soon as one fails, and beside a slow one after `limits.hedge` ms; whoever is still being asked when an
 * answer is there is aborted. `ask(candidate, signal)` gives an answer or throws; `lost(candidate, error)` is told of every
 * platform that failed or that one asked later has overtaken. Null when all have failed or after `limits.deadline` ms.
 */
export function firstGood(candidates, limits, ask, lost) {
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
      if (waiting.length && running.size < AT_ONCE) hedge = setTimeout(next, limits.hedge);
    }

    function start(candidate) {
      const attempt = new AbortController();
      attempt.number = asked++;
      attempt.timer = setTimeout(() => attempt.abort(new Error("timed out")), limits.attempt);
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

    next();
  });
}
