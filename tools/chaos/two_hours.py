"""A coordinator in a world where everything fails at random, on simulated time: what it must never do, it never does.

The recovery, the watcher, the outbox, the queue, the history and the deployer are the real ones, on real files. Made up
are what is beyond them: the load balancer, what a look finds, the channels, the repository and what a deployment comes
to. Nothing waits in real time: each step is fifteen seconds of the simulation's clock.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import cast

from coordinator.alerts.channels import Message, NotTaken
from coordinator.alerts.outbox import Outbox
from coordinator.deployer import Deployer, Patience
from coordinator.errors import Unreachable
from coordinator.heartbeats import Heartbeats
from coordinator.history import Deployment, History, Outcome, Result
from coordinator.memory import Memory
from coordinator.metrics import Metrics
from coordinator.queue import Delivery, DeployQueue
from coordinator.ramp import Health, Rules, Seen
from coordinator.recovery import Recovery
from coordinator.reports import Telling
from coordinator.watching.archive import Archive
from coordinator.watching.incidents import Rules as WatchRules
from coordinator.watching.incidents import Watch
from coordinator.watching.probe import Prober
from coordinator.watching.targets import Address, Finding
from coordinator.watching.watcher import Watcher
from tools.chaos.findings import Case

STEP = 15.0
"""Seconds of the simulation between two looks at the load balancer."""
HOURS = 2.0
QUIET_HOURS = 12.0
#: Steps of the quiet before it is first looked whether all is well, and between two such looks.
_LEAST, _LOOK = 120, 40
_ROUND = 4
_RULES = Rules(longest_wait=900.0)
_PUBLIC = "www"
_POOLS = ("one", "two", "three", "four")
_CHANNELS = ("mail", "matrix", "mastodon", "webhook")
_TURNS = 12


class Sky:
    """The simulated clock and what is wrong at the moment. It is also the balancer and the prober."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = 1_800_000_000.0
        self.health = dict.fromkeys(_POOLS, Health.HEALTHY)
        self.shares = dict.fromkeys(_POOLS, 100)
        self.quiet = False
        self.api_down = False
        self.looked = False
        self.broken: list[str] = []
        self.failing_channels: set[str] = set()

    def chance(self, probability: float) -> bool:
        """Whether something happens in this step; nothing does in the quiet."""
        return not self.quiet and self.random.random() < probability

    def turn(self) -> None:
        """Fifteen seconds pass, and things break and heal."""
        self.now += STEP
        self.looked = False
        for name, health in self.health.items():
            if health is Health.HEALTHY and self.chance(0.01):
                self.health[name] = self.random.choice([Health.DOWN, Health.DOWN, Health.DOUBTFUL, Health.UNKNOWN])
            elif health is not Health.HEALTHY and (self.quiet or self.chance(0.06)):
                self.health[name] = Health.HEALTHY
        self.api_down = self.chance(0.9 if self.api_down else 0.02)
        for name in _CHANNELS:
            failing = self.chance(0.9 if name in self.failing_channels else 0.02)
            (self.failing_channels.add if failing else self.failing_channels.discard)(name)

    async def look(self) -> dict[str, Seen]:
        """The balancer's side of the ramp."""
        if self.api_down:
            raise Unreachable("Cloudflare does not answer")
        self.looked = True
        return {name: Seen(name, self.health[name], self.shares[name], 60.0) for name in _POOLS}

    async def set_share(self, pool: str, share: int) -> None:
        """Take a share, or refuse it."""
        if not self.looked:
            self.broken.append("a share was set without a look")
        if self.chance(0.1):
            raise Unreachable("Cloudflare refused")
        self.shares[pool] = share
        if sum(0 < one < 100 for one in self.shares.values()) > 1:
            self.broken.append(f"two pools were on their way back at once: {self.shares}")
        if 100 not in self.shares.values():
            self.broken.append(f"no pool was whole: {self.shares}")

    async def round(self, targets: object) -> list[Finding]:
        """The prober's side of the watcher."""
        del targets
        down = {name for name, health in self.health.items() if health is Health.DOWN}
        bad = {*down, *([_PUBLIC] if len(down) == len(_POOLS) else [])}
        return [
            Finding(name, self.now, name not in bad, "does not answer" if name in bad else "") for name in self.names
        ]

    @property
    def names(self) -> Sequence[str]:
        """What is watched."""
        return (_PUBLIC, *_POOLS)


