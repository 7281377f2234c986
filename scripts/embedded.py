"""The embedded network: from an empty folder to a chain with contracts, sample departments, open logs and a trust file.

Every step may be interrupted and is run again at the next start: keys and records are made once and kept, calls to the
chain change nothing where they were made before. So this is also what mends a chain that came back shorter.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from api.auth import TokenStore, ensure_tokens
from api.keyring import Keyring
from ledger.errors import ConfigurationError
from ledger.evm.deploy import deploy
from ledger.evm.founding import SAMPLE_MEMBER, TrustKey, alone
from ledger.evm.launcher import STATE, EmbeddedChain, start_anvil
from ledger.evm.profiles import profile_named
from ledger.evm.rpc import Rpc
from ledger.types import BlockTime, DepartmentCode, Digest, Millis, Origin, Role
from notary.entry import log_id, make_origin, parse_origin
from notary.rotation import announced
from notary.trust import LogKey, TrustFile, make_trust, parse_trust, read_trust, trust_hash
from scripts.commands.files import replace_file
from scripts.key_files import origin_of
from scripts.ports import await_free, loopback_port, patience
from scripts.samples import SampleDepartment, sample_network

if TYPE_CHECKING:
    from api.settings import Settings
    from ledger.evm.deployment import Deployment
    from ledger.ports import Signer

NETWORK = "hubei-demo"
"""A network name belongs to one genesis, ever (formats.md §4); this one is followed by the first digits of its own."""
RENEW_BEFORE = Millis(60 * 24 * 3_600_000)
"""The trust file is made anew this long before it ends."""
ACCREDITED_SINCE = BlockTime(1_577_808_000)
"""2020-01-01 in Beijing: before any sample certificate's chain."""
ROLES = Role.ANCHOR | Role.STATUS
GRACE = 10.0
"""Seconds that a chain process has to write its state and end."""

Say = Callable[[str], None]


class ChainProcess:
    """The embedded chain as a child of the supervisor; a port of its own is kept over restarts."""

    def __init__(self, settings: Settings) -> None:
        port = loopback_port(settings.rpc_url)
        if port is None:
            raise ConfigurationError("cli.up.not_local", url=settings.rpc_url)
        self._folder, self._pid_file = _places(settings)
        end_leftover(self._pid_file, self._folder)
        if not await_free("127.0.0.1", port, patience(settings)):
            raise ConfigurationError("cli.up.rpc_port_taken", port=port)
        self.chain: EmbeddedChain = start_anvil(self._folder, port)
        self._pid_file.write_text(f"{self.chain.pid}\n", encoding="ascii")

    def poll(self) -> int | None:
        """None while it runs."""
        return None if self.chain.running else 1

    def end(self) -> None:
        self.chain.stop()
        self._pid_file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Network:
    """What a start found or made; `tokens` are new ones, to be shown once (api.auth.tokens_shown)."""

    deployment: Deployment
    trust: TrustFile
    tokens: list[tuple[DepartmentCode, Role, str]]


