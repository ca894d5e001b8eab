"""Public keys as forges take them."""

from __future__ import annotations

import base64
import binascii


def is_public_key(text: str) -> bool:
    """Whether it is one line of OpenSSH's, whose base64 begins with the name of the algorithm."""
    words = text.split()
    if len(words) < 2 or "\n" in text.strip():
        return False
    try:
        return base64.b64decode(words[1], validate=True)[4:].startswith(words[0].encode())
    except (binascii.Error, ValueError):
        return False
