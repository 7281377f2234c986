"""`chuzheng log rotate-key`: a log's new key, in the two steps between which the trust file announces it.

`--lost`: the same where the present key is gone without a backup. Nothing signs for the log meanwhile, so the new key
takes the empty place once it is announced; a key that is there is never replaced by it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ledger.errors import ConfigurationError, ConflictError, NotFoundError
from ledger.types import Millis, Origin
from scripts import output

if TYPE_CHECKING:
    from api.settings import Settings
    from notary.trust_file import TrustFile


def rotate(origin: str, home: Path | None, *, as_json: bool) -> None:
    """Make the next key if there is none; use it if the trust file in force announces it."""
    from api.backstage import open_backstage
    from api.keyring import Keyring
    from api.settings import load
    from notary.checkpoint import VerifierKey
    from notary.rotation import check_announced, rotate_key

    settings = load({"home": home}).settings
    keyring = Keyring(settings.keys_dir)
    if Origin(origin) not in keyring.origins():
        raise NotFoundError("notary.no_log", origin=origin)
    keys = keyring.log_key(Origin(origin))
    following = keys.prepare()
    public = VerifierKey(Origin(origin), following.public_key).text()
    told = {"origin": origin, "public": public}
    trust, now = _trust(settings), Millis(time.time_ns() // 1_000_000)
    try:
        check_announced(trust, Origin(origin), keys.public_key, following.public_key, now)
    except ConflictError as error:
        if error.code != "rotate.not_announced":
            raise
        payload = output.message("chuzheng-key-rotation/1", "cli.rotate.prepared", public=public)
        output.finish({**payload, **told, "switched": False, "index": None}, as_json=as_json)
        return
    back = open_backstage(settings)
    try:
        index = rotate_key(back.notary, Origin(origin), keys, trust, now)
    except ConflictError:
        if keys.public_key != following.public_key:
            raise
        index, _ = keys.before()[-1]  # somebody else has switched to this very key meanwhile
    finally:
        back.close()
    payload = output.message("chuzheng-key-rotation/1", "cli.rotate.done", origin=origin, index=index)
    output.finish({**payload, **told, "switched": True, "index": index}, as_json=as_json)


def replace_lost(origin: str, home: Path | None, *, as_json: bool) -> None:
    """Make the key that follows a lost one, if there is none; put it in the empty place once the trust file in force
    lists it. ConflictError `rotate.not_lost` where a key is there."""
    from api.keyring import Keyring
    from api.settings import load
    from notary.checkpoint import VerifierKey

    settings = load({"home": home}).settings
    keys = Keyring(settings.keys_dir).lost_log_key(Origin(origin))
    if not keys.is_lost:
        raise ConflictError("rotate.not_lost", origin=origin, path=str(keys.path))
    if not (settings.logs_dir / quote(origin, safe="")).is_dir():
        raise NotFoundError("notary.no_log", origin=origin)
    following = keys.prepare()
    public = VerifierKey(Origin(origin), following.public_key).text()
    now, listed = Millis(time.time_ns() // 1_000_000), _trust(settings).keys_of(Origin(origin))
    used = any(key.ed25519 == following.public_key and key.valid_at(now) for key in listed)
    if used:
        keys.fill()
    code = "cli.rotate.replaced" if used else "cli.rotate.prepared_lost"
    payload = output.message("chuzheng-key-rotation/1", code, origin=origin, public=public)
    told = {"origin": origin, "public": public, "switched": used, "index": None}
    output.finish({**payload, **told}, as_json=as_json)


def _trust(settings: Settings) -> TrustFile:
    from api.trusted import TrustSource

    trusted = TrustSource(settings.trust_path, bytes.fromhex(settings.trust_pin) if settings.trust_pin else None).now()
    if trusted is None:
        raise ConfigurationError("snapshot.no_trust", file=str(settings.trust_path))
    return trusted.file
