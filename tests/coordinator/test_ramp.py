"""The ramp's decisions, one by one: what is seen at which time, and what is set."""

from __future__ import annotations

import pytest

from coordinator.ramp import Health, Pool, Rules, Seen, decide

RULES = Rules(
    steps=(5, 25, 50, 100), dwell=100, clean_probes=3, longest_wait=800, calm=10_000, whole_pools=1, silence=1000
)
INTERVAL = 10.0
WELL, DOUBT, DOWN, UNKNOWN = Health.HEALTHY, Health.DOUBTFUL, Health.DOWN, Health.UNKNOWN


class Site:
    """Pools ``a``, ``b``, … whose shares follow the commands at once; looked at every ``INTERVAL``."""

    def __init__(self, names="ab", rules=RULES):
        self.rules = rules
        self.health = dict.fromkeys(names, WELL)
        self.shares = dict.fromkeys(names, 100)
        self.known: dict[str, Pool] = {}
        self.now = 1000.0
        self.reasons: list[str] = []

    def look(self, times=1, *, apply=True):
        """Look; returns the commands of the last look as pool → share."""
        commands = ()
        for _ in range(times):
            self.now += INTERVAL
            seen = {name: Seen(name, self.health[name], self.shares[name], INTERVAL, "why") for name in self.health}
            decision = decide(self.rules, self.known, seen, self.now)
            self.known, commands = dict(decision.pools), decision.commands
            self.reasons += [f"{command.name} {command.share}: {command.reason}" for command in commands]
            if apply:
                self.shares.update({command.pool: command.share for command in commands})
        return {command.pool: command.share for command in commands}

    def until(self, name, share, most=2000):
        """Look until a pool has a share; returns the seconds that took."""
        began = self.now
        for _ in range(most):
            if self.shares[name] == share:
                return self.now - began
            self.look()
        raise AssertionError(f"{name} stays at {self.shares[name]} %: {self.reasons[-3:]}")


@pytest.fixture
def site():
    made = Site()
    made.look(2)
    return made


def fail(site, name="a"):
    site.health[name] = DOWN
    site.look(2)
    site.health[name] = WELL


def test_a_pool_is_closed_while_it_is_down(site):
    site.health["a"] = DOWN
    assert site.look() == {"a": 0}
    assert site.reasons == ["a 0: down (why); first step 100 s after recovery"]


def test_a_recovered_pool_takes_all_steps_in_order_each_after_its_dwell(site):
    fail(site)
    seen = [(share, site.until("a", share)) for share in (5, 25, 50, 100)]
    assert [share for share, _ in seen] == [5, 25, 50, 100]
    assert all(elapsed >= RULES.dwell for _, elapsed in seen)
    assert site.look(5) == {}


def test_without_enough_good_checks_time_alone_opens_nothing(site):
    site.rules = Rules(steps=(5, 100), dwell=1, clean_probes=8, silence=1000)
    fail(site)
    assert site.until("a", 5) >= 7 * INTERVAL
    assert site.until("a", 100) >= 8 * INTERVAL


def test_looking_twice_within_an_interval_counts_one_check():
    site = Site(rules=Rules(steps=(5, 100), dwell=1, clean_probes=3, silence=1000))
    site.look()
    fail(site)
    for _ in range(3):
        site.now -= INTERVAL * 0.9
        site.look()
    assert (site.shares["a"], site.known["a"].clean) == (0, 1)


@pytest.mark.parametrize("health", [DOWN, DOUBT])
@pytest.mark.parametrize("share", [5, 25, 50])
def test_any_failure_on_the_way_back_closes_it(site, share, health):
    fail(site)
    site.until("a", share)
    site.health["a"] = health
    assert site.look() == {"a": 0}
    assert f"failed at {share} % (why); next try 200 s after recovery" in site.reasons[-1]


def test_doubt_about_a_whole_pool_changes_nothing(site):
    site.health["a"] = DOUBT
    assert site.look(5) == {}


def test_the_wait_doubles_with_each_failure_up_to_its_limit_and_is_forgotten_after_a_calm_time(site):
    waits = []
    for _ in range(6):
        fail(site)
        waits.append(site.until("a", 5))
    assert waits == sorted(waits)
    assert [site.known["a"].wait, max(waits) <= 800 + 4 * INTERVAL] == [800, True]
    assert [round(wait, -2) for wait in waits] == [100, 200, 400, 800, 800, 800]
    site.until("a", 100)
    site.look(int(RULES.calm / INTERVAL) + 2)
    assert site.known["a"].wait == 0
    fail(site)
    assert site.known["a"].wait == RULES.dwell


def test_a_failure_while_closed_doubles_the_wait_too(site):
    fail(site)
    site.look(3)
    fail(site)
    assert site.known["a"].wait == 200


