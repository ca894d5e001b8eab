"""Who answers when platforms fail, and how long a visitor waits."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from publisher.edge_copy import table_of
from tests.real.edge_worker.origins import BIG, NOT_FOUND, PAGES, Platform, now
from tests.real.edge_worker.running import COPY, QUICK, RULES, listed, visiting


@pytest.fixture
def pair():
    return Platform("one"), Platform("two")


async def test_the_first_platform_answers_while_it_is_well(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        answers = [await visitor.ask() for _ in range(20)]
    assert {(answer.status, answer.body, answer.headers["X-Served-From"]) for answer in answers} == {
        (200, PAGES["/"], "one")
    }
    assert pair[1].seen == []


@pytest.mark.parametrize(
    "mood",
    [
        *("refuse", "500", "502", "503", "429", "521", "403", "402", "206", "304", "lost", "cut", "cut-at-once"),
        *("stall", "hang", "redirect-to-itself", "redirect-away"),
    ],
)
async def test_what_is_no_answer_of_the_site_is_replaced_by_the_next_platform(tmp_path, pair, mood):
    pair[0].mood = mood
    async with visiting(tmp_path, *pair) as visitor:
        for path in ("/", "/about.html"):
            answer = await visitor.ask(path)
            assert (answer.status, answer.body, answer.headers["X-Served-From"]) == (200, PAGES[path], "two")


async def test_a_wrong_answer_on_the_health_path_is_replaced(tmp_path, pair):
    pair[0].mood = "wrong-health"
    async with visiting(tmp_path, *pair) as visitor:
        assert await visitor.served_from("/.well-known/release.json") == "two"


async def test_a_slow_platform_is_overtaken_after_the_hedge_and_its_request_is_aborted(tmp_path, pair):
    pair[0].mood, pair[0].seconds = "slow", 5.0
    async with visiting(tmp_path, *pair) as visitor:
        began = now()
        assert await visitor.served_from() == "two"
        waited = now() - began
        while not pair[0].aborted:
            assert await visitor.served_from() == "two"
    assert QUICK.hedge / 1000 <= waited < QUICK.attempt / 1000


async def test_when_everything_is_slow_few_visitors_cost_two_requests(tmp_path, pair):
    for platform in pair:
        platform.mood, platform.seconds = "slow", 0.3
    async with visiting(tmp_path, *pair) as visitor:
        for _ in range(30):
            await asyncio.gather(*(visitor.ask() for _ in range(10)))
    asked = len(pair[0].seen) + len(pair[1].seen)
    assert 300 + 100 <= asked <= 300 + 100 + 30


async def test_a_platform_that_answers_before_the_hedge_is_the_only_one_asked(tmp_path, pair):
    pair[0].mood, pair[0].seconds = "slow", 0.05
    async with visiting(tmp_path, *pair, limits=QUICK.changed(hedge=600)) as visitor:
        assert [await visitor.served_from() for _ in range(5)] == ["one"] * 5
    assert pair[1].seen == []


async def test_the_slow_platform_answers_if_the_next_one_fails(tmp_path, pair):
    pair[0].mood, pair[0].seconds, pair[1].mood = "slow", 0.4, "503"
    async with visiting(tmp_path, *pair) as visitor:
        assert await visitor.served_from() == "one"


async def test_no_visitor_waits_longer_than_the_deadline(tmp_path):
    platforms = [Platform(name, "hang") for name in ("one", "two", "three", "four", "five", "six")]
    async with visiting(tmp_path, *platforms, limits=QUICK.changed(deadline=900)) as visitor:
        began = now()
        assert await visitor.served_from() == "copy"
        assert now() - began < 1.6


async def test_the_longest_search_costs_half_the_requests_that_the_free_plan_allows(tmp_path):
    """Fifty: https://developers.cloudflare.com/workers/platform/limits/#subrequests ."""
    platforms = [Platform(name, "lost") for name in ("one", "two", "three", "four", "five", "six")]
    async with visiting(tmp_path, *platforms) as visitor:
        await visitor.ask("/nope", "HEAD")
        subrequests = sum(len(one.seen) + one.checks for one in platforms) + visitor.assets.asked
    assert subrequests <= 25


@pytest.mark.parametrize("mood", ["cut", "stall"])
async def test_a_long_body_that_breaks_off_is_never_taken_for_the_whole(tmp_path, pair, mood):
    """Its beginning is with the visitor already, so the connection ends in an error and not in a shorter file."""
    pair[0].mood = mood
    async with visiting(tmp_path, *pair) as visitor:
        visitor.http._timeout = aiohttp.ClientTimeout(total=3)
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await visitor.ask("/big.bin")


