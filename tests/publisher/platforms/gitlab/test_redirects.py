from __future__ import annotations

import pytest

from publisher.errors import PlatformRefused
from publisher.platforms.gitlab import GitlabPlatform
from publisher.platforms.gitlab.redirects import compiled
from publisher.platforms.gitlab.tree import repository_files

PAGES = {"index.html": "home", "about.html": "about", "posts/index.html": "posts", "posts/one.html": "one"}


def lines(site):
    found = compiled(site)
    assert found.problems == ()
    return found.text().decode().splitlines()


def test_rules_stand_in_their_order_forced_ones_first(make_site):
    rules = "/old /about 301\n/docs/* /posts/:splat 302\n/first /about 301!\n/in-place /posts/ 200\n"
    assert lines(make_site({**PAGES, "_redirects": rules})) == [
        "/first /about 301",
        "/old /about 301",
        "/docs/* /posts/:splat 302",
        "/in-place /posts/index.html 200",
    ]


def test_a_file_that_a_forced_rule_covers_is_left_out_of_its_place(make_site):
    site = make_site({**PAGES, "_redirects": "/posts/one /about 301!\n"})
    assert lines(site) == ["/posts/one.html /.taken-by-a-redirect/posts/one.html 200", "/posts/one /about 301"]
    assert "public/posts/one.html" not in repository_files(site)
    assert "public/.taken-by-a-redirect/posts/one.html" in repository_files(site)


def test_index_pages_below_a_rewritten_folder_get_a_line_of_their_own(make_site):
    pages = {**PAGES, "posts/deep/index.html": "deep", "_redirects": "/app/* /posts/:splat 200\n"}
    assert lines(make_site(pages)) == ["/app/deep /posts/deep/index.html 200", "/app/* /posts/:splat 200"]


def test_signs_with_a_meaning_in_a_target_are_written_so_that_they_have_none(make_site):
    pages = {**PAGES, "a$b.html": "dollar", "x/a:b.html": "colon"}
    pages["_redirects"] = "/p/* /q/$5/:splat 301\n/one /a$b.html 200\n/two /x/a:b.html 200\n/three /q?a=$5#b 301\n"
    assert lines(make_site(pages)) == [
        "/p/* /q/$$5/:splat 301",
        "/one /a%24b.html 200",
        "/two /x/a%3Ab.html 200",
        "/three /q?a=$5#b 301",
    ]


def test_a_site_without_redirects_has_no_redirects_file(make_site):
    assert "public/_redirects" not in repository_files(make_site(PAGES))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("/a /b 308\n", r"_redirects:1: gitlab cannot send status 308, because .* Write 301"),
        ("/a /b 307\n", r"_redirects:1: gitlab cannot send status 307, because .* Write 302"),
        ("/a%20b /about\n", r"_redirects:1: gitlab cannot match '/a b'"),
        ("/100%25 /about\n", r"_redirects:1: gitlab cannot match '/100%'"),
        ("/old /wiki/Talk:Main\n", r"_redirects:1: gitlab cannot redirect to /wiki/Talk:Main, because .* placeholder"),
        ("/old /x/../about\n", r"_redirects:1: gitlab cannot redirect to /x/\.\./about, because .* out of the target"),
        ("/old https://example.org/100%x\n", r"_redirects:1: gitlab cannot redirect to .* without two hex digits"),
        ("/d/* https://example.org//a/:splat\n", r"_redirects:1: gitlab cannot redirect to .* with a splat"),
        ("/d/* /x/:splat\n/d-old /about\n", r"_redirects:2: gitlab cannot answer /d-old .* line 1 \(/d/\*\) takes it"),
        ("/Case /x\n/case /about\n", r"_redirects:2: gitlab cannot answer /case .* because line 1"),
        ("/about/ /x\n", r"_redirects:1: gitlab cannot answer /about/ .* /name/ by name\.html"),
        ("/no/* /x/:splat\n", r"_redirects: gitlab cannot answer /no-such-page-r.* because line 1 \(/no/\*\)"),
    ],
)
def test_what_pages_cannot_do_names_file_and_line(make_site, rules, message):
    with pytest.raises(PlatformRefused, match=message):
        GitlabPlatform.check_site(make_site({**PAGES, "_redirects": rules}))


def test_all_mistakes_come_in_one_error(make_site):
    pages = {**PAGES, "docs.html": "docs", "docs/deep.html": "deep", "_redirects": "/a /b 308\n/c%20d /e\n"}
    pages["_headers"] = "/about.html\n  Content-Type: text/plain\n"
    with pytest.raises(PlatformRefused) as error:
        GitlabPlatform.check_site(make_site(pages))
    text = str(error.value).splitlines()
    assert [line.partition(": gitlab cannot")[0] for line in text] == [
        "_redirects:1",
        "_redirects:2",
        "docs.html",
        "_headers",
    ]
    assert all("or take gitlab out of `hosts`" in line for line in text)


def test_an_order_that_pages_can_follow_is_taken(make_site):
    GitlabPlatform.check_site(make_site({**PAGES, "_redirects": "/d-old /about\n/d/* /x/:splat\n"}))


def test_more_rules_than_pages_reads_are_refused(make_site):
    many = "".join(f"/from-{number} /about\n" for number in range(1001))
    with pytest.raises(PlatformRefused, match=r"cannot take 1,001 rules"):
        GitlabPlatform.check_site(make_site({**PAGES, "_redirects": many}))
    long = "".join(f"/{'x' * 300}-{number} /about\n" for number in range(300))
    with pytest.raises(PlatformRefused, match=r"of 9\d,\d{3} bytes"):
        GitlabPlatform.check_site(make_site({**PAGES, "_redirects": long}))
    deep = "/a" * 26
    with pytest.raises(PlatformRefused, match=r"_redirects:1: gitlab cannot use .* 25 slashes"):
        GitlabPlatform.check_site(make_site({**PAGES, "_redirects": f"{deep} /about\n"}))
