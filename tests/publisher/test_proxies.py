from __future__ import annotations

import os
from pathlib import Path

import pytest

from publisher.proxies import proxy_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def test_without_variables_everything_is_asked_directly():
    assert proxy_for("https://api.example.com/v1") is None


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example.com/v1", "http://user:secret@proxy.example.com:3128"),
        ("http://api.example.com/v1", "http://plain.example.com"),
        ("https://inside.example.net:8443/v1", None),
        ("https://api.inside.example.net/v1", None),
        ("http://127.0.0.1:9000/", None),
    ],
)
def test_the_variable_of_the_scheme_counts_but_for_what_no_proxy_names(monkeypatch, url, proxy):
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example.com:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example.com")
    monkeypatch.setenv("no_proxy", "inside.example.net,127.0.0.1")
    assert proxy_for(url) == proxy


def test_a_proxy_for_everything_does_not_count_as_it_may_be_one_that_the_client_cannot_use(monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1080")
    assert proxy_for("https://api.example.com/v1") is None


def test_a_variable_that_changes_counts_from_then_on(monkeypatch):
    url = "https://api.example.com/v1"
    monkeypatch.setenv("https_proxy", "http://one.example.com")
    assert proxy_for(url) == "http://one.example.com"
    monkeypatch.setenv("https_proxy", "http://two.example.com")
    assert proxy_for(url) == "http://two.example.com"
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for(url) is None


def test_no_request_of_the_publisher_forgets_it():
    modules = list((ROOT / "publisher").rglob("*.py"))
    for path in modules:
        text = path.read_text("utf-8")
        asked = text.count("http.request(") + text.count("http.get(")
        assert text.count("proxy=proxy_for(") == asked, path
    assert len(modules) > 40
