from __future__ import annotations

import json

import pytest

from publisher.errors import PlatformRefused
from publisher.platforms.azure import AzurePlatform
from publisher.platforms.azure.media_types import media_types
from publisher.platforms.azure.routes import LARGEST, configuration
from website import load_site

HOME = {"index.html": "home", "404.html": "lost"}


def compiled(site):
    return json.loads(configuration(site).content)


def routes(site):
    return {route.pop("route"): route for route in compiled(site)["routes"]}


def refusal(site):
    with pytest.raises(PlatformRefused) as error:
        AzurePlatform.check_site(site)
    return str(error.value)


def test_a_site_without_rules_needs_routes_only_where_azure_answers_in_its_own_way(make_site):
    found = routes(make_site({**HOME, "about.html": "a", "posts/index.html": "p"}))
    assert found["/posts"] == {"redirect": "/posts/", "statusCode": 301}
    assert "/about" not in found
    assert found["/about/"]["statusCode"] == 404


def test_the_security_headers_and_the_404_page_hold_for_everything(make_site):
    site = make_site(HOME)
    document = compiled(site)
    assert document["responseOverrides"] == {"404": {"rewrite": "/404.html"}}
    assert dict(site.rules.floor).items() <= document["globalHeaders"].items()


def test_a_splat_becomes_one_route_for_each_page_it_leads_to(make_site):
    found = routes(
        make_site({**HOME, "posts/a.html": "a", "posts/ü.html": "u", "_redirects": "/b/* /posts/:splat 301"})
    )
    assert found["/b/a"] == {"redirect": "/posts/a", "statusCode": 301}
    assert found["/b/ü"] == found["/b/%C3%BC"] == {"redirect": "/posts/%C3%BC", "statusCode": 301}
    assert "/b/*" not in found


def test_a_splat_that_leads_on_to_itself_ends(make_site):
    found = routes(make_site({**HOME, "about.html": "a", "_redirects": "/en/* /:splat 301"}))
    assert found["/en/about"] == {"redirect": "/about", "statusCode": 301}
    assert found["/en/"] == {"redirect": "/", "statusCode": 301}
    assert "/en/en/en/about" not in found


def test_splats_that_lead_on_to_one_another_are_followed(make_site):
    rules = "/a/* /b/:splat 301\n/b/* /posts/:splat 302\n"
    found = routes(make_site({**HOME, "posts/x.html": "x", "_redirects": rules}))
    assert found["/a/x"] == {"redirect": "/b/x", "statusCode": 301}
    assert found["/b/x"] == {"redirect": "/posts/x", "statusCode": 302}


def test_one_page_for_everything_is_the_fallback(make_site):
    document = compiled(make_site({"index.html": "app", "_redirects": "/* /index.html 200"}))
    assert document["navigationFallback"] == {"rewrite": "/index.html"}


def test_the_same_site_gives_the_same_bytes(make_site):
    pages = {**HOME, "b.html": "b", "a/index.html": "a", "LICENSE": "l", "_headers": "/a/*\n  X-A: 1\n"}
    assert configuration(make_site(pages)).content == configuration(make_site(pages)).content


def test_single_routes_that_do_not_fit_are_joined_by_folder_or_extension(make_site):
    files = {f"assets/{number:03}.3f2a9c1b.js": "x" for number in range(400)}
    site = make_site({**HOME, **files})
    found = routes(site)
    assert "/assets/*" in found
    assert "immutable" in found["/assets/*"]["headers"]["Cache-Control"]
    assert configuration(site).fits


def test_a_file_whose_type_is_not_that_of_its_extension_is_stored_under_another_name(make_site):
    types = media_types(make_site({**HOME, "LICENSE": "x", "a.txt": "x"}).files)
    assert types.stored("a.txt") == "a.txt"
    assert types.stored("LICENSE").startswith("LICENSE.type")
    end = types.stored("LICENSE").removeprefix("LICENSE")
    assert end not in {"", ".txt"}
    assert types.by_extension[end] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("/a /b.html 307", r"_redirects:1: azure cannot redirect with 307, because .* Write 302, or take azure out"),
        ("/a /b.html 308", r"_redirects:1: azure cannot redirect with 308, because .* Write 301, or take azure out"),
        ("/a/* https://other.example/:splat 301", r"_redirects:1: azure .* the target is at other\.example"),
        ("/a/* /b?q=:splat 301", r"_redirects:1: azure cannot carry over what stands for \*, .* behind a \? or #"),
    ],
)
def test_what_azure_cannot_express_is_named_by_line_with_the_reason_and_a_way_out(make_site, rule, text):
    site = make_site({**HOME, "b.html": "b", "_redirects": rule})
    with pytest.raises(PlatformRefused, match=text):
        AzurePlatform.check_site(site)


def test_a_splat_to_addresses_that_another_line_answers_for_is_refused(make_site):
    rules = "/old/* /app/:splat 302\n/app/* /index.html 200\n"
    text = refusal(make_site({**HOME, "_redirects": rules}))
    assert text.startswith("_redirects:1: azure cannot carry over what stands for *")
    assert "another line answers for everything like /app/:splat" in text


def test_a_rewrite_with_a_splat_leads_to_files_only(make_site):
    rules = "/old/* /app/:splat 200\n/app/* /index.html 200\n"
    AzurePlatform.check_site(make_site({**HOME, "app/x.html": "x", "_redirects": rules}))


def test_all_mistakes_are_in_one_error(make_site):
    rules = "/a /index.html 307\n\n/b/* https://other.example/:splat 301\n"
    text = refusal(make_site({**HOME, "api/x.json": "{}", "x/App_Data/y.txt": "y", "_redirects": rules}))
    lines = text.splitlines()
    assert [line.split(": azure")[0] for line in lines[:-1]] == [
        "_redirects:1",
        "_redirects:3",
        "api/x.json",
        "x/App_Data/y.txt",
    ]
    assert lines[-1] == "Nothing was sent."


def test_rules_beyond_20_kb_are_refused_with_what_takes_the_room(make_site):
    rules = "\n".join(f"/a-rather-long-address-{number} /index.html 301" for number in range(300))
    text = refusal(make_site({**HOME, "_redirects": rules}))
    assert f"the limit is {LARGEST:,}" in text
    assert "300 lines of _redirects" in text


def test_200_redirects_fit(make_site):
    rules = "\n".join(f"/old-{number} /index.html 301" for number in range(200))
    AzurePlatform.check_site(make_site({**HOME, "_redirects": rules}))


def test_the_example_can_be_published(tmp_path):
    site = load_site("examples/site", cache=tmp_path)
    AzurePlatform.check_site(site)
    assert configuration(site).leading > 5
