"""The resources a component registers, recorded under Pulumi's mocks."""

from __future__ import annotations

import asyncio

import pulumi


class Graph(pulumi.runtime.Mocks):
    """Records every resource; ``computed`` gives outputs by type beside the inputs."""

    def __init__(self, computed=None):
        self.resources = []
        self.computed = computed or {}

    def new_resource(self, args):
        self.resources.append(args)
        return f"{args.name}-id", {**args.inputs, **self.computed.get(args.typ, {})}

    def call(self, args):
        return {}

    def of(self, kind):
        return [found.inputs for found in self.resources if found.typ == kind]

    def named(self, name):
        return next(found for found in self.resources if found.name == name)


async def settled():
    """Wait until every registration and every output is done."""
    while pending := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
        await asyncio.wait(pending)
