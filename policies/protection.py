"""Policies for what would be lost: resources that cannot be made again, and secrets that would be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from policies.lasting import LASTING
from policies.policy import ANY_KIND, Finding, Resource, ResourcePolicy, Settings, Stack, StackPolicy
from policies.values import SECRET, separately, texts


def _is_protected(resource: Resource, _: Settings) -> Iterator[str]:
    if not resource.protected:
        yield "protect is not set"


LASTING_RESOURCE_IS_PROTECTED = ResourcePolicy(
    name="lasting-resource-is-protected",
    description="What cannot be made again as it was is protected from being deleted.",
    reason="A renamed argument replaces a resource, and with it the host name that others rely on.",
    remedy="Leave the stack's setting protect on; switch it off for the one run that takes the stack down.",
    origin="design; https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    kinds=LASTING,
    judge=_is_protected,
)


#: Forms of secrets that can be told by their looks.
#: https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml, https://docs.gitlab.com/security/tokens/
_FORMS: Final[Mapping[str, str]] = {
    "an AWS access key id": r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])",
    "a GitHub token": r"\bgh[oprsu]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{60,}",
    "a GitLab token": r"\bgl(?:pat|dt|rt|ptt|cbt|ft|oas|soat)-[0-9A-Za-z_.-]{20,}",
    "a Netlify token": r"\bnf[cpuo]_[0-9A-Za-z]{32,}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Google OAuth token": r"\bya29\.[0-9A-Za-z_-]{20,}",
    "a Pulumi token": r"\bpul-[0-9a-f]{40}",
    "an npm token": r"\bnpm_[0-9A-Za-z]{36}",
    "a Slack token": r"\bxox[abeprs]-[0-9A-Za-z-]{10,}",
    "a JSON web token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----",
    "an Azure account key": r"AccountKey=[0-9A-Za-z+/]{40,}",
    "an address signed by Azure": r"[?&]sig=[0-9A-Za-z%+/]{20,}",
    "an address with a password": r"[a-z][a-z0-9+.-]*://[^/\s:@\"'<>]+:[^/\s:@\"'<>]+@",
}
_COMPILED: Final = {name: re.compile(form) for name, form in _FORMS.items()}
#: Names of properties that hold secrets, by their last words.
_SECRET_NAME = re.compile(
    r"(?:password|passphrase|secret|token|private_?key|secret_?key|api_?key|access_?key|client_?secret|credentials)$",
    re.IGNORECASE,
)


def secret_in(path: str, value: str) -> str:
    """What kind of secret a plain text is, empty if none; judged by its looks and by its property's name."""
    if value in ("", SECRET):
        return ""
    for name, form in _COMPILED.items():
        if form.search(value):
            return name
    return "a secret (by the property's name)" if _SECRET_NAME.search(path) else ""


def redacted(message: str) -> str:
    """``message`` without anything that looks like a secret."""
    for form in _COMPILED.values():
        message = form.sub("(secret)", message)
    return message


def _plain_secrets(values: Any) -> Iterator[str]:
    for path, value in texts(values):
        found = secret_in(path, value)
        if found:
            yield f"{redacted(path)} holds {found} in plain text"


def _has_no_plain_secret(resource: Resource, _: Settings) -> Iterator[str]:
    yield from _plain_secrets(resource.values)


NO_PLAIN_SECRET = ResourcePolicy(
    name="no-plain-secret",
    description="No input is a secret in plain text.",
    reason="The state, the preview of a merge request and the log would show it.",
    remedy="Take it from the environment, or pass it as a secret (pulumi.Output.secret); revoke the one shown.",
    origin="design; CKV_SECRET_6",
    kinds=ANY_KIND,
    judge=_has_no_plain_secret,
)


def _state_has_no_plain_secret(stack: Stack, _: Settings) -> Iterator[Finding]:
    def judge(resource: Resource) -> Iterator[Finding]:
        yield from (Finding(resource, found) for found in _plain_secrets(resource.values))

    yield from separately(stack.resources, judge)


STATE_HAS_NO_PLAIN_SECRET = StackPolicy(
    name="state-has-no-plain-secret",
    description="No output is a secret in plain text.",
    reason="Whoever reads the state, or a stack's outputs, reads it.",
    remedy="Name the output in additionalSecretOutputs; do not export it.",
    origin="design",
    judge=_state_has_no_plain_secret,
)
