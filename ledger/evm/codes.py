"""How codes travel in bytes32: ASCII, left-aligned, zero bytes behind (contracts.md)."""

from __future__ import annotations

from ledger.errors import InputError, UnavailableError
from ledger.types import DepartmentCode, Digest, TypeCode

ZERO = bytes(32)


def code_bytes(code: str) -> bytes:
    """bytes32 of a department's or a type's code; whether it is a right one is for contract and callers."""
    if not (0 < len(code) <= 32 and code.isascii()):
        raise InputError("chain.code", length=len(code))
    return code.encode("ascii").ljust(32, b"\0")


def _text(value: bytes) -> str:
    try:
        return value.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise UnavailableError("chain.undecodable", what="code") from error


def department_code(value: bytes) -> DepartmentCode:
    return DepartmentCode(_text(value))


def type_code(value: bytes) -> TypeCode:
    return TypeCode(_text(value))


def optional(value: bytes) -> Digest | None:
    """None for the zero that means "none given"."""
    return None if value == ZERO else Digest(value)
