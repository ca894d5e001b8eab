"""A call of each platform goes wrong, in each way: the run recovers, or says clearly what is wrong."""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from tools.chaos.crashes import Scene, UndisturbedRunFailed, scene
from tools.chaos.findings import Case, errors
from tools.chaos.sampling import Sample
from tools.chaos.stage import NEVER

KINDS: Mapping[str, bool] = {
    "429-seconds": False,
    "429-date": False,
    "429-absurd": False,
    "500": False,
    "502-html": False,
    "token-expired": True,
    "reset-before": False,
    "reset-after": False,
    "truncated": False,
    "timeout-after-commit": False,
    "clock-off": True,
}
"""What the sandbox can do to a call, and whether it goes on for all calls after it."""
_API_CALL = re.compile(r"(\S+) (GET|PUT|POST|PATCH|DELETE|HEAD) ")


class CallFaults:
    """In one run a call of each platform goes wrong; each platform is a case of its own."""

    def __init__(self, site: Path, random: Random, sample: Sample, kinds: Sequence[str] = tuple(KINDS)) -> None:
        self.site = site
        self.random = random
        self.sample = sample
        self.kinds = kinds

    def cases(self) -> Iterator[Case]:
        """Every kind at the calls of the sample."""
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            made = scene(Path(temporary), self.site, self.random)
            made.stage.start_sandbox()
            try:
                counts = self._undisturbed(made)
                for kind in self.kinds:
                    for number in self.sample.numbers(max(counts.values()), self.random):
                        yield from self._run(made, kind, number, counts)
            finally:
                made.stage.stop_sandbox()

    def _undisturbed(self, made: Scene) -> Counter[str]:
        """Publishes twice; gives how many calls each platform's API gets in a run."""
        for _ in range(2):
            made.live = made.edited.edit()
            made.stage.ask("DELETE", "/calls")
            code, output = made.stage.ended("up")
            if code:
                raise UndisturbedRunFailed(errors(output))
        seen = made.stage.ask("GET", "/calls")["seen"]
        return Counter(found[1] for call in seen if (found := _API_CALL.match(call)))

    def _run(self, made: Scene, kind: str, number: int, counts: Mapping[str, int]) -> Iterator[Case]:
        started = time.monotonic()
        at = self._numbers(number, counts)
        names = [name for name in made.stage.sandbox()["platforms"] if name in at]
        mishaps = [{"kind": kind, "at": at[name], "platform": name, "lasting": KINDS[kind]} for name in names]
        before, old, new = made.judge.before(), made.live, made.edited.edit()
        made.stage.ask("PUT", "/calls", {"mishaps": mishaps})
        ended, output = made.stage.ended("up")
        happened = made.stage.ask("GET", "/calls")["happened"]
        made.stage.ask("DELETE", "/calls")
        broken = made.judge.whole({old, new})
        live = made.stage.releases()
        outcomes = {name: outcome(name, live[name] == new, ended, output) for name in names}
        code, after = made.stage.ended("up")
        if code:
            broken.append(f"the next run ended with {code}: {errors(after)}")
        broken += made.judge.converged(new, before) + made.judge.orphans()
        made.live = new
        seconds = (time.monotonic() - started) / max(1, len(names))
        for name in names:
            where = next((call for call in happened if call.startswith(f"{name} ")), "")
            wrong = [sentence for sentence in broken if sentence.startswith((name, "the next run"))]
            if ended == NEVER:
                wrong.append("the run did not end")
            if where and outcomes[name] == _UNCLEAR:
                wrong.append(f"{name} was not published, and the run does not say why: {errors(output)}")
            what = f"{name}, call {at[name]}: {where or 'was not made this time'}"
            yield Case("faults", kind, what, outcomes[name] if where else "not reached", tuple(wrong), seconds)

    def _numbers(self, number: int, counts: Mapping[str, int]) -> dict[str, int]:
        """Platform → which of its calls; with samples each at the same share of its way."""
        if self.sample.every == 1:
            return {name: number for name, count in counts.items() if count >= number}
        most = max(counts.values())
        return {name: max(1, round(number * count / most)) for name, count in counts.items()}


_UNCLEAR = "no clear error"


def outcome(platform: str, published: bool, code: int, output: str) -> str:
    """What a run came to for one platform."""
    if "Traceback (most recent call last)" in output:
        return _UNCLEAR
    if published and code == 0:
        return "recovered"
    said = [line for line in output.splitlines() if platform in line and re.search(r"error|failed|refused", line)]
    if said:
        return "clear error"
    return "recovered" if published else _UNCLEAR
