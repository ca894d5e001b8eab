from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from components.settings import SettingsError, read
from planning.consumption import load
from planning.declared import declared_of, expected, measured_site

ROOT = Path(__file__).resolve().parents[2]
IDS = {"cloudflareAccountId": "a" * 32, "cloudflareZoneId": "b" * 32}


def settings(**given):
    return read({key: one if isinstance(one, str) else json.dumps(one) for key, one in {**IDS, **given}.items()})


def test_plans_are_those_of_the_settings_by_the_names_of_the_price_file():
    own = {"azure": {"plan": "Standard"}, "vercel": {"plan": "pro"}, "firebase": {"project": "one-project"}}
    found = declared_of(settings(hostSettings=own))
    assert found.plans == {
        "vercel": "pro",
        "netlify": "free",
        "aws": "",
        "firebase": "spark",
        "azure": "standard",
        "gitlab": "free",
    }


def test_a_platform_whose_own_settings_are_not_there_yet_has_its_default_plan():
    found = declared_of(settings(hosts=["aws"]).model_copy(update={"hosts": ("firebase", "aws")}))
    assert found.plans == {"firebase": "spark", "aws": ""}


def test_regions_are_counted_once():
    firebase = {"firebase": {"project": "one-project"}}
    found = declared_of(settings(monitorRegions=["WEU", "ENAM", "WEU"], keepReleases=3, hostSettings=firebase))
    assert (found.regions, found.interval, found.keep, found.mode) == (2, 60, 3, "load-balancer")


def test_a_site_in_a_folder_is_measured_without_its_git_data(tmp_path):
    (tmp_path / "site" / ".git").mkdir(parents=True)
    (tmp_path / "site" / ".git" / "index").write_bytes(bytes(5000))
    (tmp_path / "site" / "index.html").write_bytes(bytes(100))
    (tmp_path / "site" / "one.css").write_bytes(bytes(50))
    assert measured_site(tmp_path / "site") == (150, 2)
    assert measured_site(tmp_path / "nowhere") is None


def test_a_site_in_git_is_assumed_unless_the_stack_says_its_size(tmp_path):
    far = "https://gitlab.example/site.git"
    found, guessed = expected(settings(content=far), tmp_path, load())
    assert (found.site_gigabytes, found.files, guessed) == (Decimal("0.1"), 1000, True)
    said = settings(content=far, traffic={"siteSize": 12.5, "files": 40})
    found, guessed = expected(said, tmp_path, load())
    assert (found.site_gigabytes, found.files, guessed) == (Decimal("0.0125"), 40, False)


def test_the_settings_traffic_is_taken_exactly():
    given = {"visits": 1234, "pageWeight": 0.1, "requests": 2.5, "cached": 0.3, "deploys": 7}
    found, guessed = expected(settings(traffic=given), ROOT, load())
    assert (found.visits, found.gigabytes, found.requests) == (1234, Decimal("1E-7"), Decimal("2.5"))
    assert (found.cached, found.deploys, guessed) == (Decimal("0.3"), 7, False)


def test_a_worker_is_free_unless_the_stack_says_otherwise_and_a_load_balancer_has_no_default_budget():
    assert settings(edgeMode="worker").monthly_budget == 0
    assert settings(edgeMode="worker", budget="1.50").monthly_budget == Decimal("1.50")
    assert settings().monthly_budget is None
    assert settings(budget="30").monthly_budget == 30


@pytest.mark.parametrize("wrong", ["-1", "30 USD", "1.234", "free", "1e3"])
def test_a_budget_that_is_no_amount_of_dollars_is_refused(wrong):
    with pytest.raises(SettingsError, match="budget"):
        settings(budget=wrong)


@pytest.mark.parametrize(
    "wrong", [{"visits": -1}, {"cached": 1.1}, {"pageWeight": 0}, {"requests": 0}, {"visitors": 3}, {"deploys": 1.5}]
)
def test_a_traffic_that_cannot_be_is_refused_with_its_key(wrong):
    with pytest.raises(SettingsError, match=rf"traffic\.{next(iter(wrong))}"):
        settings(traffic=wrong)
