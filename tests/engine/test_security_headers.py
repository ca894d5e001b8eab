"""What the published site and each platform's own copy of it send, graded by the rules of the HTTP Observatory."""

from __future__ import annotations

import pytest
import requests

from platforms import PLATFORMS
from publisher.platforms import platform_class
from tests.observatory import grade, score

SITE = "www.peacefulrobot.com"
PAGES = ("/", "/about", "/no-such-page", "/styles.css")


def ask(stack, host, path, scheme="https"):
    """Over the sandbox's internet, as anybody would."""
    sandbox = stack.sandbox()
    proxy = sandbox["environment"]["HTTP_PROXY"]
    return requests.get(
        f"{scheme}://{host}{path}",
        proxies={"http": proxy, "https": proxy},
        verify=sandbox["ca_file"],
        allow_redirects=False,
        timeout=30,
    )


def host_of(stack, platform):
    return next(one["host_header"] for one in stack.status()["platforms"] if one["name"] == platform)


@pytest.mark.parametrize("path", PAGES)
def test_the_site_gets_an_a_plus_on_every_kind_of_answer(shared_stack, path):
    plain = ask(shared_stack, SITE, path, "http")
    redirects = plain.status_code == 301 and plain.headers["Location"] == f"https://{SITE}{path}"
    points = score(ask(shared_stack, SITE, path).headers, redirects=redirects)
    assert grade(points) == "A+", points


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if platform_class(name).traits.custom_headers])
def test_each_platform_that_can_send_headers_gets_an_a_plus_by_itself(shared_stack, platform):
    """Where plain HTTP leads is the platform's own affair, and not played in the sandbox."""
    host = host_of(shared_stack, platform)
    for path in PAGES:
        points = score(ask(shared_stack, host, path).headers)
        assert grade(points) == "A+", (path, points)
