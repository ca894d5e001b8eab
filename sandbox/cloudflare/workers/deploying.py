"""What an upload of a script and its removal do, whoever asks: the provider or the API."""

from __future__ import annotations

from sandbox.cloudflare.account import Account
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects import WorkerRouteKind, WorkerScriptKind
from sandbox.cloudflare.workers.fleet import Fleet
from sandbox.store import Document


async def deployed(account: Account, fleet: Fleet, given: Document) -> Document:
    """Run a script, then remember it; raises ApiError and leaves the version before in place if it does not run.

    ``keep_assets`` takes the assets of the version before over.
    """
    document = {**given}
    known = account.find(WorkerScriptKind, document["script_name"])
    if document.pop("keep_assets", False) and known and "manifest" not in (document.get("assets") or {}):
        kept = known.get("assets") or {}
        document["assets"] = {**kept, "config": (document.get("assets") or kept).get("config") or {}}
    checked = {**WorkerScriptKind.initial, **document}
    WorkerScriptKind.check(checked, account)
    await fleet.deploy(checked)
    if known is None:
        return account.create(WorkerScriptKind, checked)
    return account.replace(WorkerScriptKind, str(checked["script_name"]), checked)


async def removed(account: Account, fleet: Fleet, name: str) -> None:
    """Take a script away; one that a route leads to is refused here, for its visitors would get errors."""
    if account.find(WorkerScriptKind, name) is None:
        return
    users = [route["pattern"] for route in account.all(WorkerRouteKind) if route.get("script") == name]
    if users:
        raise ApiError(409, 10021, f"the routes {', '.join(users)} lead to the Worker {name}; delete them first")
    account.delete(WorkerScriptKind, name)
    await fleet.remove(name)
