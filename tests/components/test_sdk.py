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


def test_no_annotation_of_a_resource_is_evaluated_by_importing_it():
    program = (
        "from components.sdk import lazily\n"
        "made = lazily('pulumi_cloudflare').DnsRecord._internal_init\n"
        "from pulumi_cloudflare import _inputs\n"
        "typed = _inputs.LoadBalancerPoolOriginArgsDict\n"
        "print(type(made.__annotations__['name']).__name__, typed.__mro__[1].__name__)\n"
    )
    assert in_a_process(program) == "str dict"


def test_pulumi_finds_the_same_names_and_types_of_inputs_and_outputs_as_in_the_whole_sdk():
    describe = (
        "from pulumi import _types\n"
        "def described(kind):\n"
        "    typed = _types.input_type_types(kind) if kind.__name__.endswith('Args') else _types.resource_types(kind)\n"
        "    return sorted((key, str(value)) for key, value in typed.items())\n"
        "names = ['LoadBalancer', 'LoadBalancerPoolOriginArgs', 'LoadBalancerPool', 'RulesetRuleArgs', 'Ruleset']\n"
        "found = [described(getattr(sdk, name)) for name in names]\n"
        "assert all(found)\n"
        "print(found)\n"
    )
    ours = in_a_process("from components.sdk import lazily\nsdk = lazily('pulumi_cloudflare')\n" + describe)
    assert ours == in_a_process("import pulumi_cloudflare as sdk\n" + describe)


def test_a_package_where_byte_code_cannot_be_kept_is_imported_as_it_is():
    program = (
        "import sys\n"
        "sys.dont_write_bytecode = True\n"
        "from components import sdk\n"
        "sdk._TAG = '.opt-never.pyc'\n"
        "print(type(sdk.lazily('pulumi_cloudflare').DnsRecord.__init__.__globals__['__loader__']).__name__)\n"
    )
    assert in_a_process(program) == "SourceFileLoader"


@pytest.mark.parametrize(("value", "said"), [("", ""), ("1", "registering")])
def test_debug_messages_of_the_sdk_reach_the_engine_only_when_wanted(value: str, said: str):
    program = (
        "import os, pulumi\n"
        "pulumi.log.get_engine, pulumi.log._log = object, lambda *said: print(said[2])\n"
        f"os.environ['PEACEFULROBOT_DEBUG'] = '{value}'\n"
        "from components.sdk import drop_debug_messages\n"
        "drop_debug_messages()\n"
        "pulumi.log.debug('registering')\n"
    )
    assert in_a_process(program) == said
