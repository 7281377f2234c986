"""Shapes of health answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Test(BaseModel):
    """One thing looked at, with its finding in both languages."""

    name: str
    ok: bool
    milliseconds: float
    message_zh: str
    message_en: str


class Health(BaseModel):
    """The answer: `ok` only if every test is."""

    status: Literal["ok", "not_ok"]
    network: str
    test_chain: bool
    tests: list[Test]


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
