from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.website.conftest import write
from website import folders, load_site, packed

PAGES = {
    "index.html": "<p>home",
    "posts/index.html": "<p>posts",
    "caf\u00e9 au lait/index.html": "<p>coffee",
    "both.html": "<p>page",
    "both/index.html": "<p>folder",
    "moved/index.html": "<p>moved",
    "empty/page.html": "<p>no index",
    "_redirects": "/moved /posts/ 301!\n",
}


def test_folders_are_those_that_the_site_leads_to_their_slash(folder, tmp_path):
    site = load_site(str(write(folder, PAGES)), cache=tmp_path / "cache")
    assert folders(site) == ["/caf%C3%A9%20au%20lait", "/posts"]


@given(st.lists(st.text(alphabet="/abc", min_size=1, max_size=20)), st.integers(23, 100))
def test_packing_keeps_all_paths_in_order_and_each_group_within_its_room(paths, room):
    groups = packed(paths, room)
    assert [path for group in groups for path in group] == paths
    assert all(sum(len(path) + 3 for path in group) <= room for group in groups)
    assert all(groups)
