from __future__ import annotations

from policies import protection as guard
from policies.protection import LASTING
from policies.values import SECRET
from tests.policies.cases import finds, passes
from tests.policies.judging import UNKNOWN, declared

PROTECTED, PLAIN, STATE = guard.LASTING_RESOURCE_IS_PROTECTED, guard.NO_PLAIN_SECRET, guard.STATE_HAS_NO_PLAIN_SECRET
ANY = "random:index/thing:Thing"

#: Made up, of the right form; in pieces, so that no scanner takes this file for a leak.
TOKENS = {
    "an AWS access key id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "a GitHub token": "ghp_" + "a1" * 18,
    "a GitLab token": "glpat-" + "x" * 20,
    "a Netlify token": "nfp_" + "a1" * 16,
    "a Google API key": "AIza" + "b" * 35,
    "a Google OAuth token": "ya29." + "c" * 24,
    "a Pulumi token": "pul-" + "0f" * 20,
    "an npm token": "npm_" + "d" * 36,
    "a Slack token": "xoxb-" + "1234567890",
    "a JSON web token": "eyJhbGciOiJub25l" + ".eyJzdWIiOiJ4IjEx" + ".c2lnbmF0dXJl",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "an Azure account key": "AccountKey=" + "e" * 44,
    "an address signed by Azure": "https://x.blob.core.windows.net/a?sv=1&sig=" + "f" * 44,
    "an address with a password": "https://someone:" + "hunter2@example.org/",
}
SECRET_NAMES = (
    *("password", "adminPassword", "passphrase", "clientSecret", "repositoryToken", "apiToken", "privateKey"),
    *("private_key", "apiKey", "api_key", "secretKey", "accessKey", "credentials", "token"),
)
PLAIN_NAMES = ("tokenType", "passwordPolicy", "secretName", "keyValueStoreArn", "publicKey", "routingKey")

PASSING = [
    *(passes(PROTECTED, declared(kind)) for kind in LASTING),
    passes(PROTECTED, declared(ANY, protect=False)),
    *(passes(PLAIN, declared(ANY, **{name: "plain"})) for name in PLAIN_NAMES),
    *(passes(PLAIN, declared(ANY, **{name: SECRET})) for name in SECRET_NAMES),
    passes(PLAIN, declared(ANY, password="", token=None, apiKey=7.0)),
    passes(PLAIN, declared(ANY, site="https://www.example.org/a@b:c", digest="0f" * 32, release="rd85f327da8f37c79")),
    passes(STATE, declared(ANY, one="x"), declared(ANY, "two", password=SECRET)),
]
FAILING = [
    *(finds(PROTECTED, "protect is not set", declared(kind, protect=False)) for kind in LASTING),
    *(
        finds(PLAIN, f"values[0].text holds {kind}", declared(ANY, values=[{"text": f"a {token} b"}]))
        for kind, token in TOKENS.items()
    ),
    *(finds(PLAIN, f"{name} holds a secret (by", declared(ANY, **{name: "hunter2"})) for name in SECRET_NAMES),
    finds(PLAIN, "inner.password holds", declared(ANY, inner={"password": "hunter2"})),
    finds(PLAIN, ("a holds", "b holds"), declared(ANY, a=TOKENS["a Pulumi token"], b=TOKENS["an npm token"])),
    *(
        finds(STATE, f"url holds {kind}", declared(ANY, "other"), declared(ANY, url=token))
        for kind, token in TOKENS.items()
    ),
]
#: Values of resources are known when they are applied; what is not known at preview is looked at then.
DESPITE_UNKNOWN = [
    passes(PROTECTED, declared(LASTING[0], bucket=UNKNOWN)),
    finds(PROTECTED, "protect is not set", declared(LASTING[0], protect=False, bucket=UNKNOWN)),
    passes(PLAIN, declared(ANY, password=UNKNOWN, inner={"token": UNKNOWN})),
    finds(PLAIN, "password holds", declared(ANY, url=UNKNOWN, password="hunter2")),
    passes(STATE, declared(ANY, password=UNKNOWN)),
    finds(STATE, "password holds", declared(ANY, "other", url=UNKNOWN), declared(ANY, password="hunter2")),
]
UNKNOWN_YET = []
