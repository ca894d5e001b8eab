from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.watching.incidents import PROBER, SITE, Rules, Sample, Situation, Watch, Window, changes

NAMES = ("www", "aws", "netlify")
WATCH = Watch(Rules(), frozenset({"www"}))


def lived(*rounds, watch=WATCH, step=60, known=None):
    """Events of rounds one minute apart; a round names the targets that are bad in it."""
    known, events = known or Situation(), []
    for number, bad in enumerate(rounds):
        samples = [Sample(name, number * step, name not in bad.split(), f"{name} broken") for name in NAMES]
        known, found = watch.taken(known, samples)
        events += found
    return known, events


def told(events):
    return [(event.kind, event.subject) for event in events]


def test_one_bad_sample_is_no_incident():
    assert lived("aws", "", "aws", "")[1] == []


def test_two_bad_samples_in_a_row_open_one_incident_that_began_with_the_first():
    _, events = lived("", "aws", "aws", "aws")
    assert [(event.kind, event.subject, event.at, event.text, event.number) for event in events] == [
        ("opened", "aws", 60, "aws broken", 1)
    ]


def test_an_incident_ends_with_the_first_of_three_good_samples():
    known, events = lived("aws", "aws", "", "", "")
    assert [(event.kind, event.at) for event in events] == [("opened", 0), ("closed", 120)]
    assert known.open == {}


def test_a_relapse_before_the_third_good_sample_is_the_same_incident():
    assert told(lived("aws", "aws", "", "", "aws", "", "", "")[1]) == [("opened", "aws"), ("closed", "aws")]


def test_while_the_public_name_is_bad_platforms_only_add_to_its_time_line():
    _, events = lived("", "www", "www", "www aws", "www aws", "", "", "")
    assert told(events) == [("opened", SITE), ("noted", SITE), ("closed", SITE)]
    assert events[1].text == "aws: aws broken"


def test_a_platform_whose_incident_is_open_already_keeps_it_while_the_public_name_is_bad():
    _, events = lived("aws", "aws", "www aws", "www aws", "aws", "aws", "aws", "", "", "")
    assert told(events) == [("opened", "aws"), ("opened", SITE), ("closed", SITE), ("closed", "aws")]


def test_a_platform_that_stays_bad_after_the_public_name_gets_an_incident_of_its_own():
    _, events = lived("www", "www", "www aws", "www aws", "aws", "aws", "aws")
    assert told(events) == [("opened", SITE), ("noted", SITE), ("closed", SITE), ("opened", "aws")]


def test_everything_at_once_suspects_the_prober_first():
    everything = " ".join(NAMES)
    assert told(lived(everything, everything, "", "", "")[1]) == [("opened", PROBER), ("closed", PROBER)]


def test_everything_for_long_is_the_sites_incident_after_all():
    everything = " ".join(NAMES)
    _, events = lived(*[everything] * 4)
    assert told(events) == [("opened", PROBER), ("closed", PROBER), ("opened", SITE)]
    assert (events[1].text, events[2].at) == ("turned out to be another cause", 0)


def test_a_target_that_goes_to_and_fro_is_told_once_and_then_left_alone():
    quick = Watch(Rules(failures=1, successes=1), frozenset({"www"}))
    to_and_fro = ["aws" if number % 2 else "" for number in range(60)]
    known, events = lived(*to_and_fro, watch=quick)
    kinds = Counter(told(events))
    assert kinds["flapping", "aws"] == 1
    assert kinds["opened", "aws"] == kinds["closed", "aws"] == 10
    _, later = lived(*[""] * 30, watch=quick, known=known)
    assert told(later) == [("calmed", "aws")]


def test_changes_weigh_more_the_newer_they_are():
    assert changes([True] * 21) == 0.0
    assert changes([number % 2 == 0 for number in range(21)]) == pytest.approx(1.0)
    early, late = [False, *[True] * 20], [*[True] * 20, False]
    assert changes(early) == pytest.approx(0.75 / 20)
    assert changes(late) == pytest.approx(1.25 / 20)
    assert changes([True, False]) == 0.0


