"""`python -m scripts.deploy`: all contracts onto a chain in one command, and the record of what stands where.

Run it again after a crash, and after the Council named a new version: what is there is left alone, the rest is done.
The deployer's key comes from a file; it gives no right afterwards, everything belongs to the Council.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ledger.errors import ChuzhengError, ConfigurationError
from scripts import output

PROFILE = "quorum-qbft"


def main(arguments: list[str] | None = None) -> int:
    """Exit codes as the command line's: 0 done, 2 settings or another chain, 20 the chain can't be asked."""
    output.prepare_streams()
    given = _parser().parse_args(arguments)
    try:
        return run(given)
    except ChuzhengError as error:
        return output.failed(error, as_json=given.json)
    except KeyboardInterrupt:
        return output.EXIT_INTERRUPTED
    except Exception as error:
        return output.unexpected(error, as_json=given.json)


def run(given: argparse.Namespace) -> int:
    """Deploys, or goes on, and tells what stands there."""
    from ledger.evm.council import NAME
    from ledger.evm.deploy import deploy, deploy_version, unnamed
    from ledger.evm.deployment import load_deployment
    from ledger.evm.founding import read_founding
    from ledger.evm.profiles import profile_named
    from ledger.evm.rpc import Rpc
    from ledger.evm.transactions import load_key

    record: Path = given.record
    network = given.network or (load_deployment(record).network if record.exists() else None)
    if network is None:
        raise ConfigurationError("deployment.network_missing")
    founding = None if given.council is None else read_founding(given.council)
    if founding is None and not record.exists():
        raise ConfigurationError("deployment.council_missing")
    rpc, profile = Rpc(given.rpc), profile_named(given.profile)
    key = load_key(Path(given.key.removeprefix("file:")))
    output.say("cli.deploy.begun", url=rpc.url, network=network, account=key.address)

    def say(name: str, address: str) -> None:
        output.say("cli.deploy.placed", contract=name, address=address)

    newer = founding if given.new_version == NAME else None  # a new council's own members, not the record's
    deployment = deploy(rpc, profile, key, network, record, founding=None if newer else founding, say=say)
    if given.new_version:
        placed = deploy_version(rpc, profile, key, given.new_version, record, founding=newer, say=say)
        calls = [_naming(placed.name, placed.address)]
    else:
        calls = [_naming(c.name, c.address) for c in unnamed(rpc, deployment)]
    told = _told(deployment, calls, record)
    lines = [
        f"{c.name:<20} {c.address}  {c.from_block}{'' if c.until_block is None else f'-{c.until_block - 1}'}"
        for c in deployment.contracts
    ]
    missing = _missing(deployment)
    if missing:
        lines += ["", output.words("cli.deploy.missing", contracts=", ".join(missing))]
    if calls:
        lines += ["", output.words("cli.deploy.to_name"), *(f"  {c['name']:<20} {c['account']}" for c in calls)]
    output.result(told, "\n".join(lines), as_json=given.json)
    return output.EXIT_OK


def _told(deployment: Any, calls: list[dict[str, str]], record: Path) -> dict[str, Any]:
    """The --json object. `to_name`: calls that a proposal of the Council still has to make, to itself; `missing`:
    contracts that this program has and the record hasn't."""
    return {
        **output.message("chuzheng-deploy/1", "cli.deploy.done", network=deployment.network, record=record),
        "record": str(record), "network": deployment.network, "chain_id": deployment.chain_id,
        "genesis_hash": deployment.genesis_hash,
        "contracts": [
            {"name": c.name, "address": c.address, "code_hash": c.code_hash, "from_block": c.from_block,
             "until_block": c.until_block}
            for c in deployment.contracts
        ],
        "council": None if deployment.council is None else deployment.council.as_json(),
        "to_name": calls, "missing": _missing(deployment),
    }  # fmt: skip


def _missing(deployment: Any) -> list[str]:
    from ledger.evm.deploy import CONTRACTS

    return [name for name in CONTRACTS if not deployment.versions(name)]


def _naming(name: str, account: str) -> dict[str, str]:
    """One `nameContract`, as names and as calldata."""
    from ledger.evm.artifacts import encode_call
    from ledger.evm.council import name_contract
    from ledger.types import Address

    contract, function, args = name_contract(name, Address(account))
    return {"name": name, "account": account, "data": "0x" + encode_call(contract, function, args).hex()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.deploy",
        description="部署全部合约并写下记录；可重复运行。/ Deploy all contracts, write the record; can be run again.",
    )
    add = parser.add_argument
    add("--rpc", required=True, metavar="URL", help="节点地址 / the node's address")
    add("--profile", default=PROFILE, help=f"引擎，默认 {PROFILE} / engine profile")
    add("--network", metavar="NAME", help="网络名；已有记录时可省略 / network name; from the record where there is one")
    add("--council", type=Path, metavar="FILE", help="理事会说明（TOML），首次部署必需 / the council's description")
    add("--key", required=True, metavar="FILE", help="部署账户的密钥文件 / key file of the deploying account")
    add("--record", required=True, type=Path, metavar="PATH", help="部署记录 / the deployment record")
    add(
        "--new-version", metavar="CONTRACT", help="部署某合约的新版本，由理事会命名后生效 / a new version of a contract"
    )
    add("--json", action="store_true", help="输出一个 JSON 对象 / print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
