"""Command line: compare what is written of each token with what its service says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from pydantic import ValidationError

from components.delivery.settings import DeliverySettings, Token
from tools.check_tokens.services import SERVICES, NotAccepted, NotAsked
from tools.deploy.errors import Refused
from tools.deploy.places import ROOT


@dataclass(frozen=True)
class Verdict:
    """One token. ``wrong`` is None where the service could not be asked."""

    name: str
    wrong: bool | None
    said: str


@click.command()
@click.option("--stack", required=True)
def main(stack: str) -> None:
    """Ask each service about its token in this environment; ends with 1 where something is not as written."""
    verdicts = list(judged(read(ROOT, stack), os.environ))
    marks = {True: "WRONG", False: "ok", None: "not known"}
    for verdict in verdicts:
        click.echo(f"{verdict.name}: {marks[verdict.wrong]}: {verdict.said}")
    if not verdicts:
        click.echo(f"Pulumi.{stack}.yaml names no tokens in delivery.tokens.")
    sys.exit(any(verdict.wrong for verdict in verdicts))


def read(root: Path, stack: str) -> DeliverySettings:
    """The stack's setting; raises Refused."""
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        raise Refused(f"there is no {path.name}; name a stack that there is")
    given = ((yaml.safe_load(path.read_text("utf-8")) or {}).get("config") or {}).get("peacefulrobot-infra:delivery")
    try:
        return DeliverySettings.model_validate(given or {})
    except ValidationError as error:
        raise Refused(f"{path.name}: the setting delivery is wrong; `make preview STACK={stack}` says how") from error


def judged(settings: DeliverySettings, environment: Mapping[str, str]) -> Iterator[Verdict]:
    """A verdict for each token that the stack names; no text holds a value."""
    for name, token in settings.tokens.items():
        ask = SERVICES.get(name)
        if ask is None:
            yield Verdict(name, None, "no service can be asked about it")
        elif not environment.get(name):
            yield Verdict(name, None, "is not set in this environment")
        else:
            try:
                known = ask(environment[name], environment, settings)
            except NotAccepted as error:
                yield Verdict(name, True, str(error))
            except NotAsked as error:
                yield Verdict(name, None, str(error))
            else:
                yield _compared(name, token, known.expires, known.wider)


def _compared(name: str, token: Token, expires: object, wider: str) -> Verdict:
    if wider:
        return Verdict(name, True, wider)
    if expires is None:
        return Verdict(name, True, "has no end; make one with a date, and write that")
    if expires != token.expires:
        return Verdict(
            name, True, f"ends on {expires}; write that in delivery.tokens.{name}.expires, not {token.expires}"
        )
    return Verdict(name, False, f"ends on {expires}, as is written")


if __name__ == "__main__":
    main()