def test_announced_work_opens_nothing_and_ends_where_it_was_announced_to():
    watch = Watch(Rules(), frozenset({"www"}), [Window(0, 180, frozenset({"aws"}))])
    assert told(lived("aws", "aws", "aws", "aws", "aws", watch=watch)[1]) == [("opened", "aws")]
    assert lived("aws", "aws", "aws", watch=watch)[1] == []
    everything = Watch(Rules(), frozenset({"www"}), [Window(0, 180)])
    assert lived("www aws", "www aws", "www", watch=everything) == (Situation(looked=120), [])


@given(st.lists(st.sets(st.sampled_from(NAMES)), max_size=80), st.integers(1, 3), st.integers(1, 4))
def test_every_incident_is_opened_once_and_closed_once_at_most_in_the_order_of_time(rounds, failures, successes):
    watch = Watch(Rules(failures=failures, successes=successes), frozenset({"www"}))
    known, events = lived(*(" ".join(bad) for bad in rounds), watch=watch)
    opened = [event for event in events if event.kind == "opened"]
    closed = {event.number: event for event in events if event.kind == "closed"}
    assert [event.number for event in opened] == list(range(1, len(opened) + 1))
    assert {event.number for event in opened} == set(closed) | {one.number for one in known.open.values()}
    assert len(closed) + len(known.open) == len(opened)
    for event in opened:
        end = closed.get(event.number)
        assert end is None or (end.at >= event.at and end.subject == event.subject)


@given(st.lists(st.sets(st.sampled_from(NAMES)), max_size=60))
def test_a_site_that_is_good_for_long_has_no_open_incident(rounds):
    known, _ = lived(*(" ".join(bad) for bad in rounds), "", "", "")
    assert known.open == {}


@given(st.lists(st.sets(st.sampled_from(NAMES)), min_size=2, max_size=60), st.integers(1, 59))
def test_a_restart_between_two_rounds_changes_nothing(rounds, at):
    words = [" ".join(sorted(bad)) for bad in rounds]
    whole = lived(*words)
    first, before = lived(*words[:at])
    after_known, events = first, list(before)
    for number, bad in enumerate(words[at:], start=at):
        samples = [Sample(name, number * 60, name not in bad.split(), f"{name} broken") for name in NAMES]
        after_known, found = WATCH.taken(after_known, samples)
        events += found
    assert (after_known, events) == whole


def test_what_was_counted_before_a_pause_does_not_go_on():
    watch = Watch(Rules(), frozenset({"www"}), silence=300)
    known, _ = lived("", "aws", watch=watch)
    known, events = watch.taken(known, [Sample("aws", 4000, good=False)])
    assert events == ()
    _, (opened,) = watch.taken(known, [Sample("aws", 4060, good=False)])
    assert (opened.kind, opened.at) == ("opened", 4000)


def test_an_open_incident_outlasts_a_pause_and_ends_with_the_first_good_look_after_it():
    watch = Watch(Rules(), frozenset({"www"}), silence=300)
    known, _ = lived("aws", "aws", watch=watch)
    events = []
    for at in (4000, 4060, 4120):
        known, found = watch.taken(known, [Sample(name, at, good=True) for name in NAMES])
        events += found
    assert [(one.kind, one.at) for one in events] == [("closed", 4000)]


def test_looks_before_announced_work_do_not_count_after_it():
    watch = Watch(Rules(), frozenset({"www"}), (Window(60, 600, frozenset({"aws"})),))
    _, events = lived("aws", *["aws"] * 9, "aws", "aws", watch=watch)
    assert [(one.kind, one.at) for one in events] == [("opened", 600)]


def test_work_that_repeats_is_announced_each_time():
    window = Window(100, 200, every=1000)
    held = [at for at in (99, 100, 199, 200, 1100, 1199, 1200, 7150) if window.holds("aws", at)]
    assert held == [100, 199, 1100, 1199, 7150]
    assert window.ends_after(7150) == 7200


def test_a_target_that_nobody_watches_any_more_is_forgotten_and_its_incident_ends():
    known, _ = lived("aws", "aws")
    left, (event,) = known.without_others(["www", "netlify"], 500)
    assert (event.kind, event.subject, event.at, event.number) == ("closed", "aws", 500, 1)
    assert (set(left.targets), left.open) == ({"www", "netlify"}, {})
    assert left.without_others(["www", "netlify"], 600) == (left, ())
