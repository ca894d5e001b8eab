"""How many connections and files a process may have open."""

from __future__ import annotations

import resource

_WANTED = 16384


def allow_many_files() -> None:
    """Raise this process's soft limit as far as it may.

    Each connection that the edge passes on takes four descriptors; the usual soft limit of 1024 is soon reached.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
