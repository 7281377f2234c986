"""`chuzheng trust key | draft | sign`: how the Council makes its next trust file (formats.md §8).

A draft is made from the chain and the version before; members look at what changes and sign one after the other, each
where its own key is. The file counts once enough members of the old and of the new council signed it: `trust update`
and every verifier hold it to that.
Over 300 lines: the three commands show and check the same draft, each before a person signs.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ConfigurationError, ConflictError, InputError
from ledger.types import Millis
from scripts import output
from scripts.asking import agreed
from scripts.commands.files import alone, read_file, replace_file, write_new
from scripts.commands.options import Json
from scripts.commands.trust import default_trust, moment
from scripts.help import wrap
from scripts.problems import UsageError

if TYPE_CHECKING:
    from ledger.evm.deployment import Deployment
    from ledger.ports import Signer
    from notary.trust import Contents, Member, TrustFile
    from notary.trust_changes import Change
    from notary.trust_file import LogKey

DAY = 24 * 3_600_000
WIDTH = 78

After = Annotated[
    Path | None,
    typer.Option("--after", help="上一版信任文件，默认本机的 / the version before, default: this machine's"),
]
KeyFile = Annotated[Path, typer.Option("--key", help="本单位的签名私钥文件 / this member's private key file")]


def register(app: typer.Typer) -> None:
    app.command("key")(key)
    app.command("draft")(draft)
    app.command("sign")(sign)


def key(
    file: Annotated[Path, typer.Argument(help="私钥文件（PEM，权限 0600） / private key file (PEM, mode 0600)")],
    new: Annotated[
        bool, typer.Option("--new", help="新建私钥，不覆盖已有的 / make the key; nothing is replaced")
    ] = False,
    log: Annotated[
        str | None, typer.Option("--log", help="这是哪个日志的密钥（来源名） / it is the key of this log (its origin)")
    ] = None,
    json_: Json = False,
) -> None:
    """显示公钥，交给理事会；--new 新建私钥。/ Show the public key, for the Council; --new makes the private one."""
    from ledger.crypto.keys import create_signing_key, load_signer
    from notary.b64 import to_b64
    from notary.checkpoint import VerifierKey
    from notary.entry import parse_origin

    if log is not None:
        parse_origin(log)
    if not new and not file.is_file():
        raise UsageError("cli.trust.no_key", path=str(file))
    signer = create_signing_key(file) if new else load_signer(f"file:{file}")
    public = to_b64(signer.public_key) if log is None else VerifierKey(log, signer.public_key).text()
    payload = output.message(
        "chuzheng-trust-key/1", "cli.trust.key" if log is None else "cli.trust.log_key", public=public
    )
    output.finish({**payload, "suite": signer.suite, "public": public, "log": log}, as_json=json_)


def draft(
    deployment: Annotated[Path, typer.Option("--deployment", help="部署记录 / deployment record")],
    rpc_url: Annotated[str, typer.Option("--rpc-url", help="链节点地址 / address of a chain node")],
    after: After = None,
    first: Annotated[bool, typer.Option("--first", help="首版：前面没有信任文件 / there is no version before")] = False,
    finality: Annotated[
        str | None,
        typer.Option(
            help="终局规则 qbft | depth:n | none，默认同上一版 / finality rule, default: as in the version before"
        ),
    ] = None,
    log_key: Annotated[
        list[str] | None,
        typer.Option(help="新增日志公钥（trust key --log 给出），可多次 / public key of a new log, may be repeated"),
    ] = None,
    snapshot_key: Annotated[
        str | None,
        typer.Option(help="快照公钥（trust key 给出），默认同上一版 / the snapshots' public key, default: as before"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="有效天数 / days that it stands")] = 365,
    out: Annotated[Path, typer.Option(help="草稿文件 / file to write")] = Path("trust.draft.json"),
    json_: Json = False,
) -> None:
    """由链和上一版起草新的信任文件，未签名。/ Draft the next trust file from the chain and the version before."""
    from ledger.evm.deployment import load_deployment
    from notary.trust import draft_trust, parse_trust, trust_hash

    if first and after is not None:
        raise UsageError("cli.trust.first_after")
    before = None if first else _before(after)
    if before is None and finality is None:
        raise UsageError("cli.trust.finality_needed")
    record = load_deployment(deployment)
    if before is not None and (before.network, before.genesis_hash) != (record.network, record.genesis_hash):
        raise InputError("trust.network", expected=before.network, found=record.network)
    now = Millis(time.time_ns() // 1_000_000)
    told = _contents(record, rpc_url, before, finality, log_key or [], now, days)
    if snapshot_key is not None:
        told["snapshot_key"] = _public(snapshot_key)
    members, threshold = _council(record, before)
    data = draft_trust(members=members, threshold=threshold, **told)
    write_new(out, data)
    trust = parse_trust(data)
    found = {"path": str(out), "sequence": trust.sequence, "hash": trust_hash(trust).hex()}
    payload = output.message("chuzheng-trust-draft/1", "cli.trust.drafted", path=out, sequence=trust.sequence)
    lines = [*_told(before, trust), "", payload[f"message_{output.language()}"]]
    output.result({**payload, **found, "changes": _as_json(before, trust)}, "\n".join(lines), as_json=json_)


def sign(
    file: Annotated[Path, typer.Argument(help="草稿或未签齐的信任文件 / draft, or one that lacks signatures")],
    member: Annotated[str, typer.Option("--member", help="签名的理事单位，如文件所写 / the member, as in the file")],
    key_file: KeyFile,
    after: After = None,
    first: Annotated[bool, typer.Option("--first", help="首版：前面没有信任文件 / there is no version before")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="已看过变更，不再询问 / the changes were looked at; don't ask")
    ] = False,
    instead: Annotated[
        bool,
        typer.Option(
            "--instead", help="此密钥签过的同一版另一份已作废 / another file of this version, signed before, is void"
        ),
    ] = False,
    json_: Json = False,
) -> None:
    """看清变更后，以本单位私钥签名；签名写入同一文件。/ Look at the changes, then sign with this member's key."""
    from ledger.crypto.keys import load_signer
    from notary.trust import check_follows, parse_trust, sign_trust, trust_hash
    from notary.trust_chain import Seen

    trust = parse_trust(read_file(file))
    if first != (trust.sequence == 1):
        raise UsageError("cli.trust.is_first" if trust.sequence == 1 else "cli.trust.is_not_first")
    before = None if first else _before(after)
    if before is not None:
        check_follows(before, trust)
    signer = load_signer(f"file:{key_file}")
    _check_member(member, signer, trust, before)
    memory = key_file.with_name(f"{key_file.name}.signed")
    _check_signed_before(memory, trust, instead=instead)
    if not json_:
        print("\n".join([*_told(before, trust), ""]))
    if not yes:
        if json_:
            raise UsageError("cli.trust.yes_needed")
        agreed(output.words("cli.trust.sign_it", sequence=trust.sequence, member=member))
    with alone(key_file), alone(file.parent):  # asking took its time: what was shown is signed, and nothing else since
        data = read_file(file)
        if trust_hash(parse_trust(data)) != trust_hash(trust):
            raise ConflictError("trust.changed_meanwhile", path=str(file))
        _check_signed_before(memory, trust, instead=instead)
        # First: a signature that nobody remembers could be given twice. It lies among keys, where nothing is open.
        replace_file(memory, Seen.of(trust).to_json(), private=True)
        data = sign_trust(data, member, signer)
        replace_file(file, data)
    state = _signatures(before, parse_trust(data))
    done = all(found >= needed for found, needed in state.values())
    payload = output.message(
        "chuzheng-trust-signed/1", "cli.trust.signed" if done else "cli.trust.signed_more", path=file,
        sequence=trust.sequence, hash=trust_hash(trust).hex(),
        state=", ".join(f"{found}/{needed}" for found, needed in state.values()),
    )  # fmt: skip
    payload |= {"path": str(file), "sequence": trust.sequence, "hash": trust_hash(trust).hex(), "complete": done}
    output.finish(
        {**payload, "signatures": {k: {"found": f, "needed": n} for k, (f, n) in state.items()}}, as_json=json_
    )