def prepare(settings: Settings, say: Say = lambda step: None) -> Network:
    """Keys, contracts, departments, logs, trust file, tokens: whatever isn't there yet. The chain must answer."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = Keyring(settings.keys_dir)
    keyring.make_machine_keys()
    issuers = sample_network().issuers
    rpc, profile = Rpc(settings.rpc_url), profile_named(settings.engine_profile)
    say("deploying")
    network = _network_name(settings, rpc)
    origins = {d.code: make_origin(network, d.code) for d in issuers}
    # Shards that were begun after a closing have a key already, or had one.
    folders = settings.logs_dir.iterdir() if settings.logs_dir.is_dir() else ()
    here = [o for o in filter(None, map(origin_of, folders)) if parse_origin(o).network == network]
    held = {*keyring.origins(), *here} - set(origins.values())
    shards = sorted(o for o in held if parse_origin(o).issuer in origins)
    kept = [*origins.values(), *shards]
    lost = _lost_log_keys(settings, keyring, kept)
    for code, origin in origins.items():
        keyring.make_department_keys(code, origin, settings.lanes)
    council = None  # that of the record, if there is one
    if not settings.deployment_path.exists():
        council = alone(SAMPLE_MEMBER, keyring.owner().address, TrustKey("intl", keyring.council().public_key))
    deployment = deploy(rpc, profile, keyring.owner(), network, settings.deployment_path, founding=council)
    trust = _trust(settings, keyring, deployment, kept)
    for origin in lost:  # verifiers know the new key from here on
        keyring.lost_log_key(origin).fill()
    say("departments")
    _admit(settings, keyring, deployment, issuers, kept)
    _write_directory(settings.directory_path)
    tokens = ensure_tokens(TokenStore(settings.tokens_path), [d.code for d in issuers])
    return Network(deployment, trust, tokens)


def _lost_log_keys(settings: Settings, keyring: Keyring, origins: Iterable[Origin]) -> list[Origin]:
    """Logs that are there without their key, for which people made another (`log rotate-key --lost`).

    ConfigurationError `cli.up.log_key` where they didn't: no verifier would know a new one, and all that it promised
    would be lost.
    """
    known, lost = keyring.origins(), list[Origin]()
    for origin in origins:
        if origin not in known and (settings.logs_dir / quote(origin, safe="")).is_dir():
            if keyring.next_log_key(origin) is None:
                path = str(keyring.lost_log_key(origin).path)
                raise ConfigurationError("cli.up.log_key", origin=origin, path=path)
            lost.append(origin)
    return lost


def _admit(
    settings: Settings,
    keyring: Keyring,
    deployment: Deployment,
    issuers: Iterable[SampleDepartment],
    origins: Sequence[Origin],
) -> None:
    """Departments, types, operators, accreditations and logs on the chain; waits until they are final there."""
    from ledger.evm.network import NetworkPlan, Operator, bootstrap
    from ledger.store.engine import open_engine, upgrade

    network = sample_network()
    lanes, owner = keyring.lanes(), keyring.owner()
    issuers = list(issuers)
    plan = NetworkPlan(
        departments=[(d.code, d.division) for d in network.departments],
        types=[(t.code, t.competent) for t in network.types],
        operators=[Operator(k.address, d.code, ROLES, _person(d.code)) for d in issuers for k in lanes[d.code]],
        accreditations=[(issuer, code, ACCREDITED_SINCE, None) for issuer, code in network.accreditations],
        logs=[(origin, log_id(origin), lanes[parse_origin(origin).issuer][0].address) for origin in origins],
        trust_file=_first_trust(settings.trust_path),
    )
    engine = open_engine(settings.database)
    try:
        upgrade(engine)
        signers = {key.address: key for key in (owner, *(k for keys in lanes.values() for k in keys))}
        rpc, profile = Rpc(settings.rpc_url), profile_named(settings.engine_profile)
        bootstrap(engine, rpc, profile, deployment, signers, plan=plan)
    finally:
        engine.dispose()


def _first_trust(path: Path) -> tuple[Digest, int]:
    """(hash, sequence) of the trust file that all later ones follow: what is pinned on the chain."""
    first = read_trust(_version_of(path, 1).read_bytes())
    return trust_hash(first), first.sequence


def _version_of(path: Path, sequence: int) -> Path:
    """Where each version of the trust file is kept: who comes late follows them from the one that was pinned."""
    return path.with_name(f"trust-{sequence:06d}.json")


def _person(code: DepartmentCode) -> bytes:
    """A sample operator has no person behind it: a hash that says so, another one for each department."""
    return sha256(b"chuzheng/sample-operator/v1\0" + code.encode("ascii")).digest()


def end_chain(settings: Settings) -> None:
    """Ends whatever chain process works on this data folder, whether or not its start was over. For who has the folder
    alone."""
    folder, pid_file = _places(settings)
    end_leftover(pid_file, folder)


def _places(settings: Settings) -> tuple[Path, Path]:
    """The chain's folder, and the file with its process id."""
    folder = settings.chain_dir.absolute()
    return folder, folder / "anvil.pid"


