"""A digest in requests and answers: 64 lowercase hexadecimal digits; how it is described, and how it is read."""

from __future__ import annotations

import re
from typing import Any

DIGEST: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
