from __future__ import annotations

import datetime
import subprocess
import sys

import pytest

from components.delivery.checks import DeliveryError, check
from components.delivery.settings import DeliverySettings
from components.settings import SettingsError
from tests.components.delivery.stacks import ENVIRONMENT, FULL, TODAY, changed, settings_of

FULL_HOSTS = settings_of(FULL).hosts
EARLY = {"expires": "2026-11-23"}


def mistakes(delivery):
    with pytest.raises(SettingsError) as error:
        settings_of(delivery)
    return str(error.value)


def refused(delivery, *, today=TODAY, environment=ENVIRONMENT, **more):
    settings = settings_of(delivery, **more)
    with pytest.raises(DeliveryError) as error:
        check(settings.delivery, settings.hosts, today, environment)
    return str(error.value)


def test_everything_that_can_be_set_is_accepted():
    settings = settings_of(FULL)
    assert settings.delivery.on
    check(settings.delivery, settings.hosts, TODAY, ENVIRONMENT)


def test_what_is_left_out_is_off_and_is_not_written():
    assert not settings_of({}).delivery.on
    assert DeliverySettings().model_dump(by_alias=True) == {}


def test_off_imports_no_sdk_of_a_forge_and_no_component():
    program = (
        "import sys, components.settings\n"
        "from components import delivery\n"
        "from types import SimpleNamespace as N\n"
        "assert delivery.declare(N(delivery=N(on=False)), {}) is None\n"
        "print([n for n in sys.modules if n.startswith(('pulumi_', 'components.delivery.')) "
        "and n not in ('components.delivery.settings', 'components.delivery.tokens')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (changed(github__branch="release/*"), "delivery.github.branch"),
        (changed(github__owner="peaceful/robot"), "delivery.github.owner"),
        (changed(github__environment="prod:ref"), "delivery.github.environment"),
        (changed(github__ownerId=5), "give ownerId and repositoryId, or none"),
        (changed(github__content=None), "direct needs content"),
        (changed(github__approvals=7), "delivery.github.approvals"),
        (changed(github__reviewers={"users": [1, 2, 3, 4], "teams": [5, 6, 7]}), "6 users and teams together"),
        (changed(gitlab__infrastructure="infra"), "delivery.gitlab.infrastructure"),
        (changed(gitlab__branch="*"), "delivery.gitlab.branch"),
        (changed(gitlab__url="http://gitlab.example.org"), "delivery.gitlab.url"),
        (changed(gitlab__schedule="daily"), "delivery.gitlab.schedule"),
        (changed(coordinator="http://deploy.example.org"), "delivery.coordinator"),
        (changed(coordinator="https://u:p@deploy.example.org"), "delivery.coordinator"),
        (changed(azure__tenant="mine"), "delivery.azure.tenant"),
        (changed(gcp__pool="gcp-pool"), "delivery.gcp.pool"),
        (changed(tokens__AWS_SECRET_ACCESS_KEY={"expires": "2027-01-01"}), "trust the pipeline by delivery.aws"),
        (changed(tokens__ARM_CLIENT_SECRET={}), "trust the pipeline by delivery.azure"),
        (changed(tokens__GOOGLE_CREDENTIALS={}), "trust the pipeline by delivery.gcp"),
        (changed(tokens__VERCEL_TOKEN={}), "delivery.tokens.VERCEL_TOKEN is none that a pipeline needs"),
        (changed(tokens__VERCEL_API_TOKEN={}), "delivery.tokens.VERCEL_API_TOKEN has no date of expiry"),
        (changed(tokens__INFRA_DISPATCH_TOKEN=None), "delivery.github.direct sends its events with INFRA_DISPATCH"),
        ({"aws": {}}, "neither github nor gitlab"),
        (changed(coordinator=None, github__direct=False, gitlab__direct=False), "would start nothing"),
        (
            {"coordinator": "https://x.org", "github": {"owner": "o", "infrastructure": "i"}},
            "gets no webhook, for no forge has content",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_its_key(delivery, words):
    assert words in mistakes(delivery)


@pytest.mark.parametrize("pool", ["peacefulrobot", "gcpool", "gone-far", "g-pool", "gc1-pool"])
def test_only_pools_with_googles_own_prefix_are_refused(pool):
    assert settings_of(changed(gcp__pool=pool)).delivery.gcp.pool == pool


def test_several_mistakes_are_named_at_once():
    text = mistakes(changed(tokens__AWS_ACCESS_KEY_ID={}, tokens__NONSENSE={}, tokens__VERCEL_API_TOKEN={}))
    assert all(name in text for name in ("AWS_ACCESS_KEY_ID", "NONSENSE", "VERCEL_API_TOKEN"))


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (changed(tokens__VERCEL_API_TOKEN=EARLY), "delivery.tokens.VERCEL_API_TOKEN expired on 2026-11-23"),
        (changed(tokens__VERCEL_API_TOKEN={"expires": "2028-01-01"}), "in more than 366 days"),
        (changed(tokens__CLOUDFLARE_API_TOKEN=None), "delivery.tokens.CLOUDFLARE_API_TOKEN is missing"),
        (changed(tokens__NETLIFY_AUTH_TOKEN=None), "delivery.tokens.NETLIFY_AUTH_TOKEN is missing"),
        (changed(aws=None), "delivery.aws is missing, and without it no pipeline can publish to aws"),
        (changed(gcp=None), "delivery.gcp is missing, and without it no pipeline can publish to firebase"),
        (changed(github__environment="x" * 100), "more than 127 bytes, which Google refuses"),
        (changed(github__owner="somebody"), "github:owner is peacefulrobot and delivery.github.owner is somebody"),
    ],
)
def test_a_mistake_that_hosts_or_the_date_show_is_refused(delivery, words):
    assert words in refused(delivery)


def test_trust_in_a_cloud_that_no_host_is_in_is_refused():
    assert "delivery.aws: aws is not in hosts" in refused(FULL, hosts=["vercel", "netlify", "azure", "firebase"])


def test_a_token_of_a_platform_that_is_not_a_host_need_not_be_there():
    settings = settings_of(changed(tokens__VERCEL_API_TOKEN=None), hosts=["netlify", "aws", "firebase", "azure"])
    check(settings.delivery, settings.hosts, TODAY, ENVIRONMENT)


def test_values_that_are_missing_short_or_broken_are_all_named_and_not_shown():
    broken = {
        **ENVIRONMENT,
        "VERCEL_API_TOKEN": "",
        "NETLIFY_AUTH_TOKEN": "short7!",
        "GITLAB_TOKEN": "glpat-planted\nline",
    }
    text = refused(FULL, environment=broken)
    assert "VERCEL_API_TOKEN is not set" in text
    assert "NETLIFY_AUTH_TOKEN has 7 characters" in text
    assert "GITLAB_TOKEN has 18 characters, or a break" in text
    assert "short7!" not in text
    assert "glpat" not in text


def test_a_pipeline_needs_no_values_but_dates_that_are_not_over():
    check(settings_of(FULL).delivery, FULL_HOSTS, TODAY, {"CI": "true", "GITHUB_OWNER": "peacefulrobot"})
    over = changed(tokens__VERCEL_API_TOKEN=EARLY)
    assert "VERCEL_API_TOKEN expired" in refused(over, environment={**ENVIRONMENT, "CI": "true"})


@pytest.mark.parametrize(("days", "refuses"), [(0, False), (1, True)])
def test_a_token_works_on_its_last_day(days, refuses):
    settings = settings_of(FULL)
    today = datetime.date(2027, 6, 1) + datetime.timedelta(days=days)
    if refuses:
        assert "expired on 2027-06-01" in refused(FULL, today=today)
    else:
        check(settings.delivery, settings.hosts, today, ENVIRONMENT)
