"""Sample departments, certificates and documents that come with the program (README.md beside this file).

Nothing in them is real. Reading them is all this room does; loading them into a network is `scripts`' work.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ledger.types import DepartmentCode, TypeCode


@dataclass(frozen=True, slots=True)
class SampleDepartment:
    """A department to admit; `has_log` for issuers, not for authorities that only define types."""

    code: DepartmentCode
    name: str
    division: int
    has_log: bool


@dataclass(frozen=True, slots=True)
class SampleType:
    """A certificate type, its competent department, and the issuers accredited for it."""

    code: TypeCode
    name: str
    competent: DepartmentCode
    issuers: tuple[DepartmentCode, ...]


@dataclass(frozen=True, slots=True)
class SampleNetwork:
    """Everything to admit, define and accredit before the sample certificates can be anchored."""

    departments: tuple[SampleDepartment, ...]
    types: tuple[SampleType, ...]

    @property
    def issuers(self) -> tuple[SampleDepartment, ...]:
        return tuple(d for d in self.departments if d.has_log)

    @property
    def accreditations(self) -> tuple[tuple[DepartmentCode, TypeCode], ...]:
        return tuple((issuer, t.code) for t in self.types for issuer in t.issuers)


@cache
def sample_network() -> SampleNetwork:
    """The departments and types of departments.toml."""
    data = tomllib.loads(files(__name__).joinpath("departments.toml").read_text(encoding="utf-8"))
    departments = [
        SampleDepartment(DepartmentCode(d["code"]), d["name"], d["division"], key == "issuer")
        for key in ("issuer", "authority")
        for d in data[key]
    ]
    types = [
        SampleType(
            TypeCode(t["code"]), t["name"], DepartmentCode(t["competent"]), tuple(map(DepartmentCode, t["issuers"]))
        )
        for t in data["type"]
    ]
    return SampleNetwork(tuple(departments), tuple(types))


def sample_certificates() -> bytes:
    """sample_certificates.csv: 2,000 rows of 12 issuers."""
    return files(__name__).joinpath("sample_certificates.csv").read_bytes()


def sample_certificates_of(issuer: DepartmentCode) -> bytes:
    """The rows of one issuer with the names' line, byte for byte: what that department would send."""
    header, *rows = sample_certificates().splitlines(keepends=True)
    wanted = b"," + issuer.encode("ascii") + b","
    # The issuer's code is the third cell; the same text can't stand before it, and the identifier has it between dots.
    return header + b"".join(row for row in rows if wanted in row)
