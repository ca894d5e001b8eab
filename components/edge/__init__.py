"""The edge: one name, served from whichever platform is healthy, behind Cloudflare.

``Edge`` (edge.py) is put together from ``probing.py`` (monitor and pools) and ``balancing.py`` (load balancer and
alert), or from ``serving.py`` (Worker and route; the script is ``worker/``, put together by ``script.py``), and from
``zone.py`` (DNS records, zone settings, rules). The facts about Cloudflare that these modules lean on carry their
source beside them.
"""

from __future__ import annotations

from components.edge.args import EdgeArgs, EdgeError
from components.edge.edge import Edge

__all__ = ["Edge", "EdgeArgs", "EdgeError"]
