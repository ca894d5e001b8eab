"""Response headers policies: what they set.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.platforms.aws.reply import Reply
from sandbox.store import Document

#: Security headers that are a field of their own and no custom header.
NATIVE = frozenset({
    "strict-transport-security", "content-security-policy", "x-content-type-options", "x-frame-options",
    "referrer-policy", "x-xss-protection",
})  # fmt: skip
_SIMPLE = {
    "contentSecurityPolicy": ("content-security-policy", "contentSecurityPolicy"),
    "frameOptions": ("x-frame-options", "frameOption"),
    "referrerPolicy": ("referrer-policy", "referrerPolicy"),
}


def with_policy(policy: Document | None, reply: Reply) -> Reply:
    """The reply with the policy's headers; one from the origin stays unless the policy overrides it."""
    if policy is None:
        return reply
    removed = {item["header"].lower() for item in _items(policy, "removeHeadersConfig")}
    headers = {name: value for name, value in reply.headers.items() if name not in removed}
    for name, value, override in _set(policy):
        if override or name not in headers:
            headers[name] = value
    return replace(reply, headers=headers)


def _set(policy: Document) -> list[tuple[str, str, bool]]:
    security = policy.get("securityHeadersConfig") or {}
    found = [
        (name, str(security[key][value]), bool(security[key]["override"]))
        for key, (name, value) in _SIMPLE.items()
        if security.get(key)
    ]
    if options := security.get("contentTypeOptions"):
        found.append(("x-content-type-options", "nosniff", bool(options["override"])))
    if transport := security.get("strictTransportSecurity"):
        found.append(("strict-transport-security", _transport(transport), bool(transport["override"])))
    if protection := security.get("xssProtection"):
        found.append(("x-xss-protection", _protection(protection), bool(protection["override"])))
    items = _items(policy, "customHeadersConfig")
    return [*found, *((item["header"].lower(), str(item["value"]), bool(item["override"])) for item in items)]


def _items(policy: Document, key: str) -> list[Document]:
    return list((policy.get(key) or {}).get("items") or [])


def _transport(config: Document) -> str:
    value = f"max-age={int(config['accessControlMaxAgeSec'])}"
    value += "; includeSubDomains" if config.get("includeSubdomains") else ""
    return value + ("; preload" if config.get("preload") else "")


def _protection(config: Document) -> str:
    if not config.get("protection"):
        return "0"
    value = "1; mode=block" if config.get("modeBlock") else "1"
    return value + (f"; report={config['reportUri']}" if config.get("reportUri") else "")
