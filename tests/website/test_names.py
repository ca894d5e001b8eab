from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from website.names import Collisions, is_housekeeping, name_problem

NEXT_STEP = ("Rename", "Delete", "Take it out", "Move")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("caf\u0065\u0301.html", "NFC"),
        ("a\x07b.html", "U+0007"),
        ("a\u200bb.html", "U+200B"),
        ("a\\b.html", "separator"),
        ("what?.html", "URL"),
        ("c#.html", "URL"),
        ("all*.html", "wildcard"),
        ("name.", "a dot"),
        ("name ", "a space"),
        (" name", "a space"),
        ("a%20b.html", "percent-encoded"),
        ("con", "Windows"),
        ("AUX.html", "Windows"),
        ("lpt1.txt", "Windows"),
        ("com¹.txt", "Windows"),
        (".env", "secrets"),
        (".env.production", "secrets"),
        (".ENV", "secrets"),
        (".htpasswd", "secrets"),
        (".npmrc", "secrets"),
        (".ssh", "secrets"),
        (".git-credentials", "secrets"),
        ("id_rsa", "private keys"),
        ("id_ed25519", "private keys"),
        ("server.pem", "private keys"),
        ("Server.KEY", "private keys"),
        ("Pulumi.prod.yaml", "Pulumi"),
        ("Pulumi.yaml", "Pulumi"),
        (".DS_Store", "left this behind"),
        ("index.html~", "left this behind"),
        (".index.html.swp", "left this behind"),
        ("Thumbs.db", "left this behind"),
        ("._photo.jpg", "left this behind"),
        ("netlify.toml", "Netlify"),
        ("vercel.json", "Vercel"),
        ("firebase.json", "Firebase"),
        ("staticwebapp.config.json", "Azure"),
        ("_worker.js", "Cloudflare"),
        ("functions", "Cloudflare"),
        ("web.config", "IIS"),
        (".htaccess", "Apache"),
        ("_Redirects", "_redirects"),
        ("__", "Firebase"),
        ("cdn-cgi", "Cloudflare"),
    ],
)
def test_a_name_is_refused_with_reason_and_next_step(name: str, reason: str) -> None:
    problem = name_problem(name, "")
    assert problem is not None
    assert reason in problem
    assert any(step in problem for step in NEXT_STEP)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "index.html",
            "404.html",
            ".well-known",
            ".nojekyll",
            "_redirects",
            "_headers",
            "_astro",
            "_static",
            "café.html",
        ),
        *(
            "a b.html",
            "日本.html",
            "id_card.png",
            "console.js",
            "auxiliary.html",
            "com.html",
            "key.html",
            "environment.html",
        ),
        *("id_rsa.pub", "functions.html", "100%.html", "a+b(1).html", "it's.html", "pulumi.html", "web.html", "~user"),
    ],
)
def test_an_ordinary_name_is_allowed(name: str) -> None:
    assert name_problem(name, "") is None


@pytest.mark.parametrize("name", ["functions", "vercel.json", "firebase.json", "__", "cdn-cgi"])
def test_what_only_counts_at_the_top_is_allowed_below(name: str) -> None:
    assert name_problem(name, "docs/") is None


@pytest.mark.parametrize("name", [".htaccess", "web.config", "staticwebapp.config.json"])
def test_what_counts_anywhere_is_refused_below(name: str) -> None:
    assert "Delete or rename" in str(name_problem(name, "docs/"))


def test_rule_files_below_the_top_are_refused_because_nobody_would_read_them() -> None:
    assert "Move them there" in str(name_problem("_headers", "docs/"))


def test_a_name_that_is_not_utf8_is_refused() -> None:
    assert "not UTF-8" in str(name_problem(os.fsdecode(b"caf\xe9.html"), ""))


def test_housekeeping_of_git_is_left_out_and_secrets_of_git_are_not() -> None:
    assert all(map(is_housekeeping, (".git", ".gitignore", ".github", ".gitlab-ci.yml")))
    assert not is_housekeeping(".git-credentials")


@given(st.text(min_size=1, max_size=30))
def test_a_name_that_passes_survives_a_url_and_every_platform(name: str) -> None:
    if name_problem(name, "") is None:
        assert name == unicodedata.normalize("NFC", name)
        assert name.encode()
        assert not set(name) & set("#?\\*")
        assert not any(unicodedata.category(char) == "Cc" for char in name)
        assert not name.endswith((" ", "."))


@given(st.from_regex(r"\.[eE][nN][vV][a-z.]{0,8}", fullmatch=True))
def test_no_spelling_of_env_passes(name: str) -> None:
    assert name_problem(name, "any/") is not None


@given(st.lists(st.text("aAbBßſsS", min_size=1, max_size=3), unique=True))
def test_collisions_are_found_in_any_order(names: list[str]) -> None:
    def found(order: Iterable[str]) -> bool:
        seen = Collisions()
        return bool([name for name in order if seen.problem(name) is not None])

    expected = len({name.casefold() for name in names}) < len(names)
    assert found(names) == found(reversed(names)) == expected
