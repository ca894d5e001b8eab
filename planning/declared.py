"""The stack's own settings, as the cost model needs them. Needs no engine, account or network."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from planning.consumption import Assumed, Declared
from planning.traffic import MB, Load, load_of

if TYPE_CHECKING:
    from components.settings import Settings


def declared_of(settings: Settings) -> Declared:
    """What of the settings bears on the cost."""
    return Declared(
        hosts=settings.hosts,
        plans={name: settings.plan_of(name) for name in settings.hosts},
        mode=settings.edge_mode,
        interval=settings.monitor_interval,
        regions=len(set(settings.monitor_regions)),
        keep=settings.keep_releases,
    )


def expected(settings: Settings, root: Path, assumed: Assumed) -> tuple[Load, bool]:
    """What the stack expects of a month, and whether the size of the site is an assumption."""
    measured = measured_site(root / settings.content)
    size, files = measured or (
        int(Decimal(str(assumed["site_megabytes"].value)) * MB),
        int(assumed["site_files"].value),
    )
    guessed = measured is None and not (settings.traffic.site_size and settings.traffic.files)
    return load_of(settings.traffic, size, files), guessed


def measured_site(folder: Path) -> tuple[int, int] | None:
    """Bytes and files of a folder without its Git data; None if there is none."""
    if not folder.is_dir():
        return None
    sizes = [
        (Path(place) / name).lstat().st_size
        for place, _, names in os.walk(folder)
        if ".git" not in Path(place).parts
        for name in names
    ]
    return sum(sizes), len(sizes)
