from __future__ import annotations

import pytest

from coordinator.status_page import view
from coordinator.status_page.view import Row, arrivals, budget, incidents, overall, releases, row
from coordinator.watching.archive import DAY, Day, Now, Sight, Sum
from coordinator.watching.incidents import PROBER, SITE, Event

AT = 20_000.0 * DAY + 3600


def shown(name="aws", kind="platform", state="well", release="r1", certificate=None):
    return Row(name, kind, state, "", AT, release, 10.0, 0.1, certificate, [], [], 5, 1.0)


WWW = shown("www", "site", release="r1")


@pytest.mark.parametrize(
    ("rows", "open_now", "state", "words"),
    [
        ([WWW, shown()], [], "well", "The site and all its platforms are well."),
        ([WWW, shown(state="doubtful")], [], "well", "all its platforms are well"),
        ([WWW, shown(state="unwell"), shown("x")], ["aws"], "degraded", "The site is well; aws is not, and visitors"),
        ([WWW, shown(state="unwell"), shown("x", state="recovering")], [], "degraded", "2 of 2 platforms are not"),
        ([WWW, shown("form", "other", "unwell")], ["form"], "degraded", "The site is well; form is not."),
        ([WWW, shown(certificate=3.0)], [], "degraded", "the certificate of aws ends soon"),
        ([WWW, shown(state="unwell")], [SITE], "unwell", "The site is not well for its visitors."),
        ([shown("www", "site", "unwell"), shown()], [], "unwell", "not well for its visitors"),
        ([WWW, shown(state="unwell")], [PROBER], "unknown", "monitoring itself"),
        ([shown("www", "site", "unknown")], [], "unknown", "Nobody has looked for a while"),
        ([], [], "unknown", "Nobody has looked for a while"),
    ],
)
def test_the_state_is_one_sentence(rows, open_now, state, words):
    found, sentence = overall(rows, open_now)
    assert found == state
    assert words in sentence


@pytest.mark.parametrize(
    ("good", "bad", "age", "state", "why"),
    [
        (True, False, 0, "well", ""),
        (False, False, 0, "doubtful", "answers 503"),
        (False, True, 0, "unwell", "answers 503"),
        (True, True, 0, "recovering", ""),
        (True, False, 121, "unknown", ""),
        (False, True, 121, "unknown", ""),
    ],
)
def test_a_row_tells_one_failed_look_from_what_is_confirmed(good, bad, age, state, why):
    now = Now("aws", AT - age, good, "" if good else "answers 503", 0.2, "r1", AT - 60, 3.0)
    found = row(now, "platform", [], [], AT, 30.0, bad=bad)
    assert (found.state, found.why) == (state, why)


def test_days_and_quarters_nobody_looked_at_are_gaps_and_not_counted():
    days = [Day(int(AT // DAY - 1) * DAY, 9, 1, 0.1, 100, 10), Day(int(AT // DAY) * DAY, 10, 0, 0.1, 100, 0)]
    begins = int(AT // 900) * 900
    sums = [Sum(begins, 3, 0, 0.2), Sum(begins - 900, 0, 4, 0.0)]
    found = row(Now("aws", AT, True, "", 0.2, "r1", AT, None), "platform", sums, days, AT, 30.0)
    assert (len(found.days), found.days[-3:]) == (view.DAYS_SHOWN, [None, 0.9, 1.0])
    assert (len(found.speeds), found.speeds[-2:]) == (view.POINTS, [None, pytest.approx(0.2)])
    assert (found.looks, found.share) == (20, 0.95)


def test_the_budget_is_of_this_calendar_year_and_of_the_time_that_was_watched():
    last_year, this_year = 19_700 * DAY, int(AT // DAY) * DAY
    days = [Day(last_year, 0, 10, 0.0, 100, 100), Day(this_year, 95, 5, 0.1, 2000, 100)]
    found = budget(days, 0.99999, AT)
    assert (found.watched, found.down, found.share) == (2000, 100, 0.95)
    assert found.allowed == pytest.approx(366 * DAY * 1e-5)
    assert found.left == pytest.approx(found.allowed - 100)
    assert budget([], 0.999, AT).share is None
    assert budget([Day(this_year, 0, 1, 0.0, 1e6, 1e6)], 0.99999, AT).left == 0


def test_an_incident_has_its_time_line_and_its_length():
    events = [
        Event("opened", "aws", AT, "answers 503", 1),
        Event("flapping", "x", AT + 5, "to and fro"),
        Event("opened", "site", AT + 10, "", 2),
        Event("closed", "aws", AT + 90, "is well again", 1),
    ]
    site, aws = incidents(events)
    assert (aws.subject, aws.closed, aws.seconds(AT + 999)) == ("aws", AT + 90, 90)
    assert (site.closed, site.seconds(AT + 70)) == (None, 60)


def test_a_release_arrives_at_one_platform_after_the_other_and_going_back_is_another_arrival():
    sights = [
        Sight("aws", "r1", 100),
        Sight("www", "r1", 101),
        Sight("netlify", "r1", 112),
        Sight("aws", "r2", 200),
        Sight("netlify", "r2", 203),
        Sight("aws", "r1", 300),
    ]
    found = arrivals(sights, ["aws", "netlify"])
    assert [(one.release, one.first, one.skew, sorted(one.seen)) for one in found] == [
        ("r1", 300, 0, ["aws"]),
        ("r2", 200, 3, ["aws", "netlify"]),
        ("r1", 100, 12, ["aws", "netlify"]),
    ]


def test_platforms_that_serve_different_releases_are_told_apart():
    rows = [WWW, shown("a"), shown("b", release="r2"), shown("c", release="r2"), shown("d", release="")]
    assert releases(rows) == {"r2": ["b", "c"], "r1": ["a"]}
