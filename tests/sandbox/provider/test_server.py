from __future__ import annotations

from importlib.metadata import version

import grpc
import grpc.aio
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider import server as provider_server
from sandbox.provider.resource_type import UNKNOWN
from sandbox.provider.wire import to_values
from tests.sandbox.provider.buckets import Bucket
from tests.sandbox.provider.test_wire import secret, struct_of

URN = "urn:pulumi:sandbox::site::my:host:Aws$test:s3/bucket:Bucket::content"
CHANGES = provider_pb2.DiffResponse
KINDS = provider_pb2.PropertyDiff


async def identity(_):
    return {"accountId": "123456789012"}


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
async def stub(bucket):
    server, port = await provider_server.start("test", [bucket], {"test:index/whoAmI:whoAmI": identity})
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", provider_server.CHANNEL_OPTIONS) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    await server.stop(None)


async def checked(stub, news, olds=None) -> struct_pb2.Struct:
    answer = await stub.Check(provider_pb2.CheckRequest(urn=URN, olds=struct_of(olds or {}), news=struct_of(news)))
    assert not answer.failures
    return answer.inputs


async def created(stub, **inputs):
    properties = await checked(stub, inputs)
    return await stub.Create(provider_pb2.CreateRequest(urn=URN, properties=properties))


async def test_handshake_and_configure_agree(stub):
    handshake = await stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    configured = await stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
    assert handshake.accept_secrets
    assert configured.acceptSecrets
    assert configured.supportsPreview
    assert (handshake.accept_resources, handshake.accept_outputs) == (
        configured.acceptResources,
        configured.acceptOutputs,
    )


async def test_the_small_calls_of_a_run_are_answered(stub):
    assert await stub.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1")) == empty_pb2.Empty()
    config = struct_of({"region": "us-east-1", "token": secret("s")})
    assert (await stub.CheckConfig(provider_pb2.CheckRequest(news=config))).inputs == config
    assert (await stub.DiffConfig(provider_pb2.DiffRequest(news=config))).changes == CHANGES.DIFF_NONE
    assert await stub.Cancel(empty_pb2.Empty()) == empty_pb2.Empty()


@pytest.mark.parametrize(
    ("package", "distribution"),
    [("aws", "pulumi-aws"), ("cloudflare", "pulumi-cloudflare"), ("vercel", "pulumiverse-vercel")],
)
async def test_the_version_is_the_one_the_installed_sdk_asks_for(package, distribution):
    server = provider_server.ProviderServer(package, [], {})
    assert (await server.GetPluginInfo(empty_pb2.Empty(), None)).version == version(distribution)


async def test_check_fills_in_defaults_and_keeps_the_automatic_name(stub):
    first = to_values(await checked(stub, {}))
    assert first == {"bucket": "content-0a1b2c3", "acl": "private"}
    again = to_values(await checked(stub, {"acl": "public-read"}, {**first, "bucket": "content-fffffff"}))
    assert again == {"bucket": "content-fffffff", "acl": "public-read"}


async def test_check_names_the_property_that_is_refused(stub):
    answer = await stub.Check(provider_pb2.CheckRequest(urn=URN, news=struct_of({"acl": "everybody"})))
    assert [(failure.property, failure.reason) for failure in answer.failures] == [
        ("acl", "expected an ACL, got everybody")
    ]


async def test_check_takes_unknown_values_and_keeps_secrets(stub):
    inputs = await checked(stub, {"acl": UNKNOWN, "policy": secret("p")})
    assert inputs["acl"] == UNKNOWN
    assert inputs["policy"] == struct_of(secret("p"))


async def test_preview_of_a_create_has_no_id_and_unknown_outputs(stub, bucket):
    request = provider_pb2.CreateRequest(urn=URN, properties=struct_of({"bucket": "b"}), preview=True)
    answer = await stub.Create(request)
    assert answer.id == ""
    assert to_values(answer.properties) == {"bucket": "b", "arn": UNKNOWN, "accessKey": UNKNOWN}
    assert not bucket.buckets


async def test_create_answers_outputs_with_secrets_marked(stub):
    answer = await created(stub, policy=secret("p"))
    assert answer.id == "content-0a1b2c3"
    assert answer.properties["arn"] == "arn:content-0a1b2c3"
    assert answer.properties["accessKey"] == struct_of(secret("hidden"))
    assert answer.properties["policy"] == struct_of(secret("p"))


async def test_what_the_service_refuses_reaches_the_engine_in_its_own_words(stub):
    await created(stub)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await created(stub)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == "BucketAlreadyExists: content-0a1b2c3 exists"


async def test_a_defect_of_a_stand_in_is_told_without_values(stub):
    made = await created(stub, tags={"a": "b"})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=URN))
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "the sandbox itself failed at Delete (KeyError); its log says where"


async def diffed(stub, old, new):
    return await stub.Diff(provider_pb2.DiffRequest(urn=URN, id="x", old_inputs=struct_of(old), news=struct_of(new)))


