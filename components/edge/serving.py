"""The site served by a Worker: its script with the copy of the site, the name's DNS record, and the route.

A route, and no custom domain: a custom domain needs the name for itself, so that a load balancer or record of that name
would have to go first, and until the domain is there nothing would serve the site. A route stands in front of whatever
the name has. https://developers.cloudflare.com/workers/configuration/routing/routes/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from components.edge import script
from components.edge.args import EdgeArgs, EdgeError, script_name
from components.edge.zone import declare_proxied
from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

#: Under which the script finds its assets.
ASSETS = "ASSETS"


def declare_worker(
    name: str,
    args: EdgeArgs,
    origins: Sequence[Origin],
    rules: pulumi.Output[dict[str, Any]],
    release: pulumi.Output[str],
    served: pulumi.Output[dict[str, Any]],
    opts: pulumi.ResourceOptions,
) -> cloudflare.WorkersScript:
    """The script, told of the platforms and of the release.

    The folder of the copy is an input and its files are not: the provider reads them and keeps a digest. A release that
    is gone back to may have no copy on this machine; then the assets of the last upload stay.
    """
    hosts = pulumi.Output.all(*(pulumi.Output.all(one.name, one.hostname, one.host_header) for one in origins))
    content = pulumi.Output.all(hosts, rules, served).apply(lambda found: source(args, *found))
    copy = release.apply(lambda identifier: _copy_of(args, identifier))
    return cloudflare.WorkersScript(
        name,
        account_id=args.account_id,
        script_name=script_name(args),
        content=content,
        main_module=script.MAIN_MODULE,
        compatibility_date=script.COMPATIBILITY_DATE,
        assets=copy.apply(_assets) if args.copy_folder else None,
        keep_assets=copy.apply(lambda folder: None if folder else True) if args.copy_folder else None,
        bindings=[cloudflare.WorkersScriptBindingArgs(name=ASSETS, type="assets")] if args.copy_folder else None,
        opts=opts,
    )


def declare_route(
    name: str, args: EdgeArgs, worker: cloudflare.WorkersScript, opts: pulumi.ResourceOptions
) -> cloudflare.WorkersRoute:
    """Every path of the site's name to the Worker. The record comes first: without it nobody is sent to Cloudflare."""
    comment = f"served by the Worker {script_name(args)}"
    record = declare_proxied(f"{name}-record", args, args.hostname, comment, opts)
    own = pulumi.ResourceOptions(depends_on=[record], protect=args.protect)
    return cloudflare.WorkersRoute(
        name,
        zone_id=args.zone_id,
        pattern=f"{args.hostname}/*",
        script=worker.script_name,
        opts=pulumi.ResourceOptions.merge(opts, own),
    )


def source(args: EdgeArgs, hosts: Sequence[Sequence[str]], rules: Mapping[str, Any], served: Mapping[str, Any]) -> str:
    """The script's text; raises EdgeError for what a Worker cannot do."""
    mistakes = [
        f"origins: {name} is asked at {hostname} as {header}, and a Worker asks a host by its own name only: "
        "use edgeMode load-balancer, or leave the platform out"
        for name, hostname, header in hosts
        if hostname != header
    ]
    config = script.configuration(
        args.hostname,
        [(name, hostname) for name, hostname, _ in hosts],
        rules,
        {**served, "directory": args.copy_folder},
        health=(args.path, args.expected_body),
        limits=args.worker_limits,
    )
    text = script.source(config)
    size = script.compressed_size(text)
    if size > script.MAX_SCRIPT:
        mistakes.append(
            f"the Worker would be {size} bytes after compression, and the free plan allows {script.MAX_SCRIPT}: the "
            "site's _redirects and _headers are in it; shorten them, or use edgeMode load-balancer"
        )
    if mistakes:
        raise EdgeError("\n".join(mistakes))
    return text


def _copy_of(args: EdgeArgs, release: str) -> str:
    """The release's folder below the checkout, relative to it so that every machine writes the same; empty without."""
    folder = Path(args.copy_folder) / release
    return folder.as_posix() if args.copy_folder and folder.is_dir() else ""


def _assets(folder: str) -> cloudflare.WorkersScriptAssetsArgs:
    """The Worker resolves URLs itself, as the platforms do; so the assets are found under their exact paths only."""
    config = cloudflare.WorkersScriptAssetsConfigArgs(
        html_handling="none", not_found_handling="none", run_worker_first=True
    )
    return cloudflare.WorkersScriptAssetsArgs(config=config, directory=folder or None)
