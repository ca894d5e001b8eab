"""Pushes to several sites by way of the forges, the coordinators and the runners; publishing itself is left out.

The whole, with the real engine, is in tests/engine/test_pipelines.py.
"""

from __future__ import annotations

import pytest

from tools.bench.many_sites import course, runners
from tools.bench.many_sites.stacks import whole_checkout

#: In place of the targets that publish and verify: what they print.
MAKEFILE = """
include real.mk
sign-in up down: ;
.PHONY: sign-in up down
verify:
\t@echo "Every platform serves r$$(printf %s "$(STACK)" | sha256sum | cut -c 1-16)"
"""


@pytest.fixture
def without_publishing(monkeypatch):
    """Leave publishing out of the runners' checkouts."""

    def made(folder):
        whole_checkout(folder)
        (folder / "Makefile").rename(folder / "real.mk")
        (folder / "Makefile").write_text(MAKEFILE)

    monkeypatch.setattr(runners, "whole_checkout", made)


@pytest.mark.usefixtures("without_publishing")
def test_every_push_starts_one_job_and_its_forge_shows_what_became_of_it(tmp_path):
    done = course.run(tmp_path, 2, runners=2, limit=200)
    assert done.wrong() == [], [job.output for job in done.wrong()]
    assert sorted(job.stack for job in done.jobs) == [f"sandbox-{number:03}" for number in range(2)]
    assert sorted(one.forge for one in done.shown) == ["github", "gitlab"]
    log = (tmp_path / "coordinators.log").read_text()
    assert log.count("deployment 1: deployed") == 2
    assert "Traceback" not in log


def test_a_job_is_wrong_that_failed_or_served_nothing_or_what_another_site_serves():
    releases = {"a": "r1", "b": "r2", "c": "r2", "d": ""}
    jobs = [runners.Job(name, 0, 1.0, 0, release, "") for name, release in releases.items()]
    failed = runners.Job("e", 0, 1.0, 2, "r5", "")
    done = course.Course([*jobs, failed], [], 0.0, 0.0)
    assert [job.stack for job in done.wrong()] == ["b", "c", "d", "e"]
