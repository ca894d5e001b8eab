from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.generated_sites import ASKED, sites
from website.checks.links import Fragments, Judge, Target
from website.rules import url_encoded


@given(sites(), st.sampled_from(ASKED))
def test_a_link_is_right_exactly_where_the_site_does_not_end_in_404(site, path):
    """What ``Judge`` says is what a visitor meets who follows the site's own answers."""
    judge = Judge(site.files.keys(), site.rules, ["www.example.com"])
    target = judge.target(judge.base("index.html"), url_encoded(path))
    answer, hops = site.answer(path), 0
    while answer.location and answer.location.startswith("/") and hops < 20:
        location = answer.location.partition("#")[0]
        answer, hops = site.answer(_decoded(location.partition("?")[0])), hops + 1
    elsewhere = bool(answer.location) and not answer.location.startswith("/")
    assert (target.problem is None) == (elsewhere or answer.status == 200)
    if target.file is not None:
        assert answer.file is not None
        assert target.file == answer.file.path


def _decoded(location):
    from urllib.parse import unquote

    return unquote(location)


@given(
    st.lists(st.text(max_size=5), max_size=6), st.lists(st.tuples(st.integers(1, 99), st.text(max_size=5)), max_size=6)
)
def test_exactly_the_parts_that_are_not_there_are_missing(names, wanted):
    fragments = Fragments()
    fragments.page("a.html", names, [])
    fragments.page("b.html", [], [(line, Target(None, "a.html", name)) for line, name in wanted])
    expected = sorted(
        line
        for line, name in wanted
        if name and name not in names and name.lower() != "top" and not name.startswith((":~:", "/", "!"))
    )
    assert sorted(line for path, line, _ in fragments.missing() if path == "b.html") == expected


def test_a_part_of_a_file_that_is_no_page_is_not_judged():
    fragments = Fragments()
    fragments.page("a.html", [], [(1, Target(None, "a.svg", "x"))])
    assert list(fragments.missing()) == []