class Listener:
    """A channel that remembers what it took."""

    def __init__(self, name: str, sky: Sky) -> None:
        self.name = name
        self.sky = sky
        self.took: list[Message] = []

    async def send(self, message: Message) -> None:
        """Take it, refuse it, or take it and say nothing, as a connection that breaks would."""
        if self.name in self.sky.failing_channels:
            raise NotTaken("it does not answer")
        if message.key not in {one.key for one in self.took}:
            self.took.append(message)
        if self.sky.chance(0.05):
            raise NotTaken("the answer was lost")


class Forge:
    """The repository and the way to publish: tips are numbers, a later push has a higher one."""

    name = "up"

    def __init__(self, sky: Sky) -> None:
        self.sky = sky
        self.pushed = 0
        self.live: list[int] = []
        self._due = 0.0
        self._ended: asyncio.Future[Result] | None = None
        self._running = 0

    async def tip(self) -> str:
        """The newest push."""
        return str(self.pushed)

    async def deploy(self, deployment: Deployment, note: object, stop: asyncio.Event) -> Result:
        """Ends when the simulation says so."""
        del note, stop
        self._running = int(deployment.tip)
        self._due = self.sky.now + self.sky.random.uniform(0, 180)
        self._ended = asyncio.get_running_loop().create_future()
        return await self._ended

    def turn(self) -> None:
        """End what is due, well or badly."""
        if self._ended is None or self._ended.done() or self.sky.now < self._due:
            return
        if self.sky.chance(0.25):
            self._ended.set_result(Result(Outcome.FAILED, "a platform failed"))
            return
        self.live.append(self._running)
        self._ended.set_result(Result(Outcome.DEPLOYED, "published"))

    async def close(self) -> None:
        """Nothing is held."""