def _before(path: Path | None) -> TrustFile:
    """The version before, held to its own signatures; UsageError where there is none."""
    from notary.trust import read_trust

    chosen = path or default_trust(None)
    if path is None and not chosen.is_file():
        raise UsageError("cli.trust.before_needed")
    return read_trust(read_file(chosen))


def _public(text: str) -> bytes:
    """An Ed25519 public key in base64; UsageError if it is none."""
    from notary.b64 import from_b64

    found = from_b64(text)
    if found is None or len(found) != 32:
        raise UsageError("cli.usage.value", name="--snapshot-key", reason="base64, 32 bytes")
    return found


def _log_keys(rpc: Any, before: TrustFile | None, texts: list[str], now: Millis) -> list[LogKey]:
    """A log's first key counts from the chain's beginning: what it signed before this version was drafted must stand.
    A further key of a log counts from now."""
    from ledger.evm.blocks import block_at
    from ledger.types import Origin
    from notary.checkpoint import parse_vkey
    from notary.entry import parse_origin
    from notary.trust_file import LogKey

    vkeys = [parse_vkey(text) for text in texts]
    for vkey in vkeys:
        parse_origin(vkey.name)
    genesis = block_at(rpc, 0) if vkeys else None
    known = {each.origin for each in before.log_keys} if before else set()
    start = now if genesis is None else Millis(genesis.time * 1000)
    return [
        LogKey(Origin(vkey.name), vkey.name, vkey.public_key, now if vkey.name in known else start) for vkey in vkeys
    ]