async def test_diff_of_equal_inputs_is_none_even_when_one_is_a_secret(stub):
    answer = await diffed(stub, {"bucket": "b", "policy": "p"}, {"bucket": "b", "policy": secret("p")})
    assert answer.changes == CHANGES.DIFF_NONE
    assert not answer.detailedDiff


async def test_diff_names_paths_and_kinds(stub):
    answer = await diffed(
        stub, {"bucket": "b", "tags": {"a": "1"}}, {"bucket": "b", "tags": {"a": "2"}, "acl": "private"}
    )
    assert answer.changes == CHANGES.DIFF_SOME
    assert answer.hasDetailedDiff
    assert {path: change.kind for path, change in answer.detailedDiff.items()} == {
        "acl": KINDS.ADD,
        "tags.a": KINDS.UPDATE,
    }
    assert sorted(answer.diffs) == ["acl", "tags"]
    assert not answer.replaces


async def test_a_property_that_cannot_change_in_place_replaces(stub):
    answer = await diffed(stub, {"bucket": "old"}, {"bucket": "new"})
    assert list(answer.replaces) == ["bucket"]
    assert answer.detailedDiff["bucket"].kind == KINDS.UPDATE_REPLACE
    assert not answer.deleteBeforeReplace


@pytest.mark.parametrize(("name", "first"), [("given-by-hand", True), ("content-0a1b2c3", False)])
async def test_a_replacement_under_a_given_name_deletes_first(stub, bucket, name, first):
    bucket.replaced_by = frozenset({"region"})
    answer = await diffed(stub, {"bucket": name, "region": "a"}, {"bucket": name, "region": "b"})
    assert answer.deleteBeforeReplace is first


async def test_update_changes_in_place_and_its_preview_does_not(stub, bucket):
    made = await created(stub, tags={"a": "1"})
    old_inputs = struct_of({"bucket": made.id, "acl": "private", "tags": {"a": "1"}})
    request = provider_pb2.UpdateRequest(
        id=made.id,
        urn=URN,
        olds=made.properties,
        old_inputs=old_inputs,
        news=struct_of({"bucket": made.id, "acl": UNKNOWN}),
        preview=True,
    )
    shown = to_values((await stub.Update(request)).properties)
    assert shown == {"bucket": made.id, "acl": UNKNOWN, "arn": f"arn:{made.id}", "accessKey": "hidden"}
    assert bucket.buckets[made.id]["tags"] == {"a": "1"}
    request.preview, request.news["acl"] = False, "public-read"
    assert to_values((await stub.Update(request)).properties)["acl"] == "public-read"
    assert bucket.buckets[made.id]["acl"] == "public-read"


async def test_import_by_id_gives_inputs_without_what_is_computed(stub):
    made = await created(stub)
    answer = await stub.Read(provider_pb2.ReadRequest(id=made.id, urn=URN))
    assert answer.id == made.id
    assert to_values(answer.inputs) == {"bucket": made.id, "acl": "private"}
    assert to_values(answer.properties)["arn"] == f"arn:{made.id}"


async def test_refresh_shows_what_somebody_changed_behind_the_program(stub, bucket):
    made = await created(stub, acl="private")
    bucket.buckets[made.id]["acl"] = "public-read"
    inputs = struct_of({"bucket": made.id, "acl": "private", "forceDestroy": secret(True)})
    answer = await stub.Read(provider_pb2.ReadRequest(id=made.id, urn=URN, properties=made.properties, inputs=inputs))
    assert to_values(answer.inputs) == {"bucket": made.id, "acl": "public-read", "forceDestroy": True}
    assert answer.inputs["forceDestroy"] == struct_of(secret(True))


async def test_a_resource_that_is_gone_reads_as_nothing_and_can_be_deleted_again(stub):
    assert (await stub.Read(provider_pb2.ReadRequest(id="gone", urn=URN))).id == ""
    await stub.Delete(provider_pb2.DeleteRequest(id="gone", urn=URN))


async def test_delete_takes_the_resource_away(stub, bucket):
    made = await created(stub)
    await stub.Delete(provider_pb2.DeleteRequest(id=made.id, urn=URN))
    assert not bucket.buckets


async def test_an_unknown_type_is_refused_by_name(stub):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(provider_pb2.CheckRequest(urn="urn:pulumi:s::p::test:ec2/vpc:Vpc::a::b"))
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "resource type test:ec2/vpc:Vpc" in caught.value.details()
    assert "test:s3/bucket:Bucket" in caught.value.details()


async def test_functions_are_called_by_token_and_unknown_ones_refused(stub):
    answer = await stub.Invoke(provider_pb2.InvokeRequest(tok="test:index/whoAmI:whoAmI"))
    assert to_values(getattr(answer, "return")) == {"accountId": "123456789012"}
    with pytest.raises(grpc.aio.AioRpcError, match="the function test:index/other:other"):
        await stub.Invoke(provider_pb2.InvokeRequest(tok="test:index/other:other"))
