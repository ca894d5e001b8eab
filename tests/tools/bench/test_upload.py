"""What a run that has nothing to send must not pay for: imports that it does not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

NEVER = {"boto3", "botocore", "aiohttp", "azure", "google", "grpc", "pulumi", "requests", "stamina", "filelock"}
_READ_AND_OPEN = """
import json, sys
from pathlib import Path
import tools.bench.upload as ours
site = ours.load_site(sys.argv[1], cache=Path(sys.argv[2]))
target = {"bucket": "b", "region": "us-east-1", "key_value_store_arn": "arn"}
ours.AwsPlatform(target, None, ours.DigestCache(Path(sys.argv[2])))
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
_PLUGIN = """
import json, sys
from publisher.plugin import Plugin
from publisher.session import Session
Plugin(Session())
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def modules(program, *arguments):
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_reading_a_site_and_opening_the_bucket_imports_no_sdk_and_no_http_client(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<p>home")
    loaded = modules(_READ_AND_OPEN, site, tmp_path / "cache")
    assert "obstore" in loaded
    assert loaded.isdisjoint(NEVER)


def test_the_plugin_starts_without_the_sdks_of_the_platforms():
    loaded = modules(_PLUGIN)
    assert loaded.isdisjoint({"boto3", "botocore", "azure", "obstore", "requests", "pulumi_aws"})
