"""The ramp against a load balancer that anything may happen to: what must never be seen there, whatever does."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from coordinator.ramp import Health, Pool, Rules, Seen, decide

RULES = Rules(
    steps=(5, 25, 50, 100), dwell=250.0, clean_probes=3, longest_wait=1000.0, calm=5000.0, whole_pools=1, silence=500.0
)
INTERVAL = 60.0
NAMES = "abcd"
names = st.sampled_from(NAMES)
SERVES = {Health.HEALTHY, Health.DOUBTFUL}


class Site(RuleBasedStateMachine):
    """The load balancer's side is kept apart from what the ramp believes, and the model counts for itself."""

    @initialize(size=st.integers(2, len(NAMES)))
    def begin(self, size):
        self.now = 10_000.0
        self.known: dict[str, Pool] = {}
        self.shares = dict.fromkeys(NAMES[:size], 100)
        self.health = dict.fromkeys(NAMES[:size], Health.HEALTHY)
        self.writes = 99
        """How many writes of one look Cloudflare takes before it refuses."""
        self.changed = dict.fromkeys(self.shares, self.now)
        """When each share last changed, or the pool was last seen failing."""
        self.good = dict.fromkeys(self.shares, 0)
        """Good checks seen since then, no two within an interval."""
        self.counted = dict.fromkeys(self.shares, self.now)
        self.failures: dict[str, int] = {}
        self.look()

    # What may happen

    @rule(name=names, health=st.sampled_from([*Health, Health.HEALTHY, Health.HEALTHY]))
    def turn(self, name, health):
        if name in self.health:
            self.health[name] = health

    @rule()
    def all_well(self):
        self.health = dict.fromkeys(self.health, Health.HEALTHY)

    @rule(name=names, looks=st.integers(1, 60))
    def an_outage_of_one_ends(self, name, looks):
        if name in self.health:
            self.all_well()
            self.health[name] = Health.DOWN
            self.it_looks(2, 60.0)
            self.health[name] = Health.HEALTHY
            self.it_looks(looks, 60.0)

    @rule(away=st.sampled_from([Health.DOWN, Health.DOUBTFUL, Health.UNKNOWN]), looks=st.integers(1, 9))
    def the_one_on_its_way_back_goes_wrong(self, away, looks):
        """Unknown for longer than the dwell, only the number of good checks since then stands against a step."""
        for name, share in self.shares.items():
            if 0 < share < 100:
                self.health[name] = away
                self.it_looks(6, 60.0)
                self.health[name] = Health.HEALTHY
                self.it_looks(looks, 15.0)
                return

    @rule()
    def all_down(self):
        self.health = dict.fromkeys(self.health, Health.DOWN)

    @rule(writes=st.sampled_from([0, 1, 99, 99]))
    def cloudflare_takes_writes(self, writes):
        self.writes = writes

    @rule(name=names)
    def an_update_of_the_stack_takes_shedding_away(self, name):
        if name in self.shares and self.known[name].share != 100:
            self.set(name, 100)

    @rule(seconds=st.floats(1, 400))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def the_coordinator_was_dead_for_long(self):
        before = dict(self.shares)
        self.now += 2 * RULES.silence
        assert self.shares == before
        self.good = dict.fromkeys(self.good, 0)

    @rule()
    def it_starts_again_with_what_it_wrote_down(self):
        self.known = {name: Pool(**asdict(pool)) for name, pool in self.known.items()}

    @precondition(lambda self: all(pool.settled for pool in self.known.values()))
    @rule()
    def it_starts_again_with_nothing(self):
        self.known = {}
        self.forget()
        self.look()

    def forget(self):
        self.good = dict.fromkeys(self.good, 0)
        self.changed = dict.fromkeys(self.changed, self.now)
        self.counted = dict.fromkeys(self.counted, self.now)

    @rule(times=st.integers(1, 40), apart=st.sampled_from([15.0, 60.0, 75.0]))
    def it_looks(self, times, apart):
        for _ in range(times):
            self.now += apart
            self.look()

    # The look, and what must hold of it

    def look(self):
        self.count()
        seen = {name: Seen(name, self.health[name], self.shares[name], INTERVAL) for name in self.shares}
        decision = decide(RULES, self.known, seen, self.now)
        first_look = not self.known
        self.known = dict(decision.pools)
        for command in decision.commands[: self.writes]:
            self.check_rise(command.pool, command.share, restored=first_look)
            self.set(command.pool, command.share)
        if len(decision.commands) <= self.writes:
            self.check_failing()
            self.check_served()

    def count(self):
        for name, health in self.health.items():
            if health is Health.HEALTHY:
                if self.now - self.counted[name] >= INTERVAL or self.good[name] == 0:
                    self.good[name] += 1
                    self.counted[name] = self.now
            else:
                self.good[name] = 0
                if health is not Health.UNKNOWN:
                    self.changed[name] = self.now

    def set(self, name, share):
        if self.shares[name] != share:
            self.changed[name], self.good[name] = self.now, 0
            self.counted[name] = self.now
        self.shares[name] = share

    def check_rise(self, name, share, *, restored):
        before = self.shares[name]
        if share <= before:
            return
        others = [other for other in self.shares if other != name]
        covered = any(self.shares[other] == 100 and self.health[other] in SERVES for other in others)
        if not covered:
            assert share == 100
            return
        assert share == min(step for step in RULES.steps if step > before)
        assert self.good[name] >= RULES.clean_probes
        assert self.now - self.changed[name] >= RULES.dwell

    def check_failing(self):
        """A pool that is seen failing is closed, as long as another one is whole and serves."""
        covered = any(self.shares[name] == 100 and self.health[name] in SERVES for name in self.shares)
        for name, health in self.health.items():
            if covered and health is Health.DOWN:
                assert self.shares[name] == 0, name
            if covered and health is Health.DOUBTFUL:
                assert self.shares[name] in {0, 100}, name

    def check_served(self):
        """Visitors go to the fallback pool where no pool that serves is whole."""
        serving = [name for name, health in self.health.items() if health in SERVES]
        if serving:
            assert 100 in {self.shares[name] for name in serving}

    # What must hold always

    @invariant()
    def never_two_return_at_once(self):
        assert sum(0 < share < 100 for share in getattr(self, "shares", {}).values()) <= 1

    @invariant()
    def never_two_are_meant_to_return(self):
        assert sum(0 < pool.share < 100 for pool in getattr(self, "known", {}).values()) <= 1

    @invariant()
    def never_all_are_shed(self):
        assert 100 in getattr(self, "shares", {"": 100}).values()

    @invariant()
    def the_wait_is_a_doubling_of_the_dwell_and_has_a_limit(self):
        doublings = {0.0, RULES.longest_wait, *(RULES.dwell * 2**power for power in range(8))}
        assert all(pool.wait in doublings for pool in getattr(self, "known", {}).values())
        assert all(pool.wait <= RULES.longest_wait for pool in getattr(self, "known", {}).values())


TestSite = Site.TestCase
TestSite.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