def end_leftover(pid_file: Path, folder: Path) -> None:
    """Ends a chain process that a killed supervisor left behind: by its own pid, and only if it works on `folder`."""
    for pid in _leftovers(pid_file, folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while _works_on(pid, folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        if _works_on(pid, folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)


def _leftovers(pid_file: Path, folder: Path) -> list[int]:
    """The process in the file, and, where the system lists them, one that was started but not written down yet."""
    found = {int(path.name) for path in Path("/proc").glob("[0-9]*")}
    with contextlib.suppress(OSError, ValueError):
        found.add(int(pid_file.read_text(encoding="ascii")))
    return sorted(pid for pid in found if pid != os.getpid() and _works_on(pid, folder))


def _works_on(pid: int, folder: Path) -> bool:
    """Whether the process has the chain's state among its arguments."""
    try:
        return os.fsencode(folder / STATE) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _network_name(settings: Settings, rpc: Rpc) -> str:
    """The deployment's network, or a new name that no other genesis has."""
    from ledger.evm.deployment import chain_identity, load_deployment

    if settings.deployment_path.exists():
        return load_deployment(settings.deployment_path).network
    return f"{NETWORK}-{chain_identity(rpc)[1][2:10]}"


def _write_directory(path: Path) -> None:
    """Names of the sample departments, for people; left alone once it is there."""
    if path.exists():
        return
    names = {d.code: {"name_zh": d.name, "name_en": "", "contact": ""} for d in sample_network().departments}
    replace_file(path, json.dumps(names, ensure_ascii=False, indent=1).encode())


def _trust(settings: Settings, keyring: Keyring, deployment: Deployment, origins: Sequence[Origin]) -> TrustFile:
    """The trust file, made where there is none and followed by a new version before it ends or when a log is new."""
    from ledger.evm.blocks import latest_block

    path = settings.trust_path
    now = Millis(time.time_ns() // 1_000_000)
    before = read_trust(path.read_bytes()) if path.exists() else None
    if before is not None and before.genesis_hash != deployment.genesis_hash:
        raise ConfigurationError(
            "deployment.other_genesis", expected=before.genesis_hash, found=deployment.genesis_hash
        )
    signers = keyring.log_signers()
    listed = before.log_keys if before else ()
    known = {key.origin for key in listed}
    for origin in origins:  # a key that was prepared is announced (notary/rotation.py)
        if origin in known and (following := keyring.next_log_key(origin)) is not None:
            listed = announced(listed, origin, following.public_key, now)
    if (
        before is not None
        and set(origins) <= known
        and listed == before.log_keys
        and before.expires - now > RENEW_BEFORE
        # A chain that lost its contracts has them in other blocks now, and nobody looks below `from_block`.
        and set(before.contracts) == set(deployment.contracts)
        and before.snapshot_key is not None
    ):
        return before
    new = [
        LogKey(o, o, signer.public_key, now)
        for o in origins
        if o not in known and (signer := signers.get(o) or keyring.next_log_key(o)) is not None
    ]
    data = make_trust(
        network=deployment.network,
        chain_id=deployment.chain_id,
        genesis_hash=deployment.genesis_hash,
        finality="none",
        council=_council(deployment, keyring.council()),
        contracts=deployment.contracts,
        log_keys=[*listed, *new],
        issued_at=now,
        as_of_block=latest_block(Rpc(settings.rpc_url)).number,
        snapshot_key=(before and before.snapshot_key) or keyring.snapshot().public_key,
        after=before,
    )
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    trust = parse_trust(data)
    replace_file(_version_of(path, trust.sequence), data)
    replace_file(path, data)
    return trust


def _council(deployment: Deployment, key: Signer) -> list[tuple[str, Signer]]:
    """The members that sign the trust file, as the deployment record has them; here that is one, with the key of here.

    ConfigurationError if the record names other keys: their holders sign.
    """
    members = deployment.council.members if deployment.council else ()
    if len(members) != 1 or (members[0].trust and members[0].trust.key != key.public_key):
        raise ConfigurationError("deployment.council_elsewhere")
    return [(members[0].code, key)]
