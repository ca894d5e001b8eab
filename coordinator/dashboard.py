"""Writes deploy/grafana-dashboard.json: one panel for each metric that the coordinator has, made from their list.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from coordinator.metrics import Metrics
from coordinator.places import ROOT
from coordinator.watching.metrics import WatchMetrics

DASHBOARD = Path("deploy/grafana-dashboard.json")
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_ACROSS, _WIDTH, _HEIGHT = 2, 12, 8
#: End of a metric's name → Grafana's unit. https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/
_UNITS = {"_timestamp_seconds": "dateTimeFromNow", "_seconds": "s", "_days": "d", "_ratio": "percentunit"}
_MILLISECONDS = 1000


def measured() -> list[MetricWrapperBase]:
    """Every metric of the coordinator: those of the status page's ``/metrics``, then those of the webhooks'."""
    return [*_of(WatchMetrics().registry), *_of(Metrics().registry)]


def dashboard() -> dict[str, Any]:
    """The dashboard; whoever imports it chooses the data source."""
    panels = [_panel(place, metric) for place, metric in enumerate(measured())]
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "peacefulrobot",
        "title": "Website: what is watched and deployed",
        "tags": ["website"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def queries(metric: MetricWrapperBase) -> Iterator[tuple[str, str]]:
    """What a panel asks Prometheus, each with its legend."""
    name, labels = str(metric._name), tuple(metric._labelnames)  # noqa: SLF001 - there is no public way
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or name
    if isinstance(metric, Histogram):
        by = ", ".join(("le", *labels))
        for quantile in ("0.5", "0.95"):
            inner = f"sum by ({by}) (rate({name}_bucket[$__rate_interval]))"
            yield f"histogram_quantile({quantile}, {inner})", f"{legend} {float(quantile):.0%}"
    elif isinstance(metric, Counter):
        yield f"sum by ({', '.join(labels)}) (increase({name}_total[$__rate_interval]))", legend
    elif name.endswith("_timestamp_seconds"):
        yield f"{name} * {_MILLISECONDS}", legend  # Grafana counts moments in milliseconds
    else:
        yield name, legend


def _of(registry: CollectorRegistry) -> list[MetricWrapperBase]:
    found = list(dict.fromkeys(registry._collector_to_names))  # noqa: SLF001 - there is no public way
    return [one for one in found if isinstance(one, Gauge | Counter | Histogram)]


def _panel(place: int, metric: MetricWrapperBase) -> dict[str, Any]:
    name = str(metric._name)  # noqa: SLF001
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "short")
    targets = [
        {"refId": chr(ord("A") + number), "expr": expr, "legendFormat": legend, "datasource": _SOURCE}
        for number, (expr, legend) in enumerate(queries(metric))
    ]
    return {
        "id": place + 1,
        "type": "stat" if unit == "dateTimeFromNow" else "timeseries",
        "title": str(metric._documentation),  # noqa: SLF001
        "datasource": _SOURCE,
        "gridPos": {
            "x": place % _ACROSS * _WIDTH,
            "y": place // _ACROSS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    (ROOT / DASHBOARD).write_text(text(), "utf-8")