class Coordinator:
    """One life of a coordinator, from its start to a crash; what is on disk outlives it."""

    def __init__(self, folder: Path, sky: Sky, forge: Forge, listeners: Sequence[Listener]) -> None:
        self.folder = folder
        self.sky = sky
        self.forge = forge
        self.listeners = listeners
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        """Open everything."""
        self.recovery = Recovery(self.sky, Memory(self.folder / "pools.json"), _RULES, STEP, self._clock)
        open_ = self._stack.enter_async_context
        self.outbox = await open_(Outbox(self.folder / "alerts", self.listeners, self._clock, most_per_hour=60))
        archive = await open_(Archive(self.folder / "archive", self._clock))
        watch = Watch(WatchRules(), frozenset({_PUBLIC}))
        self.watcher = Watcher(
            [Address(name, f"https://{name}.example") for name in self.sky.names],
            cast(Prober, self.sky),
            watch,
            archive,
            self.outbox,
            site="the site",
            interval=60.0,
        )
        self.queue = await open_(DeployQueue(self.folder / "queue"))
        history = await open_(History(self.folder / "history"))
        self.deployer = Deployer(
            self.queue,
            history,
            self.forge,
            self.forge,
            Telling([], []),
            patience=Patience(attempts=1000, wait=0.0, longest_wait=0.0, between_answers=0.0, between_looks=0.0),
            metrics=Metrics(),
            beats=Heartbeats(),
        )
        self._task = asyncio.create_task(self.deployer.run(asyncio.Event()))

    async def die(self) -> None:
        """Nothing is finished that was under way."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stack.aclose()

    def _clock(self) -> float:
        return self.sky.now

    async def step(self, number: int) -> None:
        """What its tasks do in fifteen seconds."""
        with suppress(Unreachable):
            await self.recovery.once()
        if number % _ROUND == 0:
            await self.watcher.round()
        for channel in self.listeners:
            while await self.outbox.send_next(channel) == 0.0:
                continue
        self.forge.turn()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self._task.done():
            self._task.result()

    async def push(self) -> None:
        """A push, and its delivery."""
        self.forge.pushed += 1
        await self.queue.accept(Delivery("github", str(self.forge.pushed), "site"))


class TwoHours:
    """So many simulated times of two hours."""

    def __init__(self, random: Random, times: int, hours: float = HOURS, quiet: float = QUIET_HOURS) -> None:
        """``quiet`` is how many hours everything may take to be well again, once nothing fails any more."""
        self.quiet = quiet
        self.random = random
        self.times = times
        self.hours = hours

    def cases(self) -> Iterator[Case]:
        """Each with a seed of its own."""
        logging.disable(logging.CRITICAL)
        try:
            for _ in range(self.times):
                yield self._case(self.random.getrandbits(32))
        finally:
            logging.disable(logging.NOTSET)

    def _case(self, seed: int) -> Case:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            broken, told = asyncio.run(self._lived(Path(folder), seed))
        row = f"{self.hours:g} hours of a coordinator's life"
        return Case("coordinator", row, f"seed {seed}: {told}", "lived", tuple(broken), time.monotonic() - started)

    async def _lived(self, folder: Path, seed: int) -> tuple[list[str], str]:
        sky = Sky(Random(seed))  # noqa: S311 - to be repeated
        forge, listeners = Forge(sky), [Listener(name, sky) for name in _CHANNELS]
        coordinator, crashes = Coordinator(folder, sky, forge, listeners), 0
        await coordinator.begin()
        steps, quiet = int(self.hours * 3600 / STEP), int(self.quiet * 3600 / STEP)
        for number in range(steps + quiet):
            sky.quiet = number >= steps
            sky.turn()
            if sky.chance(0.01):
                await coordinator.die()
                coordinator, crashes = Coordinator(folder, sky, forge, listeners), crashes + 1
                await coordinator.begin()
            if sky.chance(0.03):
                await coordinator.push()
            await coordinator.step(number)
            if number > steps + _LEAST and number % _LOOK == 0 and not list(await _left(coordinator)):
                break
        broken = [*sky.broken, *await _left(coordinator)]
        await coordinator.die()
        told = f"{crashes} crashes, {forge.pushed} pushes, {len(listeners[0].took)} alerts on each channel"
        return broken, told


async def _left(coordinator: Coordinator) -> Iterator[str]:
    """What does not hold in the end."""
    sky, forge, listeners = coordinator.sky, coordinator.forge, coordinator.listeners
    found = [
        f"{name} is still at {share} % long after everything was well"
        for name, share in sky.shares.items()
        if share != 100
    ]
    if any(later < earlier for earlier, later in pairwise(forge.live)):
        found.append(f"an older tip was published after a newer one: {forge.live}")
    if forge.pushed and forge.live[-1:] != [forge.pushed]:
        found.append(f"the newest push is {forge.pushed}, and live is {forge.live[-1:]}")
    waiting = {name: count for name, count in (await coordinator.outbox.unsent()).items() if count}
    if waiting:
        found.append(f"alerts still wait: {waiting}")
    told = [[one.key for one in listener.took] for listener in listeners]
    if any(one != told[0] for one in told):
        found.append("the channels were not told the same in the same order")
    found += [f"{listener.name} was told something twice" for listener in listeners if _twice(listener.took)]
    return iter(found + _unclosed(listeners[0].took))


def _twice(took: Sequence[Message]) -> bool:
    return len({(one.thread, one.subject) for one in took if one.thread.count("-") == 1}) < sum(
        one.thread.count("-") == 1 for one in took
    )


def _unclosed(took: Sequence[Message]) -> list[str]:
    """Incidents whose end was not told, or told before their beginning."""
    wrong = []
    for thread in {one.thread for one in took}:
        closes = [one.closes for one in took if one.thread == thread]
        if closes not in ([False, True], [False], [True]) or (thread.count("-") == 1 and closes != [False, True]):
            wrong.append(f"{thread} was told as {['well' if one else 'not well' for one in closes]}")
    return wrong
