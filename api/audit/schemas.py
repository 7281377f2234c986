"""Shapes of the audit's answers for the description of the interface."""

from __future__ import annotations

from typing import Any

EVENTS = "chuzheng-events/1"
EventsBody: dict[str, Any] = {
    "type": "object",
    "properties": {
        "schema": {"const": "chuzheng-events/1"},
        "events": {"type": "array", "items": {"type": "object", "description": "chuzheng-event/1"}},
        "waiting": {"type": "integer", "description": "Events that have no evidence yet; ask again later"},
    },
}
