"""`chuzheng chain …`, `chuzheng council …`: calls of the contracts by a person's own key, and the Council's proposals.

A proposal travels as a file between the members. What a member approves is read from the calls' bytes, never from what
the file says about them, and its hash is compared with what the chain has under that id.
Over 300 lines: the proposal's file, its reading and the commands that each send one call of it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import ConflictError, UnreadableError
from scripts import output
from scripts.commands.event import fetch_events
from scripts.commands.files import read_file, write_new
from scripts.commands.options import Home, Json, RpcUrl
from scripts.help import App
from scripts.problems import UsageError

if TYPE_CHECKING:
    from ledger.council import Proposal as OnChain
    from ledger.evm.council import Call
    from ledger.evm.deployment import Deployment
    from ledger.evm.direct import Done
    from ledger.evm.profiles import EngineProfile
    from ledger.evm.rpc import Rpc
    from ledger.types import Digest

FORMAT = "chuzheng-proposal/1"

chain_app = App(help="以本人密钥调用合约。/ Calls of the contracts by your own key.")
council_app = App(help="理事会提案。/ The Council's proposals.")

KeyFile = Annotated[
    Path, typer.Option("--key", help="账户密钥文件（64 位十六进制，权限 0600）/ the account's key file, mode 0600")
]
Record = Annotated[
    Path | None,
    typer.Option("--record", help="部署记录，默认数据目录里的 / deployment record, default: the data folder's"),
]
Target = Annotated[str, typer.Argument(help="合约.函数 / Contract.function")]
Words = Annotated[
    list[str] | None, typer.Argument(help="参数；none 为空，new 为新编号 / arguments; none, new for a new id")
]
ProposalFile = Annotated[Path, typer.Argument(help="提案文件 / file of the proposal")]


def register(app: App) -> None:
    app.add_typer(council_app, name="council")
    chain_app.command("events")(fetch_events)
    app.add_typer(chain_app, name="chain")


@dataclass(frozen=True, slots=True)
class Site:
    rpc: Rpc
    profile: EngineProfile
    deployment: Deployment

    def send(self, key: Path, call: Call, *, returns_bool: bool = False) -> Done:
        from ledger.evm.direct import send
        from ledger.evm.transactions import load_key

        return send(self.rpc, self.profile, self.deployment, load_key(key), call, returns_bool=returns_bool)


def connect(home: Path | None, rpc_url: str | None, record: Path | None) -> Site:
    """The chain and its contracts, as settings and record say; versions that the Council named since are known too."""
    from api.settings import load
    from ledger.evm.deploy import follow_registry
    from ledger.evm.deployment import load_deployment, verify_deployment
    from ledger.evm.profiles import profile_named
    from ledger.evm.rpc import Rpc

    settings = load({"home": home, "rpc_url": rpc_url}).settings
    rpc = Rpc(settings.rpc_url)
    deployment = load_deployment(record or settings.deployment_path)
    verify_deployment(rpc, deployment)
    return Site(rpc, profile_named(settings.engine_profile), follow_registry(rpc, deployment))


@chain_app.command("call")
def chain_call(
    target: Target, key: KeyFile, words: Words = None,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """先试算，再发送并等到终局；被拒绝时说明原因。/ Try, send, wait until it is final; says why if refused."""
    from ledger.evm.arguments import parse_words, told
    from ledger.evm.artifacts import artifact

    site = connect(home, rpc_url, record)
    call = parse_words(target, words or (), site.deployment)
    line = told(call.to, call.data, site.deployment)
    output.say("cli.call.sending", call=line)
    returns_bool = artifact(call.contract).functions[call.function].outputs == ("bool",)
    done = site.send(key, (call.to, call.data), returns_bool=returns_bool)
    code = "cli.call.nothing" if done.tx_hash is None else "cli.call.done"
    payload = output.message("chuzheng-call/1", code, block=done.block)
    output.finish({**payload, "call": line, "tx_hash": done.tx_hash, "block_number": done.block}, as_json=json_)


@chain_app.command("read")
def chain_read(
    target: Target, words: Words = None,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """查询合约的现状，不发送任何东西。/ Ask a contract; nothing is sent."""
    from ledger.evm.arguments import parse_words, told_result
    from ledger.evm.artifacts import decode_result
    from ledger.evm.blocks import latest_block
    from ledger.evm.reverts import is_revert, revert_error
    from ledger.evm.rpc import RpcError

    site = connect(home, rpc_url, record)
    call = parse_words(target, words or (), site.deployment)
    at = latest_block(site.rpc).number
    try:
        answer = site.rpc.call("eth_call", {"to": call.to, "data": "0x" + call.data.hex()}, hex(at))
    except RpcError as error:
        if is_revert(error):
            raise revert_error(error) from error
        raise
    lines = told_result(call.contract, call.function, decode_result(call.contract, call.function, answer))
    payload = output.message("chuzheng-read/1", "cli.call.read", block=at)
    output.result({**payload, "block_number": at, "values": lines}, "\n".join(lines), as_json=json_)


@council_app.command("propose")
def propose(
    out: Annotated[Path, typer.Argument(help="要写的提案文件 / file of the proposal, to be written")],
    key: KeyFile,
    call: Annotated[list[str], typer.Option("--call", help="“合约.函数 参数…”，可多次 / “Contract.function …”, again")],
    basis: Annotated[str | None, typer.Option(help="依据的承诺值（64 位十六进制）/ commitment of the basis")] = None,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """提出提案（本成员即同意），写出文件交其他成员。/ Propose (your own approval with it); pass the file on."""
    from ledger.evm import council
    from ledger.evm.arguments import parse_line
    from ledger.types import Digest

    site = connect(home, rpc_url, record)
    written = [parse_line(line, site.deployment) for line in call]
    proposal = Proposal(
        Digest(secrets.token_bytes(32)), _digest(basis) if basis else None, [(w.to, w.data) for w in written]
    )
    if out.is_file():
        proposal = _cut_off(out, proposal, site, key)
    _show(proposal, site)
    # Before it is sent: a proposal whose calls nobody has any more could never be executed.
    write_new(out, proposal.as_json(site.deployment))
    sent = council.propose(proposal.made, proposal.calls, proposal.basis)
    site.send(key, council.as_call(site.deployment, sent), returns_bool=True)
    _finish("cli.proposal.made", proposal, site, out, as_json=json_)


@council_app.command("approve")
def approve(
    file: ProposalFile, key: KeyFile,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """逐条显示内容并同意。/ Shows what it does, call by call, and approves it."""
    from ledger.evm import council

    site = connect(home, rpc_url, record)
    proposal = read_proposal(file, site)
    _show(proposal, site)
    approval = council.approve(proposal.made, proposal.content)
    site.send(key, council.as_call(site.deployment, approval), returns_bool=True)
    _finish("cli.proposal.approved", proposal, site, file, as_json=json_)


@council_app.command("withdraw")
def withdraw(
    file: ProposalFile, key: KeyFile,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """撤回本成员的同意。/ Takes your member's approval back."""
    from ledger.evm import council

    site = connect(home, rpc_url, record)
    proposal = read_proposal(file, site)
    taken = council.withdraw_approval(proposal.made)
    site.send(key, council.as_call(site.deployment, taken), returns_bool=True)
    _finish("cli.proposal.withdrawn", proposal, site, file, as_json=json_)


