from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tools.bench import resources
from tools.bench.comparing import Claim, judged
from website import load_site

URN = "urn:pulumi:files::files::aws:s3/bucketObjectv2:BucketObjectv2::part-1/page-1.html"


@pytest.mark.parametrize("count", [1, 50])
def test_the_site_has_as_many_files_as_asked_for_and_can_be_published(tmp_path, count):
    folder = resources.write_site(tmp_path / "site", count)
    site = load_site(str(folder), cache=tmp_path / "cache")
    assert len(site.files) == count + 1  # and the release record
    assert len({file.sha256 for file in site.files.values()}) == count + 1


def test_the_other_sides_provider_accepts_every_file_under_its_name():
    with resources.accepting() as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        inputs = struct_pb2.Struct()
        json_format.ParseDict({"key": "part-1/page-1.html"}, inputs)
        checked = provider.Check(provider_pb2.CheckRequest(urn=URN, news=inputs))
        assert checked.inputs == inputs
        assert not checked.failures
        created = provider.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs))
        assert created.id == "part-1/page-1.html"
        assert created.properties == inputs


@pytest.mark.parametrize(("ours", "kept"), [(0.1, True), (0.3, False)])
def test_states_are_compared_by_their_size(ours, kept):
    part = resources.part_of(1000)
    series = [resources._state(part, resources.OURS, ours), resources._state(part, resources.EACH, 10.0)]
    claim = Claim(part, resources.STATE, resources.OURS, (resources.EACH,), resources.ALLOWED, "size")
    assert judged([claim], series)[0].kept is kept


def test_only_files_count_as_made():
    resource = {"type": "aws:s3/bucketObjectv2:BucketObjectv2"}
    state = {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}, resource, resource]}}
    assert resources._objects(json.dumps(state)) == 2
