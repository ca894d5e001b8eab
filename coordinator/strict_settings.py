"""What all settings of the coordinator share.

A secret is named, never written: ``env:NAME`` is a variable of the environment, ``file:PATH`` a file.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

NOT_SHOWN = "not_shown"
"""Type of the mistakes whose value may be a secret that was written where its name belongs."""
_NAMED = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_ADDRESS = r"(https://[^\s@]+|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s@]*)?)"


def _named(value: str) -> str:
    if not _NAMED.fullmatch(value):
        raise PydanticCustomError(
            NOT_SHOWN, "name the secret, as env:NAME or file:PATH; what stands there is not shown"
        )
    return value


def _named_or_address(value: str) -> str:
    if not _NAMED.fullmatch(value) and not re.fullmatch(_ADDRESS, value):
        raise PydanticCustomError(NOT_SHOWN, "give https://…, or its name if it is secret: env:NAME or file:PATH")
    return value


Secret = Annotated[str, AfterValidator(_named)]
#: An API's address. Without TLS only on this machine: a token goes along.
Address = Annotated[str, Field(pattern=rf"^{_ADDRESS}$")]
SecretOrAddress = Annotated[str, AfterValidator(_named_or_address)]
"""An address that may be secret itself, as those of chat services are."""


class Strict(BaseModel):
    """Settings in which an unknown key is a mistake."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)
