"""Kill -9 a coordinator again and again while pushes come; nothing that it accepted may be lost."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.coordinator.delivering import Coordinator, Publishing, Site, until


def killed(folder: Path, times: int, seed: int) -> tuple[Coordinator, Publishing, Site]:
    """Push and kill at random moments; returns when the newest tip is live, and checks the order on the way."""
    random = Random(seed)
    site, publishing = Site(folder), Publishing(folder / "live")
    publishing.switch("slow", "0.15")
    made = Coordinator(folder, site, publishing)
    accepted = site.commits[0]
    try:
        for round_number in range(times):
            made.start()
            for number in range(random.randint(1, 3)):
                tip = site.commit()
                if made.push(f"{round_number}-{number}") == 202:
                    accepted = tip
                time.sleep(random.uniform(0, 0.1))
            time.sleep(random.uniform(0, 0.4))
            made.kill()
        made.start()
        reached = site.commits.index(accepted)
        until(lambda: publishing.live in site.commits[reached:], "the newest accepted push is live")
        until(lambda: made.health()["waiting"] == [], "nothing waits")
        assert made.stop() == 0
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
    assert publishing.live == site.commits[-1]
    order = [site.commits.index(tip) for tip in publishing.lines("live.log")]
    assert all(before <= after for before, after in pairwise(order)), "an older tip after a newer one"
    return made, publishing, site
