"""Shapes of answers about files."""

from __future__ import annotations

from typing import Any

from api.logs.schemas import ReceiptBody

FiledBody: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "receipt", "record"],
    "properties": {
        "schema": {"const": "chuzheng-filed/1"},
        "receipt": ReceiptBody,
        "record": {"type": "object", "description": "As committed; keep it beside the receipt and the file"},
    },
}
