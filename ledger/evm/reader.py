"""The chain as verification and the notary ask for it (ledger.ports.ChainReader), over JSON-RPC.

Every answer is of a named block. An outage, a pruned state or nonsense from the node is UnavailableError, never "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.departments import Accreditation, DepartmentHistory
from ledger.errors import UnavailableError
from ledger.evm.anchor_log import AnchorLogView
from ledger.evm.anchored import AnchoredSearch
from ledger.evm.blocks import block_at, blocks_at, latest_block
from ledger.evm.certificate_status import CertificateStatusView
from ledger.evm.department_keys import NAME as DEPARTMENT_KEYS
from ledger.evm.department_keys import DepartmentKeysView
from ledger.evm.departments import DepartmentsView
from ledger.evm.deployment import Deployment, chain_identity, verify_deployment
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc
from ledger.keys import DepartmentKey
from ledger.statuses import Decision
from ledger.types import Address, Anchor, Block, ChainHash, DepartmentCode, Digest, LogId, TypeCode


class EvmChainReader:
    """Reads one node; asks once whether it is the chain of the deployment record (ConfigurationError if not)."""

    def __init__(self, rpc: Rpc, profile: EngineProfile, deployment: Deployment) -> None:
        self._rpc = rpc
        self._profile = profile
        self._deployment = deployment
        self._logs = AnchorLogView(rpc, deployment)
        self._statuses = CertificateStatusView(rpc, deployment)
        self._departments = DepartmentsView(rpc, deployment)
        self._search = AnchoredSearch(rpc, profile, deployment, self._logs)
        self._verified = False

    def chain_id(self) -> int:
        return chain_identity(self._rpc)[0]

    def genesis_hash(self) -> str:
        return chain_identity(self._rpc)[1]

    def head(self) -> Block:
        self._accepted()
        return latest_block(self._rpc)

    def final_head(self) -> Block:
        head = self.head()
        if not self._profile.finality_depth:
            return head
        found = block_at(self._rpc, max(0, head.number - self._profile.finality_depth))
        if found is None:
            raise UnavailableError("chain.block_unknown", block=head.number)
        return found

    def block(self, number: int) -> Block | None:
        self._accepted()
        return block_at(self._rpc, number)

    def log_head(self, log_id: LogId, block: int | None = None) -> tuple[int, Digest] | None:
        at = self._at(block)
        size, root = self._logs.head(log_id, at)
        if size == 0 and self._logs.owner(log_id, at) is None:
            return None
        return size, root

    def closed_at(self, log_id: LogId, block: int | None = None) -> int | None:
        found = self._logs.log(log_id, self._at(block))
        return found.size if found is not None and found.closed else None

    def anchored_root(self, log_id: LogId, size: int, block: int | None = None) -> Digest | None:
        at = self._at(block)
        self._require_newest(self._logs, at)
        return self._logs.anchored_root(log_id, size, at)

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        """Sizes only grow along the chain, so the first `limit` that are above are the smallest ones."""
        upto = self.final_head().number
        found = self._search_anchors(log_id, above_size, limit, upto=upto)
        if len(found) < limit:
            self._require_newest(self._logs, upto)
        return found

    def decisions(self, status_key: Digest, block: int | None = None) -> Sequence[Decision]:
        at = self._at(block)
        self._require_newest(self._statuses, at)
        return self._statuses.decisions(status_key, at)

    def department(self, code: DepartmentCode, block: int | None = None) -> DepartmentHistory | None:
        return self._departments.department(code, self._at(block))

    def accreditations(
        self, issuer: DepartmentCode, type_code: TypeCode, block: int | None = None
    ) -> Sequence[Accreditation]:
        return self._departments.accreditations(issuer, type_code, self._at(block))

    def keys(self, department: DepartmentCode, block: int | None = None) -> Sequence[DepartmentKey]:
        """UnavailableError where the deployment is one without the contract: nobody can say."""
        if not any(contract.name == DEPARTMENT_KEYS for contract in self._deployment.contracts):
            raise UnavailableError("chain.contract_absent", contract=DEPARTMENT_KEYS)
        return DepartmentKeysView(self._rpc, self._deployment).keys(department, self._at(block))

    def carrier(self, code: DepartmentCode, what: bytes, block: int | None = None) -> DepartmentCode:
        return self._departments.carrier(code, what, self._at(block))

    def _accepted(self) -> None:
        if not self._verified:
            verify_deployment(self._rpc, self._deployment)
            self._verified = True

    def _require_newest(self, view: AnchorLogView | CertificateStatusView, at: int) -> None:
        """UnavailableError if the contract that we know was retired in favour of one that we don't: what it doesn't
        hold, or held once, may be otherwise there. A newer trust file or deployment record names it."""
        named = view.successor(at)
        if named is not None and named not in {c.address for c in self._deployment.versions(view.contract)}:
            raise UnavailableError("chain.contract_retired", contract=view.contract, address=named)

    def _at(self, block: int | None) -> int:
        if block is None:
            return self.final_head().number
        self._accepted()
        return block

    def _search_anchors(
        self, log_id: LogId, above_size: int, limit: int, *, upto: int, after: int | None = None
    ) -> tuple[Anchor, ...]:
        """Anchors from the chain alone; `after`: a block up to which there is surely none."""
        found = self._search.above(log_id, above_size, limit, upto=upto, after=after)
        blocks = blocks_at(self._rpc, [int(log["blockNumber"], 16) for _, _, log in found])
        return tuple(self._anchor(log_id, *f, block) for f, block in zip(found, blocks, strict=True))

    def _anchor(self, log_id: LogId, size: int, root: Digest, log: dict[str, Any], block: Block | None) -> Anchor:
        if block is None or block.hash != log["blockHash"].lower():
            raise UnavailableError("chain.moved", retry_after=1.0)  # between the two questions the chain changed
        return Anchor(
            log_id=log_id,
            size=size,
            root=root,
            chain_id=self._deployment.chain_id,
            genesis_hash=self._deployment.genesis_hash,
            contract=Address(log["address"].lower()),
            tx_hash=ChainHash(log["transactionHash"].lower()),
            block_number=block.number,
            block_hash=block.hash,
            block_time=block.time,
            department=DepartmentCode(bytes.fromhex(log["topics"][2][2:])[:18].decode("ascii", "replace")),
        )