@council_app.command("execute")
def execute(
    file: ProposalFile, key: KeyFile,
    record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False,
) -> None:  # fmt: skip
    """执行已获同意、等待期已过的提案。/ Executes what has its approvals and has waited long enough."""
    from ledger.evm import council

    site = connect(home, rpc_url, record)
    proposal = read_proposal(file, site)
    _show(proposal, site)
    sent = council.execute(proposal.made, proposal.calls)
    site.send(key, council.as_call(site.deployment, sent), returns_bool=True)
    _finish("cli.proposal.executed", proposal, site, file, as_json=json_)


@council_app.command("show")
def show(
    file: ProposalFile, record: Record = None, rpc_url: RpcUrl = None, home: Home = None, json_: Json = False
) -> None:
    """提案做什么、谁同意了、何时可以执行。/ What it does, who approved, when it can be executed."""
    site = connect(home, rpc_url, record)
    proposal = read_proposal(file, site)
    _show(proposal, site)
    _finish("cli.proposal.shown", proposal, site, file, as_json=json_)


@dataclass(frozen=True, slots=True)
class Proposal:
    made: Digest
    basis: Digest | None
    calls: list[Call]

    @property
    def content(self) -> Digest:
        from ledger.evm.council import content_of

        return content_of(self.calls, self.basis)

    def lines(self, deployment: Deployment) -> list[str]:
        """Each call in words, as its bytes say it."""
        from ledger.evm.arguments import told

        return [told(to, data, deployment) for to, data in self.calls]

    def as_json(self, deployment: Deployment) -> bytes:
        calls = [{"to": to, "data": "0x" + data.hex()} for to, data in self.calls]
        value = {
            "format": FORMAT, "network": deployment.network, "id": self.made.hex(),
            "basis": self.basis.hex() if self.basis else None, "calls": calls,
        }  # fmt: skip
        return (json.dumps(value, indent=2) + "\n").encode()


