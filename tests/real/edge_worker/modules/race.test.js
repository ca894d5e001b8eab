import { deepStrictEqual as same, ok } from "node:assert";
import { Hedges, firstGood } from "./race.js";

/** The runtime's clock stands still while it computes: times are told apart by what happened, not measured. */
const LIMITS = { attempt: 300, hedge: 60, deadline: 700 };
const after = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Candidates by name: milliseconds until it answers, negative until it fails; what was asked, lost, aborted, discarded. */
async function race(times, { limits = LIMITS, hedges = new Hedges(), after: again = () => true } = {}) {
  const seen = { asked: [], lost: [], aborted: [], discarded: [] };
  const ask = async (name, signal) => {
    seen.asked.push(name);
    signal.addEventListener("abort", () => seen.aborted.push(name));
    await after(Math.abs(times[name]));
    if (times[name] < 0) throw new Error(`${name} failed`);
    return { name, discard: () => seen.discarded.push(name) };
  };
  const more = { beside: () => hedges.taken(), after: again };
  const answer = await firstGood(Object.keys(times), limits, ask, (name, error) => seen.lost.push([name, error.message]), more);
  return { ...seen, winner: answer?.name ?? null };
}

export const the_first_answers_alone_when_it_is_quick = {
  async test() {
    const { winner, asked, lost } = await race({ one: 1, two: 1 });
    same([winner, asked, lost], ["one", ["one"], []]);
  },
};

export const the_next_is_asked_as_soon_as_one_fails = {
  async test() {
    const found = await race({ one: -1, two: -1, three: 1 }, { limits: { ...LIMITS, hedge: 10_000 } });
    same([found.winner, found.asked], ["three", ["one", "two", "three"]]);
    same(found.lost, [["one", "one failed"], ["two", "two failed"]]);
  },
};

export const a_slow_one_is_overtaken_told_lost_and_aborted = {
  async test() {
    const found = await race({ one: 250, two: 1, three: 1 });
    same([found.winner, found.asked, found.aborted], ["two", ["one", "two"], ["one"]]);
    same(found.lost, [["one", "too late"]]);
    await after(300);
    same(found.discarded, ["one"]);
  },
};

export const one_asked_beside_a_winner_is_not_to_blame = {
  async test() {
    const found = await race({ one: 120, two: 250 });
    same([found.winner, found.lost, found.aborted], ["one", [], ["two"]]);
  },
};

export const no_more_than_two_are_asked_at_once = {
  async test() {
    const found = await race({ one: 250, two: 250, three: 1, four: 1 });
    same(found.asked, ["one", "two"]);
  },
};

export const an_attempt_that_takes_too_long_is_given_up_for_the_next = {
  async test() {
    const hedges = new Hedges();
    hedges.left = 0;
    const found = await race({ one: 5000, two: 1 }, { hedges });
    same([found.winner, found.aborted, found.lost], ["two", ["one"], [["one", "timed out"]]]);
  },
};

export const where_no_more_may_be_asked_one_that_takes_too_long_ends_it = {
  async test() {
    const hedges = new Hedges();
    hedges.left = 0;
    const found = await race({ one: 5000, two: 1 }, { hedges, after: () => hedges.taken() });
    same([found.winner, found.asked, found.aborted], [null, ["one"], ["one"]]);
  },
};

export const where_no_more_may_be_asked_one_that_fails_is_still_replaced = {
  async test() {
    const hedges = new Hedges();
    hedges.left = 0;
    const found = await race({ one: -1, two: 1 }, { hedges, after: () => hedges.taken() });
    same([found.winner, found.asked], ["two", ["one", "two"]]);
  },
};

export const all_fail_and_the_answer_is_null_at_once = {
  async test() {
    const found = await race({ one: -1, two: -1 });
    same([found.winner, found.lost.length], [null, 2]);
    same((await race({})).winner, null);
  },
};

export const without_hedges_left_a_slow_one_is_waited_for = {
  async test() {
    const hedges = new Hedges();
    hedges.left = 0.5;
    const found = await race({ one: 150, two: 1 }, { hedges });
    same([found.winner, found.asked], ["one", ["one"]]);
  },
};

export const ten_visitors_earn_one_hedge_and_never_more_than_a_hundred = {
  test() {
    const hedges = new Hedges();
    hedges.visited();
    same(hedges.left, 100);
    let taken = 0;
    while (hedges.taken()) taken += 1;
    same(taken, 100);
    for (let visitor = 0; visitor < 11; visitor += 1) hedges.visited();
    ok(hedges.taken());
    ok(!hedges.taken());
  },
};