def test_one_pool_returns_at_a_time_in_failover_order():
    site = Site("abc")
    site.look()
    site.health.update(b=DOWN, a=DOWN)
    site.look(2)
    site.health.update(b=WELL)
    site.until("b", 5)
    site.health.update(a=WELL)
    site.until("b", 100)
    assert site.shares == {"a": 0, "b": 100, "c": 100}
    site.until("a", 100)


def test_the_last_pool_that_serves_is_opened_at_once_for_shed_visitors_would_go_to_the_fallback(site):
    fail(site)
    site.until("a", 25)
    site.health["b"] = DOWN
    assert site.look() == {"a": 100, "b": 0}
    assert site.reasons[-2] == "a 100: no other pool that serves is whole"
    assert list(site.look()) == []


def test_a_pool_is_opened_before_the_other_is_closed():
    site = Site("ba")
    site.look()
    fail(site)
    site.until("a", 25)
    site.health["b"] = DOWN
    assert list(site.look().items()) == [("a", 100), ("b", 0)]


def test_when_every_pool_is_down_none_is_held_back(site):
    site.health["a"] = DOWN
    site.look(2)
    site.health["b"] = DOWN
    assert site.look() == {"a": 100}
    assert site.shares == {"a": 100, "b": 100}
    site.health["b"] = WELL
    assert site.look() == {"a": 0}


def test_a_single_pool_is_never_closed():
    site = Site("a")
    site.look()
    site.health["a"] = DOWN
    assert site.look(3) == {}


def test_as_many_pools_stay_whole_as_the_stack_wants():
    site = Site("abcd", rules=Rules(whole_pools=3, silence=1000))
    site.look()
    site.health.update(a=DOWN)
    assert site.look() == {"a": 0}
    site.health.update(b=DOWN)
    assert site.look(3) == {}


def test_nothing_is_concluded_from_a_pool_that_is_not_known(site):
    site.health["a"] = UNKNOWN
    assert site.look(3) == {}
    fail(site)
    site.health["a"] = UNKNOWN
    assert site.look(50) == {}


def test_what_somebody_else_sheds_of_a_whole_pool_is_theirs(site):
    site.shares["a"] = 40
    assert site.look(5) == {}
    site.health["a"] = DOWN
    assert site.look() == {}


def test_an_update_that_took_the_shedding_away_is_made_good_and_the_step_begins_anew(site):
    fail(site)
    site.until("a", 25)
    site.look(3)
    site.shares["a"] = 100
    assert site.look() == {"a": 25}
    assert site.reasons[-1] == "a 25: it is at 100 % and not as it was left"
    assert site.until("a", 50) >= RULES.dwell


def test_what_could_not_be_set_is_set_again_and_nothing_else_moves_before():
    site = Site("abc")
    site.look()
    site.health["a"] = DOWN
    assert site.look(3, apply=False) == {"a": 0}
    site.health["a"] = WELL
    assert site.look(60, apply=False) == {"a": 0}
    site.look()
    assert site.until("a", 5) >= RULES.dwell


def test_a_step_that_could_not_be_set_holds_back_the_next_pool():
    site = Site("bac")
    site.look()
    fail(site, "a")
    site.until("a", 50)
    site.health["b"] = DOWN
    site.look(2)
    site.health["b"] = WELL
    while not site.look(apply=False):
        continue
    assert site.look(100, apply=False) == {"a": 100}
    site.look()
    site.until("b", 5)


def test_after_a_silence_what_was_counted_does_not_count_any_more(site):
    fail(site)
    site.until("a", 5)
    site.look(9)
    site.now += RULES.silence
    assert site.look() == {}
    assert (site.known["a"].clean, site.known["a"].since) == (0, site.now)
    assert site.shares["a"] == 5


def test_a_clock_that_jumps_back_opens_nothing_early(site):
    fail(site)
    site.now -= 5000
    assert site.until("a", 5) >= RULES.dwell


@pytest.mark.parametrize(("share", "adopted"), [(0, 0), (5, 5), (50, 50), (100, 100), (33, 100), (None, 100)])
def test_lost_memory_is_rebuilt_from_the_shares_that_are_found(site, share, adopted):
    site.known, site.shares["a"] = {}, share
    assert site.look() == {}
    assert site.known["a"].share == adopted
    site.look(300)
    assert site.shares["a"] == (share if share in {33, None} else 100)


def test_of_several_that_are_found_on_their_way_back_the_first_goes_on():
    site = Site("abc")
    site.shares.update(a=5, b=25)
    assert site.look() == {"b": 0}


def test_a_pool_that_left_the_load_balancer_is_forgotten(site):
    site.look()
    del site.health["a"]
    site.look()
    assert set(site.known) == {"b"}


def test_other_steps_in_the_settings_go_on_from_the_share_it_has(site):
    fail(site)
    site.until("a", 25)
    site.rules = Rules(steps=(10, 40, 100), dwell=100, silence=1000)
    site.until("a", 40)
