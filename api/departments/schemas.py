"""Shapes of answers about departments."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Suspended(BaseModel):
    """A time of suspension; block times, Unix seconds; `until` null: still."""

    since: int
    until: int | None
    reason: int


class Department(BaseModel):
    """A department: what the chain says, and its names for people."""

    code: str = Field(examples=["11420000MB9543829Q"])
    name_zh: str | None = Field(default=None, examples=["湖北省市场监督管理局"])
    name_en: str | None = None
    contact: str | None = None
    log: str | None = Field(default=None, description="Origin of its first log, where this notary writes it")
    division: int | None = Field(default=None, examples=[420000])
    admitted_at: int | None = Field(default=None, description="Block time, Unix seconds; null: not admitted")
    suspensions: list[Suspended] = []
    kind: str | None = Field(default=None, examples=["department", "service_operator"])
    succeeded_at: int | None = Field(
        default=None, description="Block time, Unix seconds, from which the successor decides; it may be to come"
    )
    successor: str | None = Field(default=None, description="Who carries what no part of the succession names")


class Departments(BaseModel):
    """A page of departments; `next` is the cursor of the following one."""

    items: list[Department]
    next: str | None = None
