from __future__ import annotations

from policies import whole_site as guard
from policies.edge import BALANCER, POOL, WORKER
from policies.whole_site import PUBLISH, ROUTES, VERIFY
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, Declared, declared

NAMES = ("netlify", "aws")
(ROUTE, SCRIPT), (DOMAIN, SERVICE) = ROUTES.items()
RELEASE = "rd85f327da8f37c79"


def publish(name, **changed):
    return declared(PUBLISH, name=f"{name}-publish", **{"platform": name, "release": RELEASE, **changed})


def verify(name, **changed):
    return declared(VERIFY, name=f"{name}-verify", **{"platform": name, "hostHeader": f"{name}.example", **changed})


def pool(name, **changed):
    origin = {"name": name, "address": f"{name}.example", "header": {"hosts": [f"{name}.example"]}, **changed}
    return declared(POOL, name=f"{name}-pool", monitor="m1", origins=[origin])


def balancer(*names):
    return Declared(BALANCER, {}, "balancer", {"defaultPools": [f"{name}-pool" for name in names]})


def worker(**values):
    return declared(WORKER, name="worker", **{"scriptName": "site", **values})


def route(script="site"):
    return declared(ROUTE, name="route", **{SCRIPT: script})


ALL = [*map(publish, NAMES), *map(verify, NAMES)]
BALANCED = [*ALL, *map(pool, NAMES), balancer(*NAMES)]
HOSTS = [{"type": "plain_text", "name": "ORIGINS", "text": "netlify.example aws.example"}]


def at_first_preview(name, source=None, **changed):
    """A platform whose host is not known yet: the pool and the verification are made from the same resource."""
    site = declared("publisher:index:NetlifySite", name=f"{name}-site")
    other = declared("publisher:index:NetlifySite", name=f"{name}-other")
    asked = Declared(VERIFY, {"platform": name, "hostHeader": UNKNOWN}, f"{name}-verify", {"hostHeader": [site.name]})
    origin = {"name": name, "address": UNKNOWN, "header": {"hosts": [UNKNOWN]}, **changed}
    values = {"monitor": UNKNOWN, "origins": [origin]}
    return [
        *(site, other, publish(name), asked),
        Declared(POOL, values, f"{name}-pool", {"origins": [f"{name}-{source or 'site'}"]}),
        balancer(name),
    ]


def worker_at_first_preview(sources, **values):
    site = declared("publisher:index:NetlifySite", name="one-site")
    other = declared("publisher:index:NetlifySite", name="other-site")
    asked = Declared(VERIFY, {"platform": "aws", "hostHeader": UNKNOWN}, "verify", {"hostHeader": [site.name]})
    script = Declared(WORKER, values or {"bindings": UNKNOWN}, "worker", sources)
    return [site, other, publish("aws"), asked, script, Declared(ROUTE, {}, "route", {SCRIPT: ["worker"]})]


BEHIND, CLOUDS = guard.PLATFORM_IS_BEHIND_THE_EDGE, guard.SITE_STANDS_ON_TWO_CLOUDS
ONE, VERIFIED, SMALL = guard.PLATFORMS_SHOW_ONE_RELEASE, guard.PLATFORM_IS_VERIFIED, guard.STACK_IS_SMALL
MANY = [declared("random:index/thing:Thing", name=f"n{number}") for number in range(200)]

