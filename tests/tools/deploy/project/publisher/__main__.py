"""A stand-in for the publisher: its resource types and its journal, and no platforms.

``behaviour.json`` beside the program says what happens: {"release": …, "seconds": {name: s}, "fails": [name]}.
``creates.log`` gets a line for each creation that was begun and each that was finished.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckResponse,
    CreateResponse,
    DiffResponse,
    Provider,
    ReadResponse,
    UpdateResponse,
)
from pulumi.provider.experimental.server import main

FOLDER = Path(__file__).resolve().parents[1]


def behaviour():
    return json.loads((FOLDER / "behaviour.json").read_text())


def write(path, line):
    with path.open("a") as stream:
        stream.write(f"{line}\n")


class StandIn(Provider):
    async def check(self, request):
        inputs = dict(request.new_inputs)
        if "Website::" in request.urn:
            inputs["release"] = PropertyValue(behaviour()["release"])
        return CheckResponse(inputs=inputs)

    async def diff(self, request):
        return DiffResponse(changes=any(request.old_state.get(key) != new for key, new in request.new_inputs.items()))

    async def work(self, urn, properties):
        said, name = behaviour(), urn.rsplit("::", 1)[-1]
        write(FOLDER / "creates.log", f"begin {name}")
        await asyncio.sleep(said.get("seconds", {}).get(name, 0))
        if name in said.get("fails", []):
            raise RuntimeError(f"{name} does not want to")
        write(FOLDER / "creates.log", f"end {name}")
        if "Publish::" in urn:
            line = {"operation": "publish", "platform": properties["platform"].value, "release": "r", "calls": 1}
            line |= {"files_sent": 2, "bytes_sent": 2000, "seconds": 0.5}
            write(Path(os.environ["PUBLISHER_JOURNAL"]), json.dumps(line))

    async def create(self, request):
        if not request.preview:
            await self.work(request.urn, request.properties)
        return CreateResponse(resource_id="made", properties=request.properties)

    async def update(self, request):
        if not request.preview:
            await self.work(request.urn, request.news)
        return UpdateResponse(properties=request.news)

    async def read(self, request):
        if request.resource_id == "absent":
            return ReadResponse(resource_id="", properties={}, inputs={})
        read = {**request.properties, "readFrom": PropertyValue(request.resource_id)}
        return ReadResponse(resource_id=request.resource_id, properties=read, inputs=request.inputs)

    async def delete(self, request):
        return None


main(sys.argv[1:], "0.0.1", StandIn())
