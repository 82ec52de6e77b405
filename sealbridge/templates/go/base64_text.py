"""Standard base64 as Go's encoding/base64 decodes it. Knows nothing of what is encoded."""

from __future__ import annotations

import base64
import re

_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def decode(text: bytes) -> bytes:
    """The bytes that a text stands for: padded, line breaks anywhere, nothing else. Raises ValueError."""
    plain = text.translate(None, b"\r\n")
    # Python's own strict mode takes more padding than there is room for.
    if not _GROUPS.fullmatch(plain):
        raise ValueError("wrong base64")
    return base64.b64decode(plain)