def _all_log_keys(before: TrustFile | None, added: list[LogKey], now: Millis) -> list[LogKey]:
    """Those of the version before and the new ones; a key that gets a successor ends a while after it (ADR 0025)."""
    from notary.rotation import announced

    found = before.log_keys if before else ()
    known = {key.origin for key in found}
    for key in added:
        found = announced(found, key.origin, key.ed25519, now) if key.origin in known else (*found, key)
    return list(found)


def _contents(
    record: Deployment, rpc_url: str, before: TrustFile | None, finality: str | None, keys: list[str], now: Millis,
    days: int,
) -> Contents:  # fmt: skip
    """All but the council: contracts by the record, whose code the chain confirms; validators by the headers."""
    from ledger.evm.blocks import latest_block
    from ledger.evm.deployment import verify_deployment
    from ledger.evm.rpc import Rpc

    rpc = Rpc(rpc_url)
    verify_deployment(rpc, record)
    head = latest_block(rpc).number
    rule = finality or (before.finality if before else "")
    told: Contents = {
        "network": record.network, "chain_id": record.chain_id, "genesis_hash": record.genesis_hash,
        "finality": rule, "issued_at": now, "expires": Millis(now + days * DAY), "as_of_block": head,
        "contracts": record.contracts,
        "log_keys": _all_log_keys(before, _log_keys(rpc, before, keys, now), now),
        "validators": _validators(rpc, before, head) if rule == "qbft" else (before.validators if before else ()),
        "after": before,
    }  # fmt: skip
    if before is not None:
        told |= {
            "max_delay": dict(before.max_delay), "witnesses_needed": before.witnesses_needed,
            "witnesses": before.witnesses, "snapshot_key": before.snapshot_key,
            "max_snapshot_age": before.max_snapshot_age,
        }  # fmt: skip
    return told


def _validators(rpc: Any, before: TrustFile | None, head: int) -> list[Any]:
    """The sets of the version before, and what the headers list since its last one began."""
    from dataclasses import replace

    from ledger.evm.capture import validator_sets
    from notary.trust_file import ValidatorSet

    kept = sorted(before.validators if before else (), key=lambda each: each.from_block)
    start = kept[-1].from_block if kept else 0
    listed = [ValidatorSet(s.from_block, s.validators, s.until_block) for s in validator_sets(rpc, start, head)]
    if not kept:
        return listed
    if set(listed[0].validators) != set(kept[-1].validators):
        raise ConfigurationError("trust.validators_differ", block=start)
    # What people wrote into it (an end, stolen keys) stays; only a later set ends it.
    last = kept[-1] if len(listed) == 1 else replace(kept[-1], until_block=listed[1].from_block)
    return [*kept[:-1], last, *listed[1:]]


