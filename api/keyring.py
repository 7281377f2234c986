"""The keys of one machine, by name in the data folder's `keys/`: every file 0600, made once, never overwritten.

owner.key               secp256k1, the contracts' owner (stands in for the Council)
council.pem             Ed25519, signs the trust file
snapshot.pem            Ed25519, signs snapshots; the trust file names it
storage.key             32 bytes in hex, wraps the keys of records
logs/<origin>.pem       Ed25519, one per log: promises and checkpoints; `<origin>` percent-encoded
logs/<origin>.keys/     the next one and those before it (ledger/crypto/log_keys.py)
operators/<code>.key    secp256k1, a department's operator on the chain; further lanes: <code>.2.key, <code>.3.key …
issuers/<code>.pem      Ed25519 or P-256, a department's own key where this machine signs credentials' status lists
wraps/<code>.pem        X25519, files are wrapped to it

Keys of logs, issuers and wraps are looked at when they are used. A further lane counts for a process from its next
start on: the Council must have appointed it before, and the process that sends must know it.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from api.key_folder import K, KeyFolder
from ledger.crypto.keys import (
    check_private,
    create_signing_key,
    create_wrap_key,
    load_department_signer,
    load_signer,
    load_wrap_key,
)
from ledger.crypto.log_keys import LogKeyFiles
from ledger.errors import ConfigurationError
from ledger.ports import Signer
from ledger.types import DepartmentCode, Origin

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from ledger.evm.transactions import EvmKey


class Keyring:
    """Reads keys; the `make_` calls make what isn't there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._logs = folder / "logs"
        self._operators = folder / "operators"
        self._wraps = folder / "wraps"

    def make_machine_keys(self) -> None:
        """Owner, council, snapshot and storage key."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.owner()
        for name in ("council.pem", "snapshot.pem"):
            if not (self.folder / name).exists():
                create_signing_key(self.folder / name)
        storage = self.folder / "storage.key"
        if not storage.exists():
            draft = self.folder / ".storage.key.new"
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
            draft.replace(storage)

    def make_department_keys(self, code: DepartmentCode, origin: Origin, lanes: int = 1) -> None:
        """Operator, log and wrap key of a department that keeps a log here; `lanes` operator keys in all. No log key
        where the one that takes a lost one's place is made already."""
        for folder in (self._logs, self._operators, self._wraps):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        from ledger.evm.transactions import load_or_make_key

        for number in range(1, lanes + 1):
            load_or_make_key(self._lane(code, number))
        if not self._log(origin).exists() and self.next_log_key(origin) is None:
            create_signing_key(self._log(origin))
        if not (self._wraps / f"{code}.pem").exists():
            create_wrap_key(self._wraps / f"{code}.pem")

    def owner(self) -> EvmKey:
        """The owner's key, made at first use."""
        from ledger.evm.transactions import load_or_make_key

        return load_or_make_key(self.folder / "owner.key")

    def council(self) -> Signer:
        """The key that signs the trust file."""
        return load_signer(f"file:{self.folder / 'council.pem'}")

    def snapshot(self) -> Signer:
        """The key that signs snapshots."""
        return load_signer(f"file:{self.folder / 'snapshot.pem'}")

    def storage_key(self) -> bytes:
        """32 bytes; ConfigurationError if the file is missing or isn't one."""
        path = self.folder / "storage.key"
        try:
            check_private(str(path), path.stat().st_mode)
            key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            raise ConfigurationError("key.unreadable", address=str(path), reason="storage key") from None
        if len(key) != 32:
            raise ConfigurationError("key.form", address=str(path))
        return key

    def origins(self) -> list[Origin]:
        """Logs that this machine has a key for."""
        return sorted(Origin(unquote(path.stem)) for path in self._logs.glob("*.pem"))

    def log_addresses(self) -> dict[Origin, str]:
        """Key address (`file:…`) of each log, for processes that load keys themselves."""
        return {origin: f"file:{self._log(origin)}" for origin in self.origins()}

    def log_signers(self) -> dict[Origin, Signer]:
        """Signer of each log; a rotation is seen without a restart."""
        return {origin: self.log_key(origin) for origin in self.origins()}

    def log_key(self, origin: Origin) -> LogKeyFiles:
        """The keys of one log."""
        return LogKeyFiles(self._log(origin))

    def lost_log_key(self, origin: Origin) -> LogKeyFiles:
        """The keys of a log whose present one is gone: only the next one can be made, asked for, and put in place."""
        return LogKeyFiles(self._log(origin), lost=True)

    def next_log_key(self, origin: Origin) -> Signer | None:
        """The key that is to sign next, whether or not the present one is there; None where none is made."""
        return self.lost_log_key(origin).next()

    def operators(self) -> dict[DepartmentCode, EvmKey]:
        """First operator key of each department."""
        return {code: keys[0] for code, keys in self.lanes().items()}

    def lanes(self) -> dict[DepartmentCode, tuple[EvmKey, ...]]:
        """All operator keys of each department, the first one first; a further one counts once it is there."""
        from ledger.evm.transactions import load_key

        found: dict[DepartmentCode, list[tuple[int, EvmKey]]] = {}
        for path in self._operators.glob("*.key"):
            code, _, number = path.stem.partition(".")
            found.setdefault(DepartmentCode(code), []).append((int(number or 1), load_key(path)))
        return {code: tuple(key for _, key in sorted(found[code], key=lambda f: f[0])) for code in sorted(found)}

    def wrap_key(self, code: DepartmentCode) -> X25519PrivateKey:
        """The key that a department's files are wrapped to."""
        return load_wrap_key(f"file:{self._wraps / f'{code}.pem'}")

    def issuing_signers(self) -> KeyFolder[Signer]:
        """Departments' own keys, as far as they lie here; the chain says which ids they have. Seen without a restart;
        ConfigurationError at once for what isn't one."""
        return _all_readable(KeyFolder(self.folder / "issuers", load_department_signer))

    def wrap_publics(self) -> KeyFolder[X25519PublicKey]:
        """Public half of each department's wrap key: enough to encrypt to it. As for `issuing_signers`."""
        return _all_readable(KeyFolder(self._wraps, lambda address: load_wrap_key(address).public_key()))

    def _lane(self, code: DepartmentCode, number: int) -> Path:
        return self._operators / (f"{code}.key" if number == 1 else f"{code}.{number}.key")

    def _log(self, origin: Origin) -> Path:
        return self._logs / f"{quote(origin, safe='')}.pem"


def _all_readable(keys: KeyFolder[K]) -> KeyFolder[K]:
    dict(keys)
    return keys
