from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta
from xml.etree import ElementTree as Xml

import pytest

from sandbox.platforms.azure import blob_service
from sandbox.platforms.azure.account import BLOB, BLOCK
from tests.sandbox.platforms.azure.conftest import ARM, STORAGE


def md5(data):
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def code(answer):
    status, body, headers = answer
    if body:
        assert Xml.fromstring(body).findtext("Code") == headers["x-ms-error-code"]
    return status, headers["x-ms-error-code"]


async def test_a_blob_is_written_described_read_and_deleted(client):
    headers = {"x-ms-blob-content-type": "application/zip", "x-ms-meta-content": "abc", "Content-MD5": md5(b"hello")}
    status, _, written = await client.put("a/ü b.zip".replace("ü", "%C3%BC").replace(" ", "%20"), b"hello", **headers)
    assert (status, written["Content-MD5"]) == (201, md5(b"hello"))
    name = "a/%C3%BC%20b.zip"
    status, body, found = await client.blob("HEAD", name)
    assert (status, body, found["Content-Length"], found["Content-Type"]) == (200, b"", "5", "application/zip")
    assert (found["x-ms-meta-content"], found["ETag"]) == ("abc", written["ETag"])
    assert (await client.blob("GET", name))[1] == b"hello"
    assert (await client.blob("DELETE", name))[0] == 202
    assert code(await client.blob("HEAD", name)) == (404, "BlobNotFound")
    assert list(client.sandbox.world.folder.glob("azure/blobs/*")) == []


async def test_a_part_of_a_blob_can_be_read(client):
    await client.put("a", b"0123456789")
    status, body, headers = await client.blob("GET", "a", headers={"x-ms-range": "bytes=2-4"})
    assert (status, body, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert (await client.blob("GET", "a", headers={"Range": "bytes=7-"}))[1] == b"789"
    assert code(await client.blob("GET", "a", headers={"Range": "bytes=10-"})) == (416, "InvalidRange")


async def test_a_blob_is_written_once_where_the_client_asks_for_that(client):
    once = {"If-None-Match": "*"}
    assert (await client.put("a", b"one", **once))[0] == 201
    assert code(await client.put("a", b"two", **once)) == (409, "BlobAlreadyExists")
    assert (await client.blob("GET", "a"))[1] == b"one"
    assert code(await client.put("a", b"two", **{"If-Match": '"0x0"'})) == (412, "ConditionNotMet")
    _, _, headers = await client.blob("HEAD", "a")
    assert (await client.put("a", b"two", **{"If-Match": headers["ETag"]}))[0] == 201


@pytest.mark.parametrize("name", ["Content-MD5", "x-ms-blob-content-md5"])
async def test_other_bytes_than_announced_are_refused_and_not_kept(client, name):
    assert code(await client.put("a", b"hello", **{name: md5(b"other")})) == (400, "Md5Mismatch")
    assert client.sandbox.world.store.all(BLOB) == {}
    assert list(client.sandbox.world.folder.glob("azure/blobs/*")) == []


async def test_a_blob_needs_its_kind(client):
    assert code(await client.blob("PUT", "a", data=b"x")) == (400, "MissingRequiredHeader")


async def test_metadata_have_names_of_variables(client):
    assert code(await client.put("a", b"x", **{"x-ms-meta-a-b": "1"})) == (400, "InvalidMetadata")


async def test_blocks_become_a_blob_in_the_order_of_the_list(client):
    for number, data in ((1, b"world"), (0, b"hello ")):
        answer = await client.blob("PUT", "a", f"?comp=block&blockid={block(number)}", data=data)
        assert answer[0] == 201
    assert code(await client.blob("GET", "a")) == (404, "BlobNotFound")
    assert (await client.blob("PUT", "a", "?comp=blocklist", data=listed(0, 1)))[0] == 201
    assert (await client.blob("GET", "a"))[1] == b"hello world"
    assert client.sandbox.world.store.all(BLOCK) == {}
    assert len(list(client.sandbox.world.folder.glob("azure/blobs/*"))) == 1


async def test_a_list_with_a_block_that_is_not_there_is_refused(client):
    await client.blob("PUT", "a", f"?comp=block&blockid={block(0)}", data=b"x")
    assert code(await client.blob("PUT", "a", "?comp=blocklist", data=listed(0, 1))) == (400, "InvalidBlockList")
    assert code(await client.blob("PUT", "a", "?comp=blocklist", data=b"<no")) == (400, "InvalidXmlDocument")


async def test_the_id_of_a_block_is_base64(client):
    answer = await client.blob("PUT", "a", "?comp=block&blockid=*", data=b"x")
    assert code(answer) == (400, "InvalidQueryParameterValue")


def block(number):
    return b64encode(f"{number:08d}".encode()).decode().replace("=", "%3D")


def listed(*numbers):
    blocks = "".join(f"<Latest>{block(number).replace('%3D', '=')}</Latest>" for number in numbers)
    return f"<BlockList>{blocks}</BlockList>".encode()


async def test_blobs_are_listed_by_prefix_page_by_page(client, monkeypatch):
    monkeypatch.setattr(blob_service, "_PAGE", 2)
    for name in ("r/a", "r/b", "r/c", "s/a"):
        await client.put(name, name.encode(), **{"x-ms-meta-m": name})
    query = "?restype=container&comp=list&prefix=r/&include=metadata"
    status, body, _ = await client.blob("GET", query=query)
    page = Xml.fromstring(body)
    assert (status, [item.findtext("Name") for item in page.iterfind("Blobs/Blob")]) == (200, ["r/a", "r/b"])
    assert page.findtext("Blobs/Blob/Metadata/m") == "r/a"
    assert page.findtext("Blobs/Blob/Properties/Content-MD5") == md5(b"r/a")
    _, body, _ = await client.blob("GET", query=f"{query}&marker={page.findtext('NextMarker')}")
    page = Xml.fromstring(body)
    assert ([item.findtext("Name") for item in page.iterfind("Blobs/Blob")], page.findtext("NextMarker")) == (
        ["r/c"],
        "",
    )


async def test_what_is_not_there_or_not_known_is_refused(client):
    assert code(await client.blob("HEAD", "a", container="none")) == (404, "ContainerNotFound")
    assert code(await client.blob("PATCH", "a")) == (400, "UnsupportedHttpVerb")
    assert code(await client.blob("GET", "a", "?comp=tags")) == (400, "UnsupportedHttpVerb")
    status, _, headers = await client.ask("GET", "http://acc.blob.core.windows.net/packages/a")
    assert (status, headers["x-ms-error-code"]) == (400, "AccountRequiresHttps")


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, (409, "PublicAccessNotPermitted")),
        ({"Authorization": "SharedKey acc:abc"}, (403, "KeyBasedAuthenticationNotPermitted")),
        ({"Authorization": "Bearer abc", "x-ms-version": "2024-08-04"}, (401, "InvalidAuthenticationInfo")),
        ({"Authorization": "Bearer abc", "x-ms-version": "2015-01-01"}, (403, "AuthenticationFailed")),
        ({"Authorization": "Bearer abc", "x-ms-version": "new"}, (400, "InvalidHeaderValue")),
        ({"Authorization": "Bearer abc"}, (400, "InvalidHeaderValue")),
    ],
)
async def test_nobody_gets_in_without_a_token(client, headers, answer):
    await client.put("a", b"x")
    assert code(await client.ask("GET", f"{client.blobs}/packages/a", headers=headers)) == answer