def _council(record: Deployment, before: TrustFile | None) -> tuple[tuple[Member, ...], int]:
    """(members, threshold) of the version before; of the deployment record for the first."""
    from notary.trust_file import Member

    if before is not None:
        return before.council, before.threshold
    founding = record.council
    found = [] if founding is None else [(m.code, m.trust) for m in founding.members]
    lacking = [code for code, trust in found if trust is None]
    if founding is None or lacking:
        raise ConfigurationError("trust.council_keys", members=", ".join(lacking) or "-")
    members = tuple(Member(code, trust.suite, trust.key) for code, trust in found if trust is not None)
    return members, founding.rules.threshold


def _check_member(member: str, signer: Signer, trust: TrustFile, before: TrustFile | None) -> None:
    """The key is that of the member, in the new council or the old one. InputError `trust.member_…`."""
    known = [*trust.council, *(before.council if before else ())]
    named = [each for each in known if each.member == member]
    if not named:
        raise InputError("trust.member_unknown", member=member, members=", ".join(sorted({m.member for m in known})))
    if not any((each.suite, each.key) == (signer.suite, signer.public_key) for each in named):
        raise InputError("trust.member_key", member=member)


def _check_signed_before(memory: Path, trust: TrustFile, *, instead: bool) -> None:
    """This key didn't sign another file of this version, nor a later one: two of one version, both signed, are a fork
    that stops every verifier. ConflictError `trust.signed_other`."""
    from notary.trust import trust_hash
    from notary.trust_chain import parse_seen

    seen = parse_seen(read_file(memory)) if memory.is_file() else None
    if seen is None or seen.sequence < trust.sequence or seen.hash == trust_hash(trust):
        return
    if seen.sequence > trust.sequence or not instead:
        raise ConflictError("trust.signed_other", signed=seen.sequence, sequence=trust.sequence)


def _signatures(before: TrustFile | None, trust: TrustFile) -> dict[str, tuple[int, int]]:
    """(there are, there must be) signatures of the old council, where there is one, and of the new."""
    from notary.trust import signers_of

    councils = {"new": trust} if before is None else {"old": before, "new": trust}
    return {name: (len(signers_of(each, trust)), each.threshold) for name, each in councils.items()}


def _told(before: TrustFile | None, trust: TrustFile) -> list[str]:
    """What the file says that the one before didn't, for a person, and its number and hash."""
    from notary.trust import trust_hash
    from notary.trust_changes import changes

    key = "cli.trust.whole" if before is None else "cli.trust.changes"
    lines = [output.words(key, sequence=trust.sequence), f"  hash {trust_hash(trust).hex()}"]
    for change in changes(before, trust):
        lines += _change(change)
    return lines


def _change(change: Change) -> list[str]:
    head = f"{change.sign.value} {change.member}"
    if isinstance(change.value, dict):
        parts = [f"{name} {_value(name, value)}" for name, value in change.value.items()]
        return [head, *(f"    {line}" for part in parts for line in wrap(part, WIDTH - 4))]
    return [*wrap(f"{head}  {_value(change.member, change.value)}", WIDTH)]


def _value(name: str, value: Any) -> str:
    if name in ("issued_at", "expires", "compromised_since", "from", "until") and type(value) is int:
        return moment(value)
    if name == "max_snapshot_age" or name.startswith("max_delay."):
        return f"{value} ms"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _as_json(before: TrustFile | None, trust: TrustFile) -> list[dict[str, Any]]:
    from notary.trust_changes import changes

    return [
        {"member": c.member, "change": c.sign.name.lower(), "value": json.loads(json.dumps(c.value))}
        for c in changes(before, trust)
    ]
