from __future__ import annotations

import asyncio
import base64
import datetime
import shutil

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key
from pulumi.runtime.proto import provider_pb2
from standardwebhooks import Webhook

from coordinator.signatures import Forged, GitLabSigning, strong
from publisher.errors import PublisherError
from publisher.plugin import Plugin, to_struct
from publisher.resources.generated_secrets import SshKeyHandler, WebhookSecretHandler
from publisher.resources.handler import UNKNOWN, Request
from publisher.session import Session

KEY = {"comment": "peacefulrobot-infra-prod", "rotation": "1"}


async def made(handler, inputs, **request):
    return await handler(Session()).create(Request("urn", "name", inputs=inputs, **request))


async def test_a_webhook_secret_signs_as_github_and_as_gitlab_expect():
    _, outputs = await made(WebhookSecretHandler, {"rotation": "1"})
    assert len(bytes.fromhex(outputs["secret"])) == 32
    assert base64.b64decode(outputs["signing"].removeprefix("whsec_")) == bytes.fromhex(outputs["secret"])
    now = datetime.datetime.now(datetime.UTC)
    signature = Webhook(outputs["signing"]).sign("id-1", now, "{}")
    proof = [("webhook-id", "id-1"), ("webhook-timestamp", str(int(now.timestamp()))), ("webhook-signature", signature)]
    headers = [(name.encode(), value.encode()) for name, value in proof]
    GitLabSigning(outputs["signing"]).check(headers, b"{}")
    with pytest.raises(Forged):
        GitLabSigning(outputs["signing"]).check(headers, b"[]")
    assert strong("it", outputs["secret"]) == outputs["secret"]


async def test_two_secrets_are_different_and_no_id_holds_one():
    (first, one), (second, two) = [await made(WebhookSecretHandler, {"rotation": "1"}) for _ in range(2)]
    assert one["secret"] != two["secret"]
    assert first != second
    assert one["secret"] not in first


async def test_a_key_is_one_that_openssh_reads(tmp_path):
    _, outputs = await made(SshKeyHandler, KEY)
    private, public = tmp_path / "key", tmp_path / "key.pub"
    private.write_bytes(base64.b64decode(outputs["private"]))
    private.chmod(0o600)
    public.write_text(outputs["public"])
    if shutil.which("ssh-keygen") is None:
        assert load_ssh_private_key(private.read_bytes(), None).public_key() == load_ssh_public_key(public.read_bytes())
        return
    assert (await keygen("-y", "-f", str(private))).split()[:2] == outputs["public"].split()[:2]
    assert outputs["fingerprint"] in await keygen("-l", "-f", str(public))


async def keygen(*arguments):
    process = await asyncio.create_subprocess_exec("ssh-keygen", *arguments, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_the_private_half_is_one_line_that_gitlab_can_mask():
    _, outputs = await made(SshKeyHandler, KEY)
    assert set(outputs["private"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@pytest.mark.parametrize("handler", [WebhookSecretHandler, SshKeyHandler])
async def test_a_preview_makes_none(handler):
    identifier, outputs = await made(handler, KEY, preview=True)
    assert identifier == ""
    assert {outputs[key] for key in handler.made} == {UNKNOWN}


@pytest.mark.parametrize("handler", [WebhookSecretHandler, SshKeyHandler])
async def test_nothing_but_the_rotation_makes_another_one(handler):
    _, outputs = await made(handler, KEY)
    kept = Request("urn", "name", inputs={**KEY, "comment": "renamed"}, outputs=dict(outputs))
    after = await handler(Session()).update(kept)
    assert {key: after[key] for key in handler.secrets} == {key: outputs[key] for key in handler.secrets}
    assert await handler(Session()).read(Request("urn", "name", outputs=outputs)) == outputs
    turned = Request("urn", "name", inputs={**KEY, "rotation": "2"}, outputs=dict(outputs))
    other = await handler(Session()).update(turned)
    assert all(other[key] != outputs[key] for key in handler.secrets)


async def test_a_new_comment_changes_the_public_line_only():
    _, outputs = await made(SshKeyHandler, KEY)
    request = Request("urn", "name", inputs={**KEY, "comment": "two words"}, outputs=dict(outputs))
    again = Request("urn", "name", inputs=KEY, outputs=await SshKeyHandler(Session()).update(request))
    assert again.outputs["public"].endswith(" two words")
    assert (await SshKeyHandler(Session()).update(again))["public"] == outputs["public"]


async def test_a_rotation_is_shown_as_unknown_in_a_preview():
    _, outputs = await made(SshKeyHandler, KEY)
    request = Request("urn", "name", inputs={**KEY, "rotation": "2"}, outputs=outputs, preview=True)
    after = await SshKeyHandler(Session()).update(request)
    assert {after[key] for key in SshKeyHandler.made} == {UNKNOWN}


async def test_a_state_without_its_secret_is_an_error_and_no_new_secret():
    request = Request("urn", "key", inputs={**KEY, "comment": "x"}, outputs={**KEY})
    with pytest.raises(
        PublisherError, match=r"the state has no public, private, fingerprint; change delivery\.rotation"
    ):
        await SshKeyHandler(Session()).update(request)


async def test_a_comment_of_two_lines_is_refused():
    _, failures = await SshKeyHandler(Session()).check(Request("urn", "key", inputs={**KEY, "comment": "a\nssh-rsa b"}))
    assert [failure.key for failure in failures] == ["comment"]


async def test_the_engine_is_told_which_outputs_are_secret():
    plugin = Plugin(Session())
    urn = "urn:pulumi:s::p::publisher:index:SshKey::key"
    answer = await plugin.Create(provider_pb2.CreateRequest(urn=urn, properties=to_struct(KEY)), None)
    fields = answer.properties.fields
    assert fields["private"].struct_value.fields["4dabf18193072939515e22adb298388d"].string_value
    assert fields["public"].string_value.startswith("ssh-ed25519 ")
    old = to_struct({**KEY, "private": "p", "public": "ssh-ed25519 q r", "fingerprint": "f"})
    read = await plugin.Read(provider_pb2.ReadRequest(urn=urn, id="key-1", properties=old, inputs=to_struct(KEY)), None)
    assert read.properties.fields["private"].struct_value.fields["value"].string_value == "p"