def read_proposal(file: Path, site: Site) -> Proposal:
    """The file's proposal. ConflictError if the chain has another content under its id, or it is another network's."""
    proposal = _parse(file, site)
    known = _known(proposal, site)
    if known is None or known.content != proposal.content:
        raise ConflictError("cli.proposal_differs", path=str(file))
    return proposal


def _cut_off(file: Path, wanted: Proposal, site: Site, key: Path) -> Proposal:
    """What an earlier call wrote into `file` for the same calls, if it got no further or its answer was lost: proposed
    again by the same account it is the same proposal. Else `wanted`, for which that file isn't free."""
    from ledger.evm.blocks import latest_block
    from ledger.evm.transactions import load_key

    try:
        written = _parse(file, site)
    except (UnreadableError, ConflictError):
        return wanted
    known = _known(written, site)
    if known is not None:
        ended = known.executed_at or known.expires_at <= latest_block(site.rpc).time
        if ended or known.delegate != load_key(key).address:  # another's needs an approval, which this isn't
            return wanted
    return written if written.content == wanted.content else wanted


def _known(proposal: Proposal, site: Site) -> OnChain | None:
    from ledger.evm.blocks import latest_block
    from ledger.evm.council import CouncilView

    return CouncilView(site.rpc, site.deployment).proposal(proposal.made, latest_block(site.rpc).number)


def _parse(file: Path, site: Site) -> Proposal:
    from ledger.types import Address, Digest

    try:
        value = json.loads(read_file(file))
        if value["format"] != FORMAT:
            raise UnreadableError("format.unknown", expected=FORMAT)
        calls = [(Address(c["to"].lower()), bytes.fromhex(c["data"].removeprefix("0x"))) for c in value["calls"]]
        basis = None if value["basis"] is None else Digest(bytes.fromhex(value["basis"]))
        proposal, network = Proposal(Digest(bytes.fromhex(value["id"])), basis, calls), value["network"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError("cli.proposal_unreadable", path=str(file)) from None
    if network != site.deployment.network:
        raise ConflictError("cli.proposal_network", expected=site.deployment.network, found=str(network)[:40])
    return proposal


def _show(proposal: Proposal, site: Site) -> None:
    for number, line in enumerate(proposal.lines(site.deployment), 1):
        output.say("cli.proposal.call", number=number, call=line)


def _finish(code: str, proposal: Proposal, site: Site, file: Path, *, as_json: bool) -> None:
    from ledger.evm.blocks import latest_block
    from ledger.evm.council import CouncilView

    at = latest_block(site.rpc).number
    view = CouncilView(site.rpc, site.deployment)
    known = view.proposal(proposal.made, at)
    if known is None:  # the chain lost the block meanwhile
        raise ConflictError("cli.proposal_differs", path=str(file))
    approvals = sorted({a.member for a in view.approvals(proposal.made, at) if a.counts})
    state: dict[str, Any] = {
        "id": proposal.made.hex(), "content": proposal.content.hex(), "calls": proposal.lines(site.deployment),
        "approvals": approvals, "needed": view.rules(at).threshold, "expires_at": known.expires_at,
        "executable_from": known.executable_from, "executed_at": known.executed_at,
    }  # fmt: skip
    payload = output.message("chuzheng-proposal-state/1", code, path=str(file))
    lines = [
        payload[f"message_{output.language()}"],
        output.words(
            "cli.proposal.approvals", found=len(approvals), needed=state["needed"], members=", ".join(approvals)
        ),
    ]
    if known.executed_at:
        lines.append(output.words("cli.proposal.is_executed", at=_time(known.executed_at)))
    elif known.executable_from:
        lines.append(output.words("cli.proposal.from", at=_time(known.executable_from), until=_time(known.expires_at)))
    else:
        lines.append(output.words("cli.proposal.waits", until=_time(known.expires_at)))
    output.result({**payload, **state}, "\n".join(lines), as_json=as_json)


def _time(seconds: int) -> str:
    from scripts.commands.trust import moment

    return moment(seconds * 1000)


def _digest(text: str) -> Digest:
    from ledger.types import Digest

    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 32:
        raise UsageError("cli.usage.value", name="--basis", reason="64 hex")
    return Digest(value)
