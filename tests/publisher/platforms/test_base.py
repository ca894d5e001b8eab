from __future__ import annotations

import pytest

from publisher.errors import PlatformRefused
from publisher.platforms import base
from publisher.platforms.base import phase_of
from publisher.platforms.gitlab import GitlabPlatform
from publisher.platforms.vercel import VercelPlatform

FOLDERS = {"index.html": "<p>home", **{f"folder-{number}/index.html": f"<p>{number}" for number in range(40)}}


def test_folders_that_the_edge_has_no_room_for_are_refused_where_it_must_lead_to_them(make_site, monkeypatch):
    site = make_site(FOLDERS)
    GitlabPlatform.check_site(site)
    monkeypatch.setattr(base, "EDGE_REDIRECT_ROOM", 50)
    with pytest.raises(PlatformRefused, match=r"gitlab .* names of 40 folders have no room .* take gitlab out of"):
        GitlabPlatform.check_site(site)
    VercelPlatform.check_site(site)


@pytest.mark.parametrize(
    ("state", "phase"), [("done", "ready"), ("busy", "running"), ("broken", "failed"), ("new word", "unknown")]
)
def test_a_word_for_a_state_that_is_not_documented_means_nothing(state, phase):
    assert phase_of(state, ready={"done"}, running={"busy"}, failed={"broken"}) == phase
