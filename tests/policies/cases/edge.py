from __future__ import annotations

from policies import edge as guard
from policies.edge import ALERT, BALANCER, MONITOR, OUTSIDE, POOL, SETTING, WORKER
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, Declared, declared

BALANCED = declared(BALANCER, name="balancer", defaultPools=["p1", "p2"], fallbackPool="p1", proxied=True, enabled=True)
ORIGIN = {"name": "one", "address": "one.example", "header": {"hosts": ["one.example"]}, "enabled": True}
ONE_POOL = declared(POOL, name="one", monitor="m1", minimumOrigins=1.0, origins=[ORIGIN])
CHECK = declared(
    MONITOR,
    type="https",
    allowInsecure=False,
    followRedirects=False,
    expectedCodes="200",
    expectedBody="peaceful-robot-ok",
    consecutiveDown=2.0,
)
STRICT = {"min_tls_version": "1.2", "ssl": "strict", "always_use_https": "on", "tls_1_3": "on"}


def setting(key, value):
    return declared(SETTING, name=f"setting-{key}", settingId=key, value=value)


def hsts(**changed):
    found = {"enabled": True, "max_age": 31536000.0, **changed}
    return setting("security_header", {"strict_transport_security": found})


ALL_SETTINGS = [*(setting(key, value) for key, value in STRICT.items()), hsts()]


def origins(*found):
    return with_(ONE_POOL, origins=list(found))


def linked(pools=("one", "two"), fallback=("one",)):
    """A load balancer whose pools are of the stack, their ids not known."""
    made = {key: names for key, names in {"defaultPools": list(pools), "fallbackPool": list(fallback)}.items() if names}
    found = Declared(BALANCER, {"defaultPools": UNKNOWN, "fallbackPool": UNKNOWN}, "balancer", made)
    return found, *(declared(POOL, name=name) for name in ("one", "two", "three"))


TRANSPORT, HSTS, BYTES = guard.ZONE_TRANSPORT_IS_STRICT, guard.ZONE_SENDS_HSTS, guard.ZONE_ALTERS_NO_BYTES
SETTINGS, FAILS_OVER = guard.ZONE_HAS_ITS_SETTINGS, guard.BALANCER_FAILS_OVER
OWN, CHECKED, MONITORS = guard.BALANCER_FALLS_BACK_TO_ITS_OWN, guard.POOL_IS_CHECKED, guard.MONITOR_IS_STRICT
TELLS = guard.OUTAGE_TELLS_SOMEBODY

