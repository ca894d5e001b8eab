"""A site that was watched for a while, as the coordinator's files remember it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from random import Random

from coordinator.deployments.found import Newest, Run, Runs, Told, keep_runs, keep_told, runs_in
from coordinator.history import History, HostResult, Outcome, Result
from coordinator.status_page.reading import Reader
from coordinator.watching import declared
from coordinator.watching.archive import DAY, Archive
from coordinator.watching.incidents import Rules, Sample, Situation, Watch
from coordinator.watching.targets import Finding
from coordinator.watching.watcher import _SITUATION
from coordinator.watching_settings import StatusPage, Watching

SITE = "www.example.org"
HOSTS = ("vercel", "netlify", "aws", "firebase", "azure", "gitlab")
FORGE = "https://gitlab.example/robot/infra/-/pipelines"
END = 1_790_000_000.0 - 1_790_000_000 % DAY + 15 * 3600
"""A September afternoon."""
OUTPUTS = json.dumps(
    {
        "site_url": f"https://{SITE}",
        "release": "r2f61c09be4d87a35",
        "platforms": [
            {
                "name": name,
                "hostname": f"{name}.example",
                "host_header": f"{name}.example",
                "url": f"https://{name}.example",
            }
            for name in HOSTS
        ],
    }
)
SPEEDS = {
    SITE: 0.09,
    "dns": 0.02,
    "vercel": 0.07,
    "netlify": 0.11,
    "aws": 0.05,
    "firebase": 0.13,
    "azure": 0.21,
    "gitlab": 0.34,
}
#: Target → (begin, end, why), in seconds before the end.
OUTAGES = {
    "netlify": [(2.1 * DAY, 2.1 * DAY - 1260, "answers 503")],
    "gitlab": [
        (900, -1, "does not answer in time"),
        (31 * DAY, 31 * DAY - 9600, "answers 502"),
        (60 * DAY, 60 * DAY - 600, "answers 502"),
    ],
    SITE: [(17 * DAY, 17 * DAY - 150, "answers 522")],
    "azure": [(48 * DAY, 48 * DAY - 4000, "refuses connections")],
}
RELEASES = [(80 * DAY, "r9b1d55e07ac2f318"), (20 * DAY, "r5ce0a7f4129b6d83"), (6 * 3600, "r2f61c09be4d87a35")]


class Life:
    """Looks of ``days`` days, ``step`` seconds apart; nobody looked in the fourth week before the end."""

    def __init__(self, days=90, step=300, seed=7):
        self.days, self.step, self.random = days, step, Random(seed)
        self.now = END

    def clock(self):
        return self.now

    def look(self, target, at):
        before = END - at
        why = next((why for begin, end, why in OUTAGES.get(target, ()) if end < before <= begin), "")
        lag = {"vercel": 0, "netlify": 4, "aws": 7, "firebase": 6, "azure": 31, "gitlab": 55}.get(target, 55)
        release = next((name for begin, name in reversed(RELEASES) if before + lag <= begin), "r0")
        evening = 1 + 0.5 * max(0.0, 1 - abs((at % DAY) / 3600 - 19) / 5)
        seconds = SPEEDS[target] * evening * self.random.lognormvariate(0, 0.12)
        days_left = None if target == "dns" else 61.4
        shown = release if target != "dns" and not why else ""
        return Finding(target, at, not why, why, seconds, shown, days_left)

    def pause(self, at):
        """Until the next look: closer where something happens."""
        before = END - at
        moments = [moment for outages in OUTAGES.values() for begin, end, _ in outages for moment in (begin, end)]
        return 30 if any(abs(before - moment) <= self.step for moment in moments) else self.step

    async def lived(self, archive):
        watch, known = Watch(Rules(), frozenset({SITE, "dns"})), Situation(series=1)
        await archive.keep_outputs(OUTPUTS)
        at = END - self.days * DAY
        batch, events, each = [], [], 0
        while at <= END:
            self.now = at
            step = self.pause(at)
            if step != each or len(batch) > 2000:
                await archive.keep(batch, events, _SITUATION.dump_json(known).decode(), each=each)
                batch, events, each = [], [], step
            if not 22 * DAY < END - at < 26 * DAY:
                found = [self.look(name, at) for name in SPEEDS]
                samples = [Sample(one.target, one.at, one.good, one.why) for one in found]
                known, happened = watch.taken(known, samples)
                batch += found
                events += happened
            at += step
        await archive.keep(batch, events, _SITUATION.dump_json(known).decode(), each=each)
        self.now = END

    async def deployed(self, history):
        self.now = END - 20 * DAY
        for tip, outcome, way, handle, slow in (
            ("3f0c", Outcome.DEPLOYED, "gitlab-pipeline", "48211", 0),
            ("a91e", Outcome.FAILED, "up", "", 1),
            ("a91e", Outcome.DEPLOYED, "up", "", 0),
        ):
            before = await history.last("site", Outcome.FAILED)
            tip = (tip * 10)[:40]
            begun = await history.begin("site", 1, tip, way, before if before and before.tip == tip else None)
            await history.note(begun.id, handle)
            self.now += 74 + 30 * slow
            hosts = () if way != "up" else tuple(self.host(name, outcome) for name in HOSTS)
            said = {"up": "published and verified", "gitlab-pipeline": f"pipeline {handle} succeeded"}[way]
            await history.end(
                begun.id, Result(outcome, said if outcome is Outcome.DEPLOYED else "failed on azure", hosts)
            )
            self.now = END - 6 * 3600 - 200 + 120 * slow
        self.now = END

    async def told(self, archive):
        """What forges and platforms say: one forge and one platform are silent just now."""
        for number, trigger, state, before in (
            (48240, "hand", "failed", 90 * 60),
            (48198, "schedule", "succeeded", 9 * 3600),
            (48211, "program", "succeeded", 20 * DAY),
        ):
            began = END - before
            run = Run(
                number=number,
                tip=f"{number:x}" * 10,
                trigger=trigger,
                state=state,
                began=began,
                url=f"{FORGE}/{number}",
            )
            runs = await runs_in(archive, "GitLab")
            await keep_runs(archive, runs.with_newer((run.model_copy(update={"ended": began + 200}),), END - 40))
        await keep_runs(archive, Runs(forge="GitHub", asked=END - 3000).silent(END - 2400))
        await keep_told(archive, {name: self.platform(place, name) for place, name in enumerate(HOSTS)})

    def platform(self, place, name):
        ids = ("dpl_8Yx2", "6743f0c1", "41", "1732951", "default", "48240")
        state, phase = ("FAILED", "failed") if name == "gitlab" else ("READY", "ready")
        newest = Newest(id=ids[place], state=state, phase=phase, made=END - 6 * 3600, release=RELEASES[2][1])
        told = Told(name=name, newest=newest, asked=END - 60)
        return told.silent(END - 1500) if name == "azure" else told

    def host(self, name, outcome):
        steps = {
            step: round(self.random.uniform(0.2, most), 2)
            for step, most in (("upload", 9), ("publish", 3), ("verify", 5))
        }
        if name == "azure" and outcome is Outcome.FAILED:
            return HostResult(
                name, f"https://{name}.example", RELEASES[1][1], "failed: old release stays live", {"upload": 41.3}
            )
        return HostResult(name, f"https://{name}.example", RELEASES[2][1], "", steps)


@asynccontextmanager
async def reader_of(folder, life=None, links=False, **page):
    """A reader of all of it."""
    life = life or Life()
    async with (
        Archive(folder / "life.sqlite", life.clock) as archive,
        History(folder / "history.sqlite", life.clock) as history,
    ):
        await life.lived(archive)
        await life.deployed(history)
        await life.told(archive)
        yield Reader(SITE, archive, history, Watching(), StatusPage(**page), 30.0, life.clock, links)


def named_targets():
    """All targets, in the order of the page."""
    return [one.name for one in declared.targets(declared.read(OUTPUTS), Watching())]