async def test_a_body_of_20_mb_is_streamed_whole_and_before_its_end_is_there(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        began = now()
        url = f"http://127.0.0.1:{visitor.runtime.port}/big.bin"
        async with visitor.http.get(url) as response:
            first = await response.content.readany()
            arrived = now() - began
            rest = await response.read()
        assert first + rest == BIG
        assert response.headers["Content-Length"] == str(len(BIG))
        resident = visitor.workerd().memory_info().rss
    assert arrived < now() - began
    assert resident < 300 * 1024**2


async def test_two_platforms_with_different_releases_are_both_the_site(tmp_path, pair):
    pair[0].pages["/"] = b"<h1>the release before</h1>"
    known = table_of([*listed(PAGES), *listed(pair[0].pages)])
    async with visiting(tmp_path, *pair, copy={**COPY, "files": known}) as visitor:
        assert (await visitor.ask()).body == b"<h1>the release before</h1>"
        pair[0].mood = "503"
        assert (await visitor.ask()).body == PAGES["/"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_bytes_that_no_release_has_never_reach_a_visitor(tmp_path, pair, encoding):
    pair[0].pages |= {"/about.html": b"<h1>abouT</h1>" * 50, "/medium.bin": b"\0" + PAGES["/medium.bin"][1:]}
    async with visiting(tmp_path, *pair) as visitor:
        for path in ("/about.html", "/medium.bin"):
            answer = await visitor.ask(path, Accept_Encoding=encoding)
            body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
            assert (answer.status, body, answer.headers["X-Served-From"]) == (200, PAGES[path], "two")
        assert await visitor.served_from() == "one"


async def test_a_file_at_another_files_path_is_refused(tmp_path, pair):
    pair[0].pages["/about.html"] = PAGES["/"]
    async with visiting(tmp_path, *pair) as visitor:
        assert (await visitor.ask("/about.html")).body == PAGES["/about.html"]


async def test_a_body_that_cannot_be_decompressed_is_replaced(tmp_path, pair):
    pair[0].headers = {"Content-Encoding": "gzip"}
    async with visiting(tmp_path, *pair) as visitor:
        assert await visitor.served_from("/about.html") == "two"


async def test_a_release_the_script_was_not_told_of_counts_when_two_platforms_serve_it(tmp_path, pair):
    for platform in pair:
        platform.pages["/"] = b"<h1>the release after</h1>"
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask()
        assert (answer.body, answer.headers["X-Served-From"]) == (b"<h1>the release after</h1>", "two")
        pair[1].pages["/"] = b"<h1>another one</h1>"
        assert await visitor.served_from() == "copy"


async def test_a_page_of_its_own_that_a_platform_answers_with_200_is_not_the_sites(tmp_path, pair):
    pair[0].pages["/__/firebase/init.js"] = b"console.log(1)"
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask("/__/firebase/init.js")
    assert (answer.status, answer.body, answer.headers["X-Served-From"]) == (404, NOT_FOUND, "two")


async def test_a_path_that_a_rule_answers_with_another_file_may_have_that_files_bytes(tmp_path, pair):
    pair[0].pages |= {"/app/anything": PAGES["/about.html"], "/app/else": PAGES["/"]}
    async with visiting(tmp_path, *pair) as visitor:
        assert await visitor.served_from("/app/anything") == "one"
        assert (await visitor.ask("/app/else")).headers["X-Served-From"] != "one"


async def test_a_genuine_404_is_passed_on_and_costs_one_request(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask("/nope")
    assert (answer.status, answer.body, answer.headers["X-Served-From"]) == (404, NOT_FOUND, "one")
    assert (len(pair[0].seen), len(pair[1].seen)) == (1, 0)


@pytest.mark.parametrize(("method", "encoding"), [("HEAD", None), ("GET", "gzip"), ("HEAD", "gzip")])
async def test_a_genuine_404_is_known_without_a_body_and_under_compression(tmp_path, pair, method, encoding):
    headers = {"Accept_Encoding": encoding} if encoding else {}
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask("/nope", method, **headers)
    assert (answer.status, answer.headers["X-Served-From"]) == (404, "one")
    assert answer.body == (b"" if method == "HEAD" else NOT_FOUND)


async def test_a_platform_that_lost_the_site_is_soon_left_alone(tmp_path, pair):
    pair[0].mood = "lost"
    async with visiting(tmp_path, *pair) as visitor:
        await visitor.ask("/about.html")
        while pair[0].checks == 0:
            await visitor.ask("/about.html")
        await visitor.until_served_from("two")
        pair[0].seen.clear()
        assert await visitor.served_from("/about.html") == "two"
    assert pair[0].seen == []


async def test_a_site_without_a_404_page_gets_its_404_from_the_copy(tmp_path, pair):
    async with visiting(tmp_path, *pair, copy={**COPY, "notFound": []}, rules={**RULES, "notFound": None}) as visitor:
        answer = await visitor.ask("/nope")
    assert (answer.status, answer.headers["X-Served-From"]) == (404, "copy")