PASSING = [
    *(passes(TRANSPORT, setting(key, value)) for key, value in STRICT.items()),
    passes(TRANSPORT, setting("min_tls_version", "1.3")),
    passes(TRANSPORT, setting("tls_1_3", "zrt")),
    passes(TRANSPORT, setting("brotli", "off")),
    passes(HSTS, hsts()),
    passes(HSTS, hsts(max_age=300.0), seconds=300.0),
    passes(HSTS, setting("brotli", "off")),
    passes(BYTES, setting("rocket_loader", "off")),
    passes(BYTES, setting("brotli", "on")),
    passes(SETTINGS, BALANCED, *ALL_SETTINGS),
    passes(SETTINGS, declared(WORKER), *ALL_SETTINGS),
    passes(SETTINGS, declared(POOL)),
    passes(FAILS_OVER, BALANCED),
    passes(FAILS_OVER, with_(BALANCED, fallbackPool=UNKNOWN, defaultPools=[UNKNOWN, UNKNOWN])),
    passes(FAILS_OVER, with_(BALANCED, defaultPools=["p1"]), pools=1.0),
    passes(OWN, *linked()),
    passes(OWN, *linked(fallback=["two"])),
    passes(CHECKED, ONE_POOL),
    passes(CHECKED, with_(ONE_POOL, monitor=UNKNOWN, origins=[{**ORIGIN, "header": {"hosts": [UNKNOWN]}}])),
    passes(MONITORS, CHECK),
    passes(MONITORS, with_(CHECK, consecutiveDown=1.0), failures=1.0),
    passes(MONITORS, with_(CHECK, expectedBody='"site":"ok"')),
    passes(TELLS, BALANCED, declared(ALERT, enabled=True)),
    passes(TELLS, BALANCED, declared(ALERT)),
    passes(TELLS, BALANCED, declared(OUTSIDE, contacts=[{"id": "7"}])),
    passes(TELLS, BALANCED, declared(ALERT, enabled=False), declared(OUTSIDE, contacts=[{"id": "7"}])),
    passes(TELLS, declared(POOL)),
]
FAILING = [
    *(
        finds(TRANSPORT, f"{key} is not", setting(key, value))
        for key, value in {"min_tls_version": "1.1", "ssl": "full", "always_use_https": "off", "tls_1_3": "off"}.items()
    ),
    finds(HSTS, "is not enabled", hsts(enabled=False)),
    finds(HSTS, "is not enabled", setting("security_header", {})),
    finds(HSTS, "max_age is shorter than 31536000", hsts(max_age=31535999.0)),
    *(
        finds(BYTES, f"{key} is not off", setting(key, "on"))
        for key in ("automatic_https_rewrites", "email_obfuscation", "rocket_loader", "mirage", "polish", "minify")
    ),
    *(
        finds(
            SETTINGS,
            f"{key} is not declared",
            BALANCED,
            *(one for one in ALL_SETTINGS if one.values["settingId"] != key),
        )
        for key in (*STRICT, "security_header")
    ),
    finds(SETTINGS, "ssl is not declared", declared(WORKER), *(one for one in ALL_SETTINGS if "ssl" not in one.name)),
    finds(FAILS_OVER, "fewer than 2 pools", with_(BALANCED, defaultPools=["p1"])),
    finds(FAILS_OVER, "fewer than 3 pools", BALANCED, pools=3.0),
    finds(FAILS_OVER, "fallbackPool is not set", with_(BALANCED, fallbackPool=None)),
    finds(FAILS_OVER, "proxied is not true", with_(BALANCED, proxied=False)),
    finds(FAILS_OVER, "proxied is not true", with_(BALANCED, proxied=None)),
    finds(FAILS_OVER, "enabled is not true", with_(BALANCED, enabled=False)),
    finds(FAILS_OVER, ("fewer than 2", "proxied"), with_(BALANCED, defaultPools=["p1"], proxied=False)),
    finds(OWN, "none of defaultPools", *linked(fallback=["three"])),
    finds(OWN, "none of defaultPools", *linked(fallback=[])),
    finds(OWN, "not of this stack", *linked(pools=[])),
    finds(CHECKED, "monitor is not set", with_(ONE_POOL, monitor="")),
    finds(CHECKED, "minimumOrigins is less than 1", with_(ONE_POOL, minimumOrigins=0.0)),
    finds(CHECKED, "minimumOrigins is less than 1", with_(ONE_POOL, minimumOrigins=None)),
    finds(CHECKED, "no origin", origins()),
    finds(CHECKED, "no Host header", origins({**ORIGIN, "header": {}})),
    finds(CHECKED, "no Host header", origins(ORIGIN, {**ORIGIN, "header": {"hosts": []}})),
    finds(CHECKED, "is not enabled", origins({**ORIGIN, "enabled": False})),
    finds(CHECKED, "is not enabled", origins({key: value for key, value in ORIGIN.items() if key != "enabled"})),
    finds(MONITORS, "type is not https", with_(CHECK, type="http")),
    finds(MONITORS, "type is not https", with_(CHECK, type=None)),
    finds(MONITORS, "allowInsecure is not false", with_(CHECK, allowInsecure=True)),
    finds(MONITORS, "followRedirects is not false", with_(CHECK, followRedirects=True)),
    finds(MONITORS, "expectedCodes is not 200", with_(CHECK, expectedCodes="2xx")),
    finds(MONITORS, "expectedBody is empty", with_(CHECK, expectedBody="")),
    finds(MONITORS, "looks like the id of a release", with_(CHECK, expectedBody="rd85f327da8f37c79")),
    finds(MONITORS, "looks like the id of a release", with_(CHECK, expectedBody='"release":"rd85f327da8f37c79"')),
    finds(MONITORS, "looks like the id of a release", with_(CHECK, expectedBody="d85f327da8f3")),
    finds(MONITORS, "looks like the id of a release", with_(CHECK, expectedBody="built 2026-11-24")),
    finds(MONITORS, "consecutiveDown is less than 2", with_(CHECK, consecutiveDown=1.0)),
    finds(MONITORS, "consecutiveDown is less than 3", CHECK, failures=3.0),
    finds(TELLS, "nobody is told", BALANCED),
    finds(TELLS, "nobody is told", BALANCED, declared(ALERT, enabled=False)),
    finds(TELLS, "nobody is told", BALANCED, declared(OUTSIDE, contacts=[])),
]
#: What a property is made from is known at preview, where its value is not.
DESPITE_UNKNOWN = [
    passes(OWN, *linked()),
    finds(OWN, "none of defaultPools", *linked(fallback=["three"])),
]
UNKNOWN_YET = [
    cannot_know(TRANSPORT, "value", setting("ssl", UNKNOWN)),
    cannot_know(TRANSPORT, "settingId", setting(UNKNOWN, "off")),
    cannot_know(HSTS, "value.strict_transport_security.max_age", hsts(max_age=UNKNOWN)),
    cannot_know(HSTS, "value.strict_transport_security.enabled", hsts(enabled=UNKNOWN)),
    cannot_know(BYTES, "value", setting("rocket_loader", UNKNOWN)),
    cannot_know(SETTINGS, "settingId", BALANCED, *ALL_SETTINGS, setting(UNKNOWN, "on")),
    cannot_know(FAILS_OVER, "defaultPools", with_(BALANCED, defaultPools=UNKNOWN)),
    cannot_know(FAILS_OVER, "proxied", with_(BALANCED, proxied=UNKNOWN)),
    cannot_know(CHECKED, "origins", with_(ONE_POOL, origins=UNKNOWN)),
    cannot_know(CHECKED, "origins[0].enabled", origins({**ORIGIN, "enabled": UNKNOWN})),
    cannot_know(MONITORS, "expectedBody", with_(CHECK, expectedBody=UNKNOWN)),
    cannot_know(MONITORS, "consecutiveDown", with_(CHECK, consecutiveDown=UNKNOWN)),
    cannot_know(TELLS, "enabled", BALANCED, declared(ALERT, enabled=UNKNOWN)),
    cannot_know(TELLS, "contacts", BALANCED, declared(OUTSIDE, contacts=UNKNOWN)),
]
