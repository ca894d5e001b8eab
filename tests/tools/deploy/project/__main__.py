"""A small program with the publisher's resource types and the outputs that the command line reads."""

from __future__ import annotations

import pulumi


class Resource(pulumi.CustomResource):
    release: pulumi.Output[str]

    def __init__(self, kind, name, opts=None, **inputs):
        super().__init__(f"publisher:index:{kind}", name, {"release": None, **inputs}, opts)


print("stand-in:", __import__("os").environ.get("STAND_IN"))
website = Resource("Website", "website", source=pulumi.Config().require("content"))
platforms = []
for platform in ("netlify", "aws"):
    url = f"https://{platform}.example"
    publish = Resource("Publish", f"{platform}-publish", platform=platform, release=website.release)
    verify = Resource("Verify", f"{platform}-verify", platform=platform, url=url, release=publish.release)
    platforms.append({"name": platform, "url": url, "release": verify.release, "host_header": f"{platform}.example"})
pulumi.export("platforms", platforms)
pulumi.export("release", website.release)
pulumi.export("site_url", "https://www.example.com")
