"""The whole coordinator as a process: pushes by HTTP, a bare repository, a program that publishes."""

from __future__ import annotations

import pytest

from tests.coordinator.delivering import SECRET, Coordinator, Publishing, Site, until
from tests.coordinator.killing import killed


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def publishing(tmp_path):
    return Publishing(tmp_path / "live")


@pytest.fixture
def start(tmp_path, site, publishing):
    started = []

    def begin(**settings):
        made = Coordinator(tmp_path, site, publishing, **settings)
        started.append(made)
        made.start()
        return made

    yield begin
    for made in started:
        if made.process.poll() is None:
            made.kill()


def test_fifty_pushes_during_a_deployment_make_exactly_one_more_of_the_newest(start, site, publishing):
    made = start()
    publishing.switch("held", "")
    assert made.push("first") == 202
    until(lambda: publishing.lines("begun"), "a deployment runs")
    tips = [site.commit() for _ in range(50)]
    assert [made.push(f"{number}") for number in range(50)] == [202] * 50
    publishing.switch("held", None)
    until(lambda: publishing.live == tips[-1], "the newest is live")
    until(lambda: made.health()["waiting"] == [], "nothing waits")
    assert publishing.lines("begun") == [site.commits[0], tips[-1]]


def test_killed_during_a_deployment_it_waits_for_that_and_notes_it_and_deploys_again(start, site, publishing):
    made = start()
    publishing.switch("held", "")
    tip = site.commit()
    assert made.push("1") == 202
    until(lambda: publishing.lines("begun"), "a deployment runs")
    made.kill()
    made.start()
    waits = "a publication of an earlier coordinator still runs; waiting for its end"
    until(lambda: waits in made.log.read_text(), "it waits for the one that was left running")
    publishing.switch("held", None)
    until(lambda: made.health()["waiting"] == [], "nothing waits")
    assert publishing.lines("steps") == ["begins", "ends"] * 2
    assert (publishing.live, publishing.lines("begun")) == (tip, [tip, tip])
    assert f"deployment 1 of {tip[:12]} was cut off; it is done again" in made.log.read_text()


def test_a_stop_waits_for_the_deployment_and_takes_no_more_pushes(start, site, publishing):
    made = start()
    publishing.switch("held", "")
    tip = site.commit()
    assert made.push("1") == 202
    until(lambda: publishing.lines("begun"), "a deployment runs")
    made.process.terminate()
    until(lambda: made.push("2") == 0, "it listens no more")
    made.process.terminate()
    publishing.switch("held", None)
    assert made.process.wait(30) == 0
    assert (publishing.live, publishing.lines("begun")) == (tip, [tip])


def test_what_no_webhook_has_told_is_found_by_the_poll(start, site, publishing):
    made = start(poll=5, webhooks={})
    until(lambda: publishing.live == site.commits[0], "what is there at the start is live")
    tip = site.commit()
    until(lambda: publishing.live == tip, "what came later is live")
    assert 'deployments_total{result="deployed",way="up"} 2.0' in made.get("/metrics").text


def test_nothing_accepted_is_lost_by_a_few_kills(tmp_path):
    killed(tmp_path, 4, seed=1)


def test_metrics_say_what_happened_and_how_long_it_took(start, site, publishing):
    made = start(attempts=1)
    publishing.switch("fails", "")
    made.push("1")
    until(lambda: 'deployments_total{result="failed",way="up"} 1.0' in made.get("/metrics").text, "it failed")
    assert "deployment_last_success_age_seconds NaN" in made.get("/metrics").text
    publishing.switch("fails", None)
    assert made.push("1") == 202, "a delivery whose deployment failed may be sent again"
    until(lambda: publishing.live == site.commits[0], "it is live")
    until(lambda: 'deployments_total{result="deployed",way="up"} 1.0' in made.get("/metrics").text, "it is counted")
    text = made.get("/metrics").text
    assert 'deployment_step_seconds_count{step="deploy"} 2.0' in text
    assert 'deployment_step_seconds_count{step="tip"} 2.0' in text
    assert "deployments_waiting 0.0" in text
    (age,) = [line.split()[1] for line in text.splitlines() if line.startswith("deployment_last_success_age_seconds ")]
    assert 0 <= float(age) < 30


@pytest.mark.parametrize("secret", ["", "short", "x" * 23])
def test_without_a_good_secret_it_does_not_start_and_names_the_setting(tmp_path, site, publishing, secret):
    made = Coordinator(tmp_path, site, publishing)
    made.environment["SITE_WEBHOOK_SECRET"] = secret
    made.start(wait=False)
    assert made.process.wait(20) == 1
    log = made.log.read_text()
    assert "coordinator.webhooks.github.secret: " in log
    assert "Traceback" not in log
    assert SECRET not in log