async def test_the_token_of_another_service_is_refused(client):
    client.tokens[STORAGE] = client.tokens[ARM]
    status, _, headers = await client.blob("HEAD", "a")
    assert (status, headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")) == (401, True)


async def test_a_link_opens_its_blob_for_reading_and_nothing_else(client):
    await client.put("a", b"one")
    await client.put("b", b"two")
    link = await client.link("a")
    assert (await client.ask("GET", link))[:2] == (200, b"one")
    assert (await client.ask("HEAD", link))[0] == 200
    assert code(await client.ask("DELETE", link)) == (403, "AuthorizationPermissionMismatch")
    assert code(await client.ask("GET", link.replace("/packages/a?", "/packages/b?"))) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda link: link.replace("sp=r", "sp=rd"),
        lambda link: link.replace("sig=", "sig=A"),
        lambda link: link.replace("sv=", "sv=2019-01-01&old="),
        lambda link: link.replace("ske=2", "ske=3"),
        lambda link: link.replace("se=2", "se=3"),
    ],
)
async def test_a_link_that_was_changed_opens_nothing(client, spoil):
    await client.put("a", b"one")
    assert code(await client.ask("GET", spoil(await client.link("a")))) == (403, "AuthenticationFailed")


async def test_a_link_opens_nothing_after_its_time_and_without_the_permission(client):
    await client.put("a", b"one")
    late = await client.link("a", expires=timedelta(seconds=-1))
    assert code(await client.ask("GET", late)) == (403, "AuthenticationFailed")
    writing = await client.link("a", permission="w")
    assert code(await client.ask("GET", writing)) == (403, "AuthorizationPermissionMismatch")


@pytest.mark.parametrize("times", [(timedelta(hours=1), timedelta(0)), (timedelta(0), timedelta(days=8))])
async def test_a_key_for_links_lasts_seven_days_at_the_most(client, times):
    with pytest.raises(AssertionError, match="InvalidXmlNodeValue"):
        await client.key(*times)


async def test_a_key_is_asked_for_with_an_xml_document(client):
    answer = await client.blob("POST", query="?restype=service&comp=userdelegationkey", data=b"no", container="")
    assert code(answer) == (400, "InvalidXmlDocument")
