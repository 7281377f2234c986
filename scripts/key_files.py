"""The files in `keys/` one after the other, as `doctor` looks at them: there, private, whole, the right key.

Reads only, and tells of a key no more than where it lies. What each is for: api/keyring.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.texts import LANGUAGES, error_text, text
from ledger.types import Origin

if TYPE_CHECKING:
    from api.settings import Settings
    from ledger.crypto.log_keys import LogKeyFiles
    from notary.trust_file import TrustFile

OTHERS = 0o077


class Trouble(NamedTuple):
    """What is wrong with one file: the case chooses the words; one that isn't `needed` hinders nothing today."""

    case: str
    params: Mapping[str, Any]
    needed: bool = True


def troubles(settings: Settings) -> Iterator[Trouble]:
    """Everything that is wrong with the keys of this machine; nothing where all is well."""
    folder = settings.keys_dir
    if not folder.is_dir() or not any(folder.iterdir()):
        yield Trouble("missing", {"path": folder})
        return
    everything = [folder, *sorted(folder.rglob("*"))]
    if open_ := [path for path in everything if _mode(path) & OTHERS]:
        yield Trouble("open", {"path": open_[0], "count": len(open_), "folder": folder})
    yield from _damaged(settings, everything)
    yield from _logs(settings)
    yield from _council(settings)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:  # a draft that its writer has just put in place under its name
        return 0


def _damaged(settings: Settings, everything: list[Path]) -> Iterator[Trouble]:
    """Files that are there and aren't what their place says, and the three that every machine needs."""
    for path in everything:
        place = path.relative_to(settings.keys_dir)
        if (kind := _kind(place)) is None or not path.is_file():
            continue
        try:
            _LOADS[kind](path)
        except ChuzhengError as error:
            if not error.code.endswith(("open_to_others", "key_open")):  # that is said above, of all at once
                yield Trouble("damaged", {"path": path, **_what(kind), "why": _why(error)})
    for name, needed in (("storage.key", True), ("tokens.json", False), ("snapshot.pem", False)):
        if not (path := settings.keys_dir / name).exists():
            yield Trouble("gone", {"path": path, **_what(_TOP[name])}, needed)


def _logs(settings: Settings) -> Iterator[Trouble]:
    """Each log that lies here has its key, which is the one that others know it by; its department can anchor it."""
    from api.keyring import Keyring
    from notary.entry import parse_origin

    keyring, trust = Keyring(settings.keys_dir), _trust(settings)
    folders = settings.logs_dir.iterdir() if settings.logs_dir.is_dir() else ()
    held = {*keyring.origins(), *filter(None, map(origin_of, folders))}
    for origin in sorted(held | {key.origin for key in (trust.log_keys if trust is not None else ())}):
        path = settings.keys_dir / "logs" / f"{quote(origin, safe='')}.pem"
        operator = settings.keys_dir / "operators" / f"{parse_origin(origin).issuer}.key"
        if origin not in held:  # another machine's, or, where its department's operator is here, one without entries
            if operator.exists():
                yield Trouble("gone", {"path": path, **_what("log")}, needed=False)
            continue
        if not operator.exists():
            yield Trouble("gone", {"path": operator, **_what("operator")})
        if not path.exists():
            yield Trouble("gone", {"path": path, **_what("log")})
            continue
        try:
            key = keyring.log_key(origin)
        except ChuzhengError:
            continue  # it was named above
        if (trouble := _known(settings, origin, key, trust)) is not None:
            yield Trouble(trouble, {"path": path, "origin": origin, "key": key.public_key.hex()}, trouble != "unlisted")