PASSING = [
    passes(BEHIND, *BALANCED),
    passes(BEHIND, declared(POOL)),
    passes(BEHIND, *at_first_preview("aws")),
    passes(
        BEHIND,
        *(with_(one, hostHeader="aws.example") if one.kind == VERIFY else one for one in at_first_preview("aws")),
    ),
    passes(BEHIND, *BALANCED, worker()),
    passes(BEHIND, *BALANCED, worker(), route()),
    passes(BEHIND, *ALL, worker(bindings=HOSTS), route()),
    passes(BEHIND, *ALL, worker(content='const origins = ["netlify.example", "aws.example"]'), route()),
    passes(BEHIND, *ALL, worker(content="netlify.example,aws.example", bindings=UNKNOWN), route()),
    passes(BEHIND, *worker_at_first_preview({"bindings": ["one-site"]})),
    passes(BEHIND, *worker_at_first_preview({"content": ["other-site", "one-site"]})),
    passes(BEHIND, *worker_at_first_preview({"content": ["one-site"]}, content="const origins = []")),
    passes(BEHIND, *ALL, worker(bindings=HOSTS), declared(WORKER, name="mail", scriptName="mail"), route()),
    passes(BEHIND, *ALL, worker(bindings=HOSTS), Declared(DOMAIN, {}, "domain", {SERVICE: ["worker"]})),
    passes(CLOUDS, *map(publish, ("netlify", "aws"))),
    passes(CLOUDS, *map(publish, ("aws", "vercel", "azure"))),
    passes(CLOUDS, *map(publish, ("aws", "firebase", "azure")), clouds=3.0),
    passes(CLOUDS, *map(publish, ("aws", "vercel")), clouds=1.0),
    passes(CLOUDS, declared(POOL)),
    passes(ONE, *ALL),
    passes(ONE, publish("aws")),
    passes(VERIFIED, *ALL),
    passes(SMALL, *MANY),
    passes(SMALL, *MANY, *ALL, resources=204.0),
]
FAILING = [
    finds(BEHIND, "neither a load balancer nor a Worker", *ALL),
    finds(BEHIND, "no pool of it has aws", *ALL, *map(pool, NAMES), balancer("netlify")),
    finds(BEHIND, "no pool of it has aws", *ALL, pool("netlify"), with_(pool("aws"), origins=[]), balancer(*NAMES)),
    finds(
        BEHIND,
        ("the address of aws is not", "the Host header of aws is not"),
        *[one for one in BALANCED if one.name != "aws-verify"],
    ),
    finds(BEHIND, "aws is not checked", *ALL, pool("netlify"), with_(pool("aws"), monitor=""), balancer(*NAMES)),
    finds(
        BEHIND,
        "the Host header of aws is not the platform's own",
        *(*ALL, pool("netlify"), pool("aws", header={"hosts": ["www.example.org"]}), balancer(*NAMES)),
    ),
    finds(
        BEHIND,
        "the Host header of aws is not the platform's own",
        *(*ALL, pool("netlify"), pool("aws", header={"hosts": ["aws.example", "x"]}), balancer(*NAMES)),
    ),
    finds(
        BEHIND,
        "the Host header of aws is not the platform's own",
        *(*ALL, pool("netlify"), pool("aws", header={}), balancer(*NAMES)),
    ),
    finds(
        BEHIND,
        "the address of aws is not the platform's own",
        *(*ALL, pool("netlify"), pool("aws", address="netlify.example"), balancer(*NAMES)),
    ),
    finds(BEHIND, ("the address of aws", "the Host header of aws"), *at_first_preview("aws", source="other")),
    finds(
        BEHIND,
        ("the address of aws", "the Host header of aws"),
        *(Declared(VERIFY, one.values, one.name) if one.kind == VERIFY else one for one in at_first_preview("aws")),
    ),
    finds(BEHIND, "not told the host of aws", *ALL, worker(content="netlify.example"), route()),
    finds(BEHIND, "not told the host of aws", *ALL, worker(content="netlify.example", bindings=[]), route()),
    finds(BEHIND, ("netlify", "aws"), *ALL, worker(content="my-netlify.example aws.example.org"), route()),
    finds(BEHIND, ("netlify", "aws"), *ALL, worker(), route()),
    finds(
        BEHIND, "not told the host of aws", publish("aws"), verify("aws", hostHeader=""), worker(content=""), route()
    ),
    finds(BEHIND, "no route leads visitors to the Worker", *ALL, worker(bindings=HOSTS)),
    finds(BEHIND, "no route leads visitors to the Worker", *ALL, worker(bindings=HOSTS), route("other")),
    finds(BEHIND, "no route leads visitors", *ALL, worker(bindings=HOSTS, scriptName=None), route("")),
    finds(
        BEHIND,
        "not told the host of aws",
        *(publish("aws"), declared("publisher:index:NetlifySite", name="site")),
        Declared(VERIFY, {"platform": "aws", "hostHeader": "aws.example"}, "verify", {"hostHeader": ["site"]}),
        Declared(WORKER, {"content": "old.example", "scriptName": "site"}, "worker", {"content": ["site"]}),
        route(),
    ),
    finds(
        BEHIND,
        ("netlify", "aws"),
        *(*ALL, worker(), declared(WORKER, name="mail", scriptName="mail", bindings=HOSTS), route()),
    ),
    finds(
        BEHIND,
        ("netlify", "aws"),
        *(*ALL, worker(), declared(WORKER, name="mail", scriptName="mail", bindings=HOSTS)),
        Declared(DOMAIN, {SERVICE: UNKNOWN}, "domain", {SERVICE: ["worker"]}),
    ),
    finds(CLOUDS, "aws, vercel: no 2 of them", *map(publish, ("aws", "vercel"))),
    finds(CLOUDS, "firebase, gitlab: no 2 of them", *map(publish, ("firebase", "gitlab"))),
    finds(CLOUDS, "aws: no 2 of them", publish("aws")),
    finds(CLOUDS, "no 3 of them", *map(publish, ("aws", "vercel", "azure")), clouds=3.0),
    finds(CLOUDS, ("what elsewhere stands on", "no 2 of them"), *map(publish, ("aws", "elsewhere"))),
    finds(ONE, "aws, netlify are not given the same release", publish("aws"), publish("netlify", release="r0")),
    finds(VERIFIED, "what aws serves is never asked", *ALL[:3]),
    finds(SMALL, "it has 201 resources; 200 are allowed", *MANY, publish("aws")),
    finds(SMALL, "it has 200 resources; 199 are allowed", *MANY, resources=199.0),
]
DESPITE_UNKNOWN = [
    passes(SMALL, *(with_(one, number=UNKNOWN) for one in MANY)),
    finds(SMALL, "it has 201 resources", *(with_(one, number=UNKNOWN) for one in [*MANY, publish("aws")])),
]
UNKNOWN_YET = [
    cannot_know(
        BEHIND, "origins", *ALL[:1], verify("netlify"), with_(pool("netlify"), origins=UNKNOWN), balancer("netlify")
    ),
    cannot_know(BEHIND, "hostHeader", *worker_at_first_preview({})),
    cannot_know(BEHIND, "hostHeader", *worker_at_first_preview({"content": ["other-site"]})),
    cannot_know(BEHIND, "hostHeader", *worker_at_first_preview({}, content="const origins = []")),
    cannot_know(BEHIND, "bindings", publish("aws"), verify("aws"), worker(bindings=UNKNOWN), route()),
    cannot_know(BEHIND, "content", publish("aws"), verify("aws"), worker(content=UNKNOWN, bindings=[]), route()),
    cannot_know(BEHIND, "script", publish("aws"), verify("aws"), worker(bindings=HOSTS), route(UNKNOWN)),
    cannot_know(BEHIND, "scriptName", publish("aws"), verify("aws"), worker(scriptName=UNKNOWN), route()),
    cannot_know(CLOUDS, "platform", publish("aws"), publish("other", platform=UNKNOWN)),
    cannot_know(ONE, "release", publish("aws"), publish("netlify", release=UNKNOWN)),
    cannot_know(VERIFIED, "platform", *ALL[:3], verify("aws", platform=UNKNOWN)),
]
