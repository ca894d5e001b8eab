import { deepStrictEqual as same, ok } from "node:assert";
import { Breaker } from "./breaker.js";

const LIMITS = { failures: 3, wait: 1000, longestWait: 4000, check: 30_000, steps: [0.05, 0.25, 0.5], stepTime: 60_000 };

function tripped(now = 0) {
  const breaker = new Breaker(LIMITS);
  for (let failure = 0; failure < LIMITS.failures; failure += 1) breaker.failed(now);
  return breaker;
}

function recovered(now) {
  const breaker = tripped(now);
  breaker.checked(true, now);
  return breaker;
}

export const opens_after_the_stated_failures_in_a_row_and_not_before = {
  test() {
    const breaker = new Breaker(LIMITS);
    breaker.failed(0);
    breaker.failed(0);
    breaker.succeeded();
    breaker.failed(0);
    breaker.failed(0);
    same([breaker.open, breaker.share(0)], [false, 1]);
    breaker.failed(0);
    same([breaker.open, breaker.share(0)], [true, 0]);
  },
};

export const an_answer_that_began_before_it_opened_changes_nothing = {
  test() {
    const breaker = tripped();
    breaker.succeeded();
    breaker.failed(0);
    same([breaker.open, breaker.wait, breaker.failures], [true, LIMITS.wait, 0]);
  },
};

export const the_wait_doubles_up_to_the_longest = {
  test() {
    const breaker = tripped();
    const waits = [breaker.wait];
    for (let now = 0; waits.length < 5; waits.push(breaker.wait)) {
      now = breaker.openUntil;
      ok(!breaker.checkDue(now - 1, true));
      ok(breaker.checkDue(now, false));
      breaker.checked(false, now);
    }
    same(waits, [1000, 2000, 4000, 4000, 4000]);
  },
};

export const shares_rise_in_steps_and_earlier_failures_are_forgotten_at_the_end = {
  test() {
    const breaker = recovered(7);
    const moments = [0, 59_999, 60_000, 120_000, 179_999, 180_000, 180_001];
    same(moments.map((moment) => breaker.share(7 + moment)), [0.05, 0.05, 0.25, 0.5, 0.5, 1, 1]);
    same([breaker.wait, breaker.recoveredAt], [0, 0]);
  },
};

export const one_failure_on_the_way_back_opens_it_for_twice_as_long = {
  test() {
    const breaker = recovered(1000);
    breaker.failed(91_000);
    same([breaker.open, breaker.wait, breaker.openUntil], [true, 2000, 93_000]);
    breaker.checked(true, 93_000);
    same(breaker.share(93_000), 0.05);
  },
};

export const turns_are_the_share_of_the_visitors_within_half_a_point_of_a_thousand = {
  test() {
    const breaker = recovered(1000);
    LIMITS.steps.forEach((share, step) => {
      let taken = 0;
      for (let visitor = 0; visitor < 1000; visitor += 1) taken += breaker.takesTurn(1000 + step * LIMITS.stepTime);
      ok(Math.abs(taken / 1000 - share) <= 0.005, `${taken} of 1000 at ${share}`);
    });
  },
};

export const nobody_takes_a_turn_while_open_and_everybody_when_whole = {
  test() {
    const [open, whole] = [tripped(), new Breaker(LIMITS)];
    for (let visitor = 0; visitor < 100; visitor += 1) same([open.takesTurn(0), whole.takesTurn(0)], [false, true]);
  },
};

export const a_closed_one_is_checked_now_and_then_in_doubt_sooner_and_never_twice_at_once = {
  test() {
    const breaker = new Breaker(LIMITS);
    breaker.checked(true, 1_000_000);
    same([29_999, 30_000].map((after) => breaker.checkDue(1_000_000 + after, false)), [false, true]);
    same([999, 1000].map((after) => breaker.checkDue(1_000_000 + after, true)), [false, true]);
    breaker.checking = true;
    ok(!breaker.checkDue(2_000_000, true));
  },
};

export const a_failed_check_opens_it_and_a_good_one_of_a_closed_one_starts_no_return = {
  test() {
    const breaker = new Breaker(LIMITS);
    breaker.checked(true, 5);
    same([breaker.open, breaker.share(5)], [false, 1]);
    breaker.checked(false, 6);
    same([breaker.open, breaker.openUntil], [true, 1006]);
  },
};