def _known(settings: Settings, origin: Origin, key: LogKeyFiles, trust: TrustFile | None) -> str | None:
    """What is wrong with a log's key, which can be read: others know the log by another, or another signed it."""
    from notary.checkpoint import VerifierKey, parse_checkpoint
    from notary.rotation import LogKeys, former_keys

    listed = trust.keys_of(origin) if trust is not None else ()
    now = time.time_ns() // 1_000_000
    mine = [each for each in listed if each.ed25519 == key.public_key]
    if trust is not None and not mine:
        return "other" if listed else "unlisted"
    if mine and not any(each.valid_at(now) for each in mine):
        return "ended"
    try:
        note = (settings.logs_dir / quote(origin, safe="") / "checkpoint").read_text(encoding="utf-8")
        size = parse_checkpoint(note).size
    except (OSError, UnicodeDecodeError, UnreadableError):
        return None  # none yet, or a torn one: `log fsck` judges the log
    keys = LogKeys(VerifierKey(origin, key.public_key), former_keys(key, origin, trust))
    return None if keys.signed(note, size) else "not_signed"


def _council(settings: Settings) -> Iterator[Trouble]:
    """Where this machine's Council is one key, which only an embedded network's is: it is there, and the one that the
    trust file names."""
    trust, path = _trust(settings), settings.keys_dir / "council.pem"
    if settings.engine_profile != "anvil" or trust is None:
        return
    if not path.exists():
        yield Trouble("gone", {"path": path, **_what("council")})
        return
    try:
        key = _signer(path).public_key
    except ChuzhengError:
        return  # it was named above
    if all(member.key != key for member in trust.council):
        yield Trouble("other_council", {"path": path, "sequence": trust.sequence})


def _trust(settings: Settings) -> TrustFile | None:
    """None where there is none that can be read: that is the trust file's own line."""
    from notary.trust import read_trust

    try:
        return read_trust(settings.trust_path.read_bytes())
    except (OSError, ChuzhengError):
        return None


def origin_of(folder: Path) -> Origin | None:
    """The log that a folder in `logs/` holds; the indexes beside the logs are none."""
    from notary.entry import parse_origin

    origin = unquote(folder.name)
    try:
        parse_origin(origin)
    except InputError:
        return None
    return Origin(origin)


def _kind(place: Path) -> str | None:
    """What a file is for; None for what isn't a key of ours (drafts, tokens for other operators' logs)."""
    match place.parts:
        case (name,):
            return _TOP.get(name)
        case ("logs", name) | ("logs", _, name) if name.endswith(".pem"):
            return "log"
        case ("operators", name) if name.endswith(".key"):
            return "operator"
        case ("issuers" | "wraps" as which, name) if name.endswith(".pem"):
            return which.removesuffix("s")
        case _:
            return None


def _what(kind: str) -> dict[str, Any]:
    """What the file is, and what to do where no backup has it."""
    return {
        "what": {language: text(f"cli.doctor.keys.what.{kind}", language) for language in LANGUAGES},
        "lost": {language: text(f"cli.doctor.keys.lost.{kind}", language) for language in LANGUAGES},
    }


def _why(error: ChuzhengError) -> dict[str, str]:
    return {language: error_text(error, language) for language in LANGUAGES}


def _signer(path: Path) -> Any:
    from ledger.crypto.keys import load_signer

    return load_signer(f"file:{path}")


def _load_evm(path: Path) -> Any:
    from ledger.evm.transactions import load_key

    return load_key(path)


def _load_storage(path: Path) -> Any:
    from api.keyring import Keyring

    return Keyring(path.parent).storage_key()


def _load_issuer(path: Path) -> Any:
    from ledger.crypto.keys import load_department_signer

    return load_department_signer(f"file:{path}")


def _load_wrap(path: Path) -> Any:
    from ledger.crypto.keys import load_wrap_key

    return load_wrap_key(f"file:{path}")


def _load_tokens(path: Path) -> Any:
    from api.auth import TokenStore

    return TokenStore(path).all()


_TOP = {
    "owner.key": "owner", "council.pem": "council", "snapshot.pem": "snapshot", "storage.key": "storage",
    "tokens.json": "tokens",
}  # fmt: skip
_LOADS: dict[str, Callable[[Path], Any]] = {
    "owner": _load_evm, "council": _signer, "snapshot": _signer, "storage": _load_storage, "tokens": _load_tokens,
    "log": _signer, "operator": _load_evm, "issuer": _load_issuer, "wrap": _load_wrap,
}  # fmt: skip
