"""The edge on real sockets, before two little origins."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
import pytest
from aiohttp import web

from sandbox.cloudflare.account import ZONE_ID
from tests.sandbox.cloudflare.small_world import RECORD, RULESET, SETTING, SITE, OriginSite, edge_world, pool_inputs


@pytest.fixture
def one():
    return OriginSite("one")


@pytest.fixture
def two():
    return OriginSite("two")


async def healthy(world, *sites):
    for site in sites:
        await world.health(site.hostname, "healthy")


async def test_the_first_healthy_platform_serves(tmp_path, one, two):
    async with edge_world(tmp_path, one, two) as world:
        await world.declare(one, two)
        await healthy(world, one, two)
        assert (await world.get())[:2] == (200, one.body)
        assert two.seen == []


async def test_a_broken_platform_is_covered_at_once_and_comes_back_when_healed(tmp_path, one, two):
    async with edge_world(tmp_path, one, two) as world:
        await world.declare(one, two)
        await healthy(world, one, two)
        await world.fault("one")
        assert (await world.get())[:2] == (200, two.body)
        await world.health(one.hostname, "unhealthy")
        assert (await world.get())[:2] == (200, two.body)
        await world.heal("one")
        await world.health(one.hostname, "healthy")
        assert (await world.get())[:2] == (200, one.body)


async def test_no_wrong_byte_is_seen_through_breaks_and_heals(tmp_path):
    body = b"".join(b"%06d\n" % number for number in range(20_000))
    sites = OriginSite("one", body), OriginSite("two", body)
    async with edge_world(tmp_path, *sites) as world:
        await world.declare(*sites)
        await healthy(world, *sites)
        done = asyncio.Event()
        answers = []

        async def visitor():
            while not done.is_set():
                try:
                    status, found, _ = await world.get("/numbers")
                except (aiohttp.ClientError, OSError) as error:
                    answers.append(error)  # a broken-off body is an error for the visitor, never a short page
                else:
                    answers.append((status, found == body))

        visitors = [asyncio.create_task(visitor()) for _ in range(4)]
        for name in ("one", "two", "one"):
            await world.fault(name)
            await world.get()
            await world.health(f"site.{name}.example", "unhealthy")
            await world.heal(name)
            await world.health(f"site.{name}.example", "healthy")
        done.set()
        await asyncio.gather(*visitors)
    assert (200, True) in answers
    assert (200, False) not in answers


async def test_a_body_that_breaks_off_at_the_origin_breaks_off_for_the_visitor(tmp_path, one):
    async def half(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 400)
        request.transport.close()
        return response

    one.answer = half
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        with pytest.raises(aiohttp.ClientPayloadError):
            await world.get()


async def test_an_error_of_the_origin_is_passed_on_and_not_retried(tmp_path, one, two):
    one.status = 503
    async with edge_world(tmp_path, one, two) as world:
        await world.declare(one, two)
        await healthy(world, one, two)
        assert (await world.get())[:2] == (503, one.body)
        assert two.seen == []


async def test_without_failover_across_pools_a_refused_connection_is_shown(tmp_path, one, two):
    async with edge_world(tmp_path, one, two, speed=1.0) as world:
        await world.declare(one, two, balancer={"adaptiveRouting": {"failoverAcrossPools": False}})
        await healthy(world, one, two)
        await world.fault("one")
        status, body, _ = await world.get()
        assert status == 521
        assert b"Web server is down" in body


async def test_when_all_platforms_are_down_the_fallback_pool_is_asked_all_the_same(tmp_path, one, two):
    one.health_status = two.health_status = 500
    async with edge_world(tmp_path, one, two) as world:
        await world.declare(one, two)
        for site in (one, two):
            await world.health(site.hostname, "unhealthy")
        assert (await world.get())[:2] == (200, one.body)


async def test_host_header_and_server_name_are_the_endpoints_own(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        await world.get("/", host="127.0.0.1")
        (request,) = one.seen
        assert request.host == one.hostname
        assert request.secure


async def test_without_an_override_the_platform_gets_the_visitors_host(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        pool = next(kind for twin in world.running.twins for kind in twin.resource_types if "Pool" in kind.token)
        old = await pool.read(world.pools["one"])
        endpoint = {"name": "one", "address": one.hostname}
        await pool.update(world.pools["one"], old, pool_inputs(one, monitor=old["monitor"], origins=[endpoint]))
        await world.get()
        assert one.seen[-1].host == SITE


async def test_who_the_visitor_is_and_how_it_came_is_told_to_the_origin(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        sent = {
            "X-Forwarded-For": "203.0.113.9",
            "CF-Connecting-IP": "203.0.113.9",
            "Connection": "X-Hop",
            "X-Hop": "1",
        }
        _, _, answer = await world.get("/", headers={**sent, "Accept-Encoding": "br"})
        headers = one.seen[-1].headers
        assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
        assert headers["CF-Connecting-IP"] == "127.0.0.1"
        assert headers["X-Forwarded-Proto"] == "https"
        assert headers["CF-Visitor"] == '{"scheme":"https"}'
        assert headers["Accept-Encoding"] == "br"
        assert "X-Hop" not in headers
        assert headers["CF-Ray"] == answer.headers["CF-RAY"]
        assert answer.headers["Server"] == "cloudflare"


async def test_compressed_bodies_pass_untouched(tmp_path, one):
    async def squeezed(request):
        return web.Response(
            body=b"\x1f\x8b not really gzip", headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        )

    one.answer = squeezed
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        status, body, answer = await world.get()
        assert (status, body) == (200, b"\x1f\x8b not really gzip")
        assert answer.headers["Content-Encoding"] == "gzip"


async def test_paths_and_queries_pass_byte_for_byte(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        target = "/a%2Fb/%C3%A9%20x//y;z=1?q=%7B1%7D&r=+&e="
        reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rsplit(":", 1)[1]))
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
        writer.close()
        assert one.seen[-1].raw_path == target


@pytest.mark.parametrize(
    ("target", "expected"),
    [("http://elsewhere.example/a?b=1", "/a?b=1"), ("http://elsewhere.example", "/"), ("*", "/")],
)
async def test_other_forms_of_the_request_line_become_a_path(tmp_path, one, target, expected):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(world.url.rsplit(":", 1)[1]))
        writer.write(f"OPTIONS {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert one.seen[-1].raw_path == expected


async def test_head_range_and_conditional_requests_pass(tmp_path, one):
    async def file(request):
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers={"ETag": '"1"'})
        if "Range" in request.headers:
            return web.Response(status=206, body=b"ell", headers={"Content-Range": "bytes 1-3/5"})
        return web.Response(body=b"hello", headers={"ETag": '"1"'})

    one.answer = file
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        async with world.http.head(world.url + "/") as answer:
            assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "5", b"")
        status, body, answer = await world.get("/", headers={"Range": "bytes=1-3"})
        assert (status, body, answer.headers["Content-Range"]) == (206, b"ell", "bytes 1-3/5")
        assert (await world.get("/", headers={"If-None-Match": '"1"'}))[:2] == (304, b"")


async def test_a_request_body_reaches_the_origin_whole(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        async with world.http.post(world.url + "/echo", data=b"x" * 3_000_000) as answer:
            assert (await answer.json())["size"] == 3_000_000


async def test_many_visitors_at_once_get_their_own_pages(tmp_path, one):
    async def page(request):
        return web.Response(body=request.path.encode() * 1000)

    one.answer = page
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        found = await asyncio.gather(*(world.get(f"/{number}") for number in range(200)))
        assert [body for _, body, _ in found] == [f"/{number}".encode() * 1000 for number in range(200)]


async def test_under_its_name_by_tls_the_site_shows_a_certificate_of_the_sandbox(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        endpoint = world.running.world.lookup(SITE)
        context = ssl.create_default_context(cafile=world.running.description["ca_file"])
        url = f"https://127.0.0.1:{endpoint.https_port}/"
        async with world.http.get(url, ssl=context, server_hostname=SITE, headers={"Host": SITE}) as answer:
            assert (answer.status, await answer.read()) == (200, one.body)


async def test_plain_http_under_the_sites_name_is_sent_to_https_when_the_zone_says_so(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        assert (await world.get("/a?b=1", host=SITE))[0] == 200
        await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="always_use_https", value="on")
        status, _, answer = await world.get("/a?b=1", host=SITE)
        assert (status, answer.headers["Location"]) == (301, f"https://{SITE}/a?b=1")
        assert (await world.get("/a?b=1"))[0] == 200


async def test_the_bare_domain_is_redirected_by_its_rule(tmp_path, one):
    apex = SITE.removeprefix("www.")
    source = {"statusCode": 301, "preserveQueryString": True}
    source["targetUrl"] = {"expression": f'concat("https://{SITE}", http.request.uri.path)'}
    rule = {"action": "redirect", "expression": f'(http.host eq "{apex}")', "actionParameters": {"fromValue": source}}
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await world.running.declare(
            RECORD, zoneId=ZONE_ID, name=apex, type="AAAA", content="100::", proxied=True, ttl=1
        )
        assert (await world.get("/", host=apex))[0] == 522
        await world.running.declare(
            RULESET, zoneId=ZONE_ID, name="default", kind="zone", phase="http_request_dynamic_redirect", rules=[rule]
        )
        status, _, answer = await world.get("/blog/x?y=1", host=apex)
        assert (status, answer.headers["Location"]) == (301, f"https://{SITE}/blog/x?y=1")


def headers_rule(expression, **headers):
    changes = {name: {"operation": "set", "value": value} for name, value in headers.items()}
    return {"action": "rewrite", "expression": expression, "actionParameters": {"headers": changes}}


async def test_headers_of_an_answer_are_set_by_every_rule_that_matches_the_last_one_winning(tmp_path, one):
    everywhere = headers_rule(f'(http.host eq "{SITE}")', **{"X-Frame-Options": "DENY", "X-Extra": "all"})
    below = headers_rule('starts_with(http.request.uri.path, "/posts/")', **{"X-Extra": "posts"})
    removed = {"Cache-Control": {"operation": "remove"}, "X-Added": {"operation": "add", "expression": "http.host"}}
    third = {"action": "rewrite", "expression": "ssl", "actionParameters": {"headers": removed}}
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        phase = {"kind": "zone", "phase": "http_response_headers_transform"}
        await world.running.declare(RULESET, zoneId=ZONE_ID, name="default", rules=[everywhere, below, third], **phase)
        _, body, home = await world.get("/")
        _, _, post = await world.get("/posts/x")
    assert body == one.body
    assert (home.headers["X-Frame-Options"], home.headers["X-Extra"]) == ("DENY", "all")
    assert (post.headers["X-Frame-Options"], post.headers["X-Extra"]) == ("DENY", "posts")
    assert "Cache-Control" not in home.headers
    assert home.headers["X-Added"] == SITE


async def test_hsts_of_the_zone_takes_the_place_of_the_platforms(tmp_path, one):
    async def page(request):
        return web.Response(text="x", headers={"Strict-Transport-Security": "max-age=5"})

    one.answer = page
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        assert (await world.get())[2].headers["Strict-Transport-Security"] == "max-age=5"
        policy = {"enabled": True, "max_age": 600, "include_subdomains": True, "preload": True, "nosniff": True}
        value = {"strict_transport_security": policy}
        await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="security_header", value=value)
        headers = (await world.get())[2].headers
        assert headers["Strict-Transport-Security"] == "max-age=600; includeSubDomains; preload"
        assert headers["X-Content-Type-Options"] == "nosniff"


CACHE_RULE = {
    "action": "set_cache_settings",
    "expression": f'(http.host eq "{SITE}")',
    "actionParameters": {"cache": True, "browserTtl": {"mode": "respect_origin"}},
}


@pytest.mark.parametrize(
    ("setting", "rules", "path", "expected"),
    [
        (None, [], "/style.css", "public, max-age=14400"),
        (None, [], "/", "public, max-age=60"),
        (0, [], "/style.css", "public, max-age=60"),
        (None, [CACHE_RULE], "/style.css", "public, max-age=60"),
    ],
)
async def test_cache_control_of_files_is_lengthened_unless_the_zone_respects_it(
    tmp_path, one, setting, rules, path, expected
):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await healthy(world, one)
        if setting is not None:
            await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="browser_cache_ttl", value=setting)
        if rules:
            phase = {"name": "default", "kind": "zone", "phase": "http_request_cache_settings"}
            await world.running.declare(RULESET, zoneId=ZONE_ID, rules=rules, **phase)
        assert (await world.get(path))[2].headers["Cache-Control"] == expected


async def test_before_anything_is_declared_the_edge_says_so(tmp_path):
    async with edge_world(tmp_path) as world:
        status, body, _ = await world.get()
        assert status == 530
        assert b"make up" in body


async def test_what_was_declared_serves_again_after_a_restart(tmp_path, one):
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
    async with edge_world(tmp_path, one) as world:
        await healthy(world, one)
        assert (await world.get())[:2] == (200, one.body)
