"""`chuzheng witness`: a witness for other people's logs (C2SP tlog-witness): its key, and the server that cosigns.

It needs no data folder of ours, no chain and no database: a key, a folder for what it cosigned, and either trust files
or a list of verifier keys that say which logs it watches.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import ConfigurationError, UnreadableError
from ledger.types import Millis
from scripts import output
from scripts.commands.files import read_file
from scripts.commands.options import Json
from scripts.help import App
from scripts.ports import await_free
from scripts.problems import UsageError

if TYPE_CHECKING:
    from notary.checkpoint import VerifierKey
    from notary.stores.witness import Keys

witness_app = App(help="见证服务。/ A witness that cosigns checkpoints.")
NameOption = Annotated[str, typer.Option(help="见证名称，如 witness.example/w1 / name of the witness")]
KeyOption = Annotated[Path, typer.Option(help="见证密钥文件（0600）/ the witness's key file, 0600")]


def register(app: App) -> None:
    app.add_typer(witness_app, name="witness")


@witness_app.command("key")
def key(name: NameOption, key: KeyOption, json_: Json = False) -> None:
    """生成见证密钥（已有则显示公钥）。/ Make a witness's key, or show the public half of the one that is there."""
    from ledger.crypto.keys import create_signing_key, load_signer
    from notary.b64 import to_b64
    from notary.cosignature import parse_witness_vkey, witness_vkey
    from notary.trust_file import WitnessKey

    signer = load_signer(f"file:{key}") if key.exists() else create_signing_key(key)
    vkey = witness_vkey(WitnessKey(name, signer.public_key))
    try:
        parse_witness_vkey(vkey)
    except UnreadableError:
        raise UsageError("cli.usage.value", name="--name", reason=name[:60]) from None
    payload = output.message("chuzheng-witness-key/1", "cli.witness.key", path=str(key), vkey=vkey)
    output.finish(
        {**payload, "name": name, "vkey": vkey, "ed25519": to_b64(signer.public_key), "path": str(key)}, as_json=json_
    )


@witness_app.command("serve")
def serve(
    name: NameOption,
    key: KeyOption,
    state: Annotated[Path, typer.Option(help="存放已见证内容的目录 / folder for what was cosigned")],
    trust: Annotated[
        list[Path] | None, typer.Option(help="信任文件：见证其中的全部日志，可多个 / trust files, all their logs")
    ] = None,
    logs: Annotated[
        Path | None, typer.Option(help="其他日志的公钥，每行一个 vkey / verifier keys of other logs, one a line")
    ] = None,
    host: Annotated[str, typer.Option(help="监听地址 / address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 / port", min=0, max=65535)] = 8430,
    json_: Json = False,
) -> None:
    """为日志的检查点作见证签名；发现矛盾即留存双方签名。/ Cosign checkpoints; keep both pieces of any contradiction."""
    from api.wiring import SystemClock
    from api.witnessing import serve_witness
    from ledger.crypto.keys import load_signer
    from notary.stores.equivocations import FOLDER, Equivocations
    from notary.stores.witness import Witness

    if not trust and logs is None:
        raise UsageError("cli.usage.missing", name="--trust | --logs")
    keys = known_logs(trust or [], None if logs is None else read_file(logs))
    signer = load_signer(f"file:{key}")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if port and not await_free(host, port, 0.0):
        raise ConfigurationError("cli.witness.port_taken", host=host, port=port)
    witness = Witness(state, name, signer, keys, SystemClock(), keep=Equivocations(state / FOLDER).keep)
    payload = output.message("chuzheng-witness/1", "cli.witness.serving", name=name, url=f"http://{host}:{port}")
    output.finish({**payload, "name": name, "host": host, "port": port}, as_json=json_)
    serve_witness(witness, host, port)


def known_logs(trust: Sequence[Path], listed: bytes | None) -> Keys:
    """Keys by origin: of the trust files as they are now (read again when they change), and of a list of verifier keys,
    each of the log that it is named after. Blank lines and lines with # are passed over."""
    from api.trusted import TrustSource
    from notary.checkpoint import VerifierKey, parse_vkey

    fixed: dict[str, list[VerifierKey]] = {}
    for line in (listed or b"").decode("utf-8", "replace").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            found = parse_vkey(line.strip())
            fixed.setdefault(found.name, []).append(found)
    sources = [TrustSource(path) for path in trust]

    def keys(origin: str) -> Sequence[VerifierKey] | None:
        known = list(fixed.get(origin, ()))
        now = Millis(time.time_ns() // 1_000_000)
        for source in sources:
            trusted = source.now()
            if trusted is None or trusted.file.expired(now):
                continue
            current = [k for k in trusted.file.keys_of(origin) if k.valid_at(now)]
            known += [VerifierKey(k.name, k.ed25519) for k in current]
        return known or None

    return keys
