"""Importing an SDK resource by resource, in a process of its own: what is imported once stays imported."""

from __future__ import annotations

import subprocess
import sys

import pytest


def in_a_process(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_only_the_resources_asked_for_are_imported():
    imported = in_a_process(
        "import sys\n"
        "from components.sdk import lazily\n"
        "lazily('pulumi_cloudflare').LoadBalancerPool, lazily('pulumi_cloudflare').LoadBalancerPoolOriginArgs\n"
        "print(len([name for name in sys.modules if name.startswith('pulumi_cloudflare')]))\n"
    )
    assert int(imported) < 10


def test_resources_and_their_inputs_are_the_same_classes_as_in_the_whole_sdk():
    program = (
        "from components.sdk import lazily\n"
        "bare = lazily('pulumi_cloudflare')\n"
        "found = [bare.Ruleset, bare.RulesetRuleArgs, bare.LoadBalancer]\n"
        "print(*(f'{it.__module__}.{it.__name__}' for it in found))\n"
    )
    assert in_a_process(program) == (
        "pulumi_cloudflare.ruleset.Ruleset pulumi_cloudflare._inputs.RulesetRuleArgs"
        " pulumi_cloudflare.load_balancer.LoadBalancer"
    )


def test_a_part_of_an_sdk_is_imported_without_the_rest():
    program = (
        "import sys\n"
        "from components.sdk import lazily\n"
        "print(lazily('pulumi_aws.s3').Bucket.__name__, 'pulumi_aws.ec2' in sys.modules)\n"
    )
    assert in_a_process(program) == "Bucket False"


def test_a_package_that_was_imported_whole_is_left_as_it_is():
    program = (
        "import pulumi_cloudflare\n"
        "from components.sdk import lazily\n"
        "print(lazily('pulumi_cloudflare') is pulumi_cloudflare)\n"
    )
    assert in_a_process(program) == "True"


@pytest.mark.parametrize("name", ["Nonsense", "NonsenseArgs"])
def test_a_name_the_sdk_lacks_is_refused_with_that_name(name):
    program = (
        "from components.sdk import lazily\n"
        "try:\n"
        f"    lazily('pulumi_cloudflare').{name}\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
    )
    assert in_a_process(program) == f"the SDK pulumi_cloudflare has no {name}"


def test_a_missing_sdk_is_a_missing_module():
    program = (
        "from components.sdk import lazily\n"
        "try:\n"
        "    lazily('pulumi_nowhere')\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    assert in_a_process(program) == "No module named 'pulumi_nowhere'"
