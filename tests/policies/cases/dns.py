from __future__ import annotations

from policies import dns as guard
from policies.dns import DNSSEC, RECORD
from policies.edge import BALANCER, WORKER
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, Declared, declared

SITE = declared("publisher:index:NetlifySite", name="site", hostname="www-1.netlify.app")
WWW = declared(RECORD, name="www", type="CNAME", content="www-1.netlify.app", proxied=True)
WWW.values["name"] = "www.example.org"
APEX = with_(WWW, name="example.org", type="AAAA", content="100::")
CAA = Declared(RECORD, {"type": "CAA", "data": {"tag": "issue", "value": "letsencrypt.org"}}, "caa")
OURS, PROXIED = guard.DNS_RECORD_LEADS_TO_OURS, guard.DNS_RECORD_IS_PROXIED
AUTHORITIES, SIGNED = guard.ZONE_NAMES_ITS_AUTHORITIES, guard.ZONE_IS_SIGNED
EDGE = declared(BALANCER, name="edge")


def made_from(name, other):
    return Declared(RECORD, {"type": "CNAME", "content": UNKNOWN}, name, {"content": [other]})


def named(name, record):
    """Under another name of the resource, so that two fit into a stack."""
    return Declared(record.kind, record.values, name)


PASSING = [
    passes(OURS, SITE, WWW),
    passes(OURS, SITE, with_(WWW, content="WWW-1.netlify.app.")),
    passes(OURS, SITE, made_from("new", "site")),
    passes(OURS, with_(SITE, hostname="WWW-1.netlify.app."), WWW),
    passes(OURS, APEX),
    passes(OURS, named("apex", APEX), with_(WWW, content="example.org")),
    passes(OURS, with_(APEX, type="A", content="192.0.2.1")),
    passes(OURS, CAA),
    passes(OURS, with_(WWW, type="TXT", content="v=spf1 -all")),
    passes(PROXIED, WWW),
    passes(PROXIED, CAA),
    passes(PROXIED, with_(WWW, name="_acme-challenge.example.org", proxied=False)),
    passes(PROXIED, with_(WWW, name="key1._domainkey.example.org", proxied=False)),
    passes(AUTHORITIES, EDGE, CAA),
    passes(AUTHORITIES, SITE),
    passes(SIGNED, WWW, declared(DNSSEC, name="dnssec")),
    passes(SIGNED, SITE),
]
FAILING = [
    finds(OURS, "no resource of this stack holds", SITE, with_(WWW, content="www-2.netlify.app")),
    finds(OURS, "no resource of this stack holds", WWW),
    finds(OURS, "no resource of this stack holds", SITE, with_(WWW, content="www-1.netlify.appX")),
    finds(OURS, "no resource of this stack holds", with_(SITE, hostname="www-1.netlify.appX"), WWW),
    finds(OURS, "no resource of this stack holds", WWW, named("proof", with_(WWW, type="TXT", name="_proof"))),
    finds(OURS, "no resource of this stack holds", with_(APEX, content="2a01:4f8::1")),
    finds(OURS, "no resource of this stack holds", with_(APEX, type="A", content="203.0.112.7")),
    finds(OURS, "no resource of this stack holds", with_(APEX, type="CNAME", content="192.0.2.example.org")),
    finds(PROXIED, "proxied is not true", with_(WWW, proxied=False)),
    finds(PROXIED, "proxied is not true", with_(APEX, proxied=None)),
    finds(PROXIED, "proxied is not true", with_(APEX, type="A", proxied=False)),
    finds(AUTHORITIES, "no CAA record", EDGE, WWW),
    finds(AUTHORITIES, "no CAA record", declared(WORKER)),
    finds(AUTHORITIES, "no CAA record", EDGE),
    finds(AUTHORITIES, "no CAA record", with_(CAA, data={"tag": "issue", "value": ""})),
    finds(AUTHORITIES, "no CAA record", with_(CAA, data={"tag": "iodef", "value": "mailto:x@example.org"})),
    finds(AUTHORITIES, "no CAA record", with_(CAA, type="TXT")),
    finds(SIGNED, "DNSSEC is not declared", declared("cloudflare:index/other:Other"), EDGE),
    finds(SIGNED, "DNSSEC is not declared", declared(WORKER)),
]
DESPITE_UNKNOWN = [
    passes(SIGNED, with_(WWW, content=UNKNOWN, type=UNKNOWN), declared(DNSSEC, name="dnssec", zoneId=UNKNOWN)),
    finds(SIGNED, "DNSSEC is not declared", with_(WWW, content=UNKNOWN, type=UNKNOWN)),
]
UNKNOWN_YET = [
    cannot_know(OURS, "content", with_(WWW, content=UNKNOWN)),
    cannot_know(OURS, "type", with_(WWW, type=UNKNOWN)),
    cannot_know(PROXIED, "proxied", with_(WWW, proxied=UNKNOWN)),
    cannot_know(PROXIED, "name", with_(WWW, name=UNKNOWN)),
    cannot_know(AUTHORITIES, "type", EDGE, with_(CAA, type=UNKNOWN)),
]
