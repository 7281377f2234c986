"""`chuzheng log rotate-key`: a log's new key, in the two steps between which the trust file announces it."""

from __future__ import annotations

import time
from pathlib import Path

from ledger.errors import ConfigurationError, ConflictError, NotFoundError
from ledger.types import Millis, Origin
from scripts import output


def rotate(origin: str, home: Path | None, *, as_json: bool) -> None:
    """Make the next key if there is none; use it if the trust file in force announces it."""
    from api.backstage import open_backstage
    from api.keyring import Keyring
    from api.settings import load
    from api.trusted import TrustSource
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
    trusted = TrustSource(settings.trust_path, bytes.fromhex(settings.trust_pin) if settings.trust_pin else None).now()
    if trusted is None:
        raise ConfigurationError("snapshot.no_trust", file=str(settings.trust_path))
    now = Millis(time.time_ns() // 1_000_000)
    try:
        check_announced(trusted.file, Origin(origin), keys.public_key, following.public_key, now)
    except ConflictError as error:
        if error.code != "rotate.not_announced":
            raise
        payload = output.message("chuzheng-key-rotation/1", "cli.rotate.prepared", public=public)
        output.finish({**payload, **told, "switched": False, "index": None}, as_json=as_json)
        return
    back = open_backstage(settings)
    try:
        index = rotate_key(back.notary, Origin(origin), keys, trusted.file, now)
    except ConflictError:
        if keys.public_key != following.public_key:
            raise
        index, _ = keys.before()[-1]  # somebody else has switched to this very key meanwhile
    finally:
        back.close()
    payload = output.message("chuzheng-key-rotation/1", "cli.rotate.done", origin=origin, index=index)
    output.finish({**payload, **told, "switched": True, "index": index}, as_json=as_json)
