"""Who may write: bearer tokens, one per department and role set, until logins come with the console.

A token is `czt_<id>_<secret>`; the file keeps the SHA-256 of the secret (256 random bits: a slow hash adds nothing).
The plain token exists once, in the answer of `issue`. Comparing takes the same time whether or not the id exists.
Who changes the file holds a kernel lock beside it: a token that one process ended, another doesn't write back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ledger.errors import ConfigurationError, DeniedError
from ledger.types import DepartmentCode, Role
from notary.stores.disk import Disk, translated

SCHEMA = "chuzheng-tokens/1"
_UNSHOWN, _SHOWN = "first start, not shown yet", "first start"
_NOTHING = hashlib.sha256(b"no such token").hexdigest()

bearer = HTTPBearer(
    auto_error=False, description="Token of a department and its roles, made at first start and shown once."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


class Desk(IntEnum):
    """What a token lets do that no contract asks about: bits above those of ledger.types.Role."""

    ERASURE = 1 << 16
    LIBRARY = 1 << 17
    HEADS = 1 << 18


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes: a department, and what the token lets it do. `token_id` goes into logs, the secret never."""

    department: DepartmentCode
    roles: int
    token_id: str
    person: bytes = b""
    """Keyed hash of whose token it is (`person_hash`); empty: the token doesn't say."""

    def require(self, role: Role | Desk) -> None:
        """DeniedError `auth.role` if the token lacks `role`."""
        if not self.roles & role:
            raise DeniedError("auth.role", role=role.name, department=self.department)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as kept: `sha256` is of the secret's ASCII, hex; `roles` a mask of ledger.types.Role."""

    id: str
    department: str
    roles: int
    sha256: str
    label: str = ""
    person: str = ""
    """Keyed hash of whose token it is, hex: two tokens of one person are one person."""


class TokenStore:
    """The tokens file (0600). Re-read when it changes, so that issuing and ending need no restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock, self._disk = threading.Lock(), Disk()
        self._read: tuple[tuple[int, int], dict[str, StoredToken]] | None = None
        """Which file, and its tokens: one value, so that no thread sees one file's mark with another's tokens."""

    def all(self) -> list[StoredToken]:
        """Every token kept, without secrets."""
        return list(self._load().values())

    def issue(self, department: DepartmentCode, roles: int, label: str = "", person: bytes = b"") -> str:
        """Make a token and keep its hash; the answer is the only place where it can be read."""
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        kept = StoredToken(token_id, department, int(roles), _hash(secret), label, person.hex())
        with self._changing():
            self._write([*self._load().values(), kept])
        return f"czt_{token_id}_{secret}"

    def end(self, token_id: str) -> bool:
        """Forget a token; False if there was none of that id."""
        with self._changing():
            tokens = self._load()
            if token_id not in tokens:
                return False
            self._write([t for t in tokens.values() if t.id != token_id])
            return True

    def relabel(self, before: str, after: str) -> None:
        """Give another label to all tokens that have this one."""
        with self._changing():
            tokens = self._load().values()
            if any(t.label == before for t in tokens):
                self._write([replace(t, label=after) if t.label == before else t for t in tokens])

    def caller(self, presented: str) -> Caller:
        """Who presents this token; DeniedError `auth.token` for anything else, in equal time."""
        prefix, _, rest = presented.partition("_")
        token_id, _, secret = rest.partition("_")
        kept = self._load().get(token_id)
        same = hmac.compare_digest(_hash(secret), kept.sha256 if kept else _NOTHING)
        if prefix != "czt" or kept is None or not same:
            raise DeniedError("auth.token")
        return Caller(DepartmentCode(kept.department), kept.roles, kept.id, bytes.fromhex(kept.person))

    def _load(self) -> dict[str, StoredToken]:
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            return {}
        mark, read = (stat.st_mtime_ns, stat.st_ino), self._read
        if read is None or read[0] != mark:
            try:
                document = json.loads(self._path.read_text(encoding="utf-8"))
                if document["schema"] != SCHEMA:
                    raise ValueError(document["schema"])
                tokens = [StoredToken(**item) for item in document["tokens"]]
            except (OSError, ValueError, TypeError, KeyError):
                raise ConfigurationError("auth.tokens_file", file=self._path.name) from None
            self._read = read = mark, {t.id: t for t in tokens}
        return read[1]

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone among all processes, from reading to writing."""
        with self._lock, translated():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._disk.locked(self._path.with_name(f".{self._path.name}.lock")):
                yield

    def _write(self, tokens: list[StoredToken]) -> None:
        content = json.dumps({"schema": SCHEMA, "tokens": [asdict(t) for t in tokens]}, indent=1)
        self._disk.replace(self._path, content.encode())


def person_hash(storage_key: bytes, officer: str) -> bytes:
    """Keyed hash of an officer's number, 32 bytes: the same for the same person, nothing to guess it from."""
    number = unicodedata.normalize("NFKC", officer).strip().casefold()
    return hmac.digest(storage_key, b"chuzheng/officer/v1\0" + number.encode(), "sha256")


def ensure_tokens(store: TokenStore, departments: list[DepartmentCode]) -> list[tuple[DepartmentCode, Role, str]]:
    """One token per department and role (ANCHOR, STATUS) where it has none yet: the new ones, to be shown once.

    What an earlier start made and ended before `tokens_shown`, nobody can have read for sure: it is ended, and made
    again.
    """
    for token in store.all():
        if token.label == _UNSHOWN:
            store.end(token.id)
    existing = {(t.department, t.roles) for t in store.all()}
    return [
        (department, role, store.issue(department, int(role), _UNSHOWN))
        for department in departments
        for role in (Role.ANCHOR, Role.STATUS)
        if (department, int(role)) not in existing
    ]


def tokens_shown(store: TokenStore) -> None:
    """Those of `ensure_tokens` have been shown, and stay."""
    store.relabel(_UNSHOWN, _SHOWN)


async def caller_of(request: Request, credentials: Credentials) -> Caller:
    """FastAPI dependency: the caller, or 401 `auth.missing` / `auth.token`.

    Async, as all dependencies: FastAPI takes each plain function to a thread, which costs more than what it does.
    """
    if credentials is None:
        raise DeniedError("auth.missing")
    store: TokenStore = request.app.state.tokens
    return store.caller(credentials.credentials)


async def maybe_caller_of(request: Request, credentials: Credentials) -> Caller | None:
    """The caller of a route that anyone may read; a token that is given must be good."""
    return None if credentials is None else await caller_of(request, credentials)


CallerDep = Annotated[Caller, Security(caller_of)]
MaybeCaller = Annotated[Caller | None, Security(maybe_caller_of)]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
