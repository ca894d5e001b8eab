from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.errors import LimitExceeded, PlatformRefused, PublisherError, ReleaseGone, StagedDiffers
from publisher.journal import Journal
from publisher.platforms.base import Plan, Quota
from publisher.progress import Silence
from publisher.releasing import find_kept, publish, upload
from tests.publisher.memory_platform import MemoryPlatform
from website import ChangedWhileReading

PAGES = {"index.html": "<p>home", "about.html": "<p>about", "copy.html": "<p>about", "404.html": "<p>lost"}


class Notebook(Silence):
    def __init__(self):
        self.lines = []

    async def say(self, message, *, lasting=False):
        self.lines.append(message)


async def released(platform, site, journal=None):
    journal = journal or Journal()
    sent = await upload(platform, site, Silence(), journal)
    await publish(platform, site.release_id, sent.staged, Silence(), journal)
    return sent


async def test_each_distinct_content_is_sent_once(make_site):
    platform, site = MemoryPlatform(), make_site(PAGES)
    sent = await released(platform, site)
    assert sent.files_sent == 3  # index, about = copy, 404
    assert platform.calls.count("send") == 4  # and the release record
    assert platform.live_release == site.release_id


async def test_one_changed_page_sends_that_page(make_site):
    platform = MemoryPlatform()
    await released(platform, make_site(PAGES))
    sent = await released(platform, make_site({**PAGES, "about.html": "<p>changed"}))
    assert sent.files_sent == 1


async def test_uploads_run_side_by_side_but_never_more_than_the_platform_takes(make_site):
    platform = MemoryPlatform()
    await released(platform, make_site({f"{n}.html": f"<p>{n}" for n in range(40)} | PAGES))
    assert platform.most_in_flight == platform.traits.concurrency


@pytest.mark.parametrize("step", ["find_staged", "missing", "send", "stage", "check_staged", "publish"])
async def test_a_failure_at_any_step_keeps_the_old_release_and_the_next_run_finishes(make_site, step):
    platform, old, new = MemoryPlatform(), make_site(PAGES), make_site({**PAGES, "new.html": "<p>new"})
    await released(platform, old)
    platform.fail_at = step
    with pytest.raises(PublisherError, match=rf"{step} failed"):
        await released(platform, new)
    assert platform.live_release == old.release_id
    await released(platform, new)
    assert platform.live_release == new.release_id


async def test_a_release_that_was_staged_by_a_killed_run_is_not_sent_again(make_site):
    platform, site = MemoryPlatform(), make_site(PAGES)
    await upload(platform, site, Silence(), Journal())
    platform.calls.clear()
    sent = await upload(platform, site, Silence(), Journal())
    assert sent.files_sent == 0
    assert platform.calls == ["find_staged", "check_staged"]


async def test_a_broken_staged_copy_is_never_published(make_site):
    platform, site = MemoryPlatform(), make_site(PAGES)
    await upload(platform, site, Silence(), Journal())
    platform.stored.clear()
    with pytest.raises(StagedDiffers, match=r"index\.html"):
        await released(platform, site)
    assert platform.live_release is None


async def test_publishing_what_is_live_makes_no_call(make_site, tmp_path):
    platform, site, journal = MemoryPlatform(), make_site(PAGES), Journal(tmp_path / "journal")
    await released(platform, site)
    platform.calls.clear()
    await publish(platform, site.release_id, site.release_id, Silence(), journal)
    assert platform.calls == []
    assert not (tmp_path / "journal").exists()


async def test_the_journal_says_what_was_sent(make_site, tmp_path):
    platform, site = MemoryPlatform(), make_site(PAGES)
    sent = await released(platform, site, Journal(tmp_path / "journal"))
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["operation"] for line in lines] == ["upload", "publish"]
    assert lines[0]["files_sent"] == sent.files_sent
    assert lines[0]["bytes_sent"] == sent.bytes_sent > 0


async def test_progress_counts_files_of_how_many(make_site):
    notebook = Notebook()
    await upload(MemoryPlatform(), make_site(PAGES), notebook, Journal())
    assert any("4 of 4 files" in line for line in notebook.lines)


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ({"max_files": 3}, "number of files is 5, the limit is 3"),
        ({"max_file_bytes": 5}, "the limit is 5"),
        ({"max_site_bytes": 9}, "size of the site in bytes"),
    ],
)
async def test_a_broken_limit_is_named_before_anything_is_sent(make_site, limit, text):
    class Small(MemoryPlatform):
        traits = replace(MemoryPlatform.traits, plans={"small": Plan(**limit), "big": Plan()})

    platform = Small()
    with pytest.raises(LimitExceeded, match=text) as caught:
        await upload(platform, make_site(PAGES), Silence(), Journal())
    assert platform.calls == []
    assert "(plan small)" in str(caught.value)
    assert "set `hostSettings.memory.plan` to what you have (big)" in str(caught.value)
    platform.target = {"plan": "big"}
    await upload(platform, make_site(PAGES), Silence(), Journal())


@pytest.mark.parametrize(
    ("quota", "text"),
    [
        (Quota("deployments", 1, 2), "2 of 2 deployments are used within one day, and this deployment takes 1"),
        (Quota("credits", 30, 50, each=15), "45 of 50 credits are used within 30 days"),
    ],
)
async def test_a_deployment_that_the_plan_has_no_room_for_is_named_before_anything_is_sent(make_site, quota, text):
    now = datetime.now(UTC)

    class Metered(MemoryPlatform):
        traits = replace(MemoryPlatform.traits, plans={"free": Plan(quotas=(quota,))})

        async def deployments(self, since):
            made = [now - timedelta(hours=1), now - timedelta(hours=23), now - timedelta(days=20)]
            return [moment for moment in made if moment > since]

    platform = Metered()
    with pytest.raises(LimitExceeded, match=re.escape(text)):
        await upload(platform, make_site(PAGES), Silence(), Journal())
    assert "send" not in platform.calls


async def test_a_release_that_is_staged_already_takes_nothing_of_the_plan(make_site):
    class Metered(MemoryPlatform):
        traits = replace(MemoryPlatform.traits, plans={"": Plan(quotas=(Quota("deployments", 1, 1),))})

        async def deployments(self, since):
            return [datetime.now(UTC)] * len(self.staged)

    platform = Metered()
    await upload(platform, make_site(PAGES), Silence(), Journal())
    sent = await upload(platform, make_site(PAGES), Silence(), Journal())
    assert sent.files_sent == 0


async def test_a_kept_release_is_found_and_one_that_is_gone_is_refused_with_those_that_are_kept(make_site):
    platform, site = MemoryPlatform(), make_site(PAGES)
    await released(platform, site)
    assert await find_kept(platform, site.release_id) == site.release_id
    with pytest.raises(ReleaseGone, match=rf"does not keep release r0+ any more. It has {site.release_id}. Set"):
        await find_kept(platform, "r" + "0" * 16)


async def test_old_releases_that_cannot_be_taken_away_are_a_warning(make_site):
    class Stubborn(MemoryPlatform):
        async def prune(self, live):
            raise PublisherError(f"cannot prune beside {live}")

    platform, site, notebook = Stubborn(), make_site(PAGES), Notebook()
    sent = await upload(platform, site, Silence(), Journal())
    await publish(platform, site.release_id, sent.staged, notebook, Journal())
    assert any(f"cannot prune beside {site.release_id}" in line for line in notebook.lines)
    assert platform.live_release == site.release_id


async def test_content_that_changes_during_the_run_is_never_stored(make_site):
    platform, site = MemoryPlatform(), make_site(PAGES)
    (site.folder / "index.html").write_text("<p>othr", "utf-8")
    with pytest.raises(ChangedWhileReading, match=r"index\.html"):
        await released(platform, site)
    assert platform.live_release is None
    assert b"<p>othr" not in platform.stored.values()


async def test_where_the_edge_sets_the_headers_only_so_many_blocks_have_room_and_the_next_is_named(make_site):
    class Plain(MemoryPlatform):
        traits = replace(MemoryPlatform.traits, custom_headers=False)

    blocks = [f"/part-{number}/*\n  X-Extra: {number}\n" for number in range(10)]
    Plain.check_site(make_site({**PAGES, "_headers": "".join(blocks[:9])}))
    words = r"_headers:19: memory cannot send headers .* room for 9 blocks; /part-9/\*"
    with pytest.raises(PlatformRefused, match=words):
        Plain.check_site(make_site({**PAGES, "_headers": "".join(blocks)}))
    MemoryPlatform.check_site(make_site({**PAGES, "_headers": "".join(blocks)}))
