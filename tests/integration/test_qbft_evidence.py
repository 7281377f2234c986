"""Evidence of a real QBFT network: captured from its nodes, held against the readers that verify offline.

Needs GoQuorum or Besu, whose binaries aren't part of this project: CHUZHENG_QUORUM_BIN, CHUZHENG_BESU_BIN.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from ledger.errors import UnavailableError
from ledger.evidence.header import parse_header, quorum
from ledger.evm.blocks import blocks_at, latest_block
from ledger.evm.capture import fetch_block, validator_sets
from ledger.types import Address
from tests.integration.networks import MissingError, running


@pytest.mark.parametrize("engine", ["quorum-qbft", "besu-qbft"])
def test_capture__blocks_of_a_real_network__hash_seals_and_receipts_fit(engine: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(running(engine, tmp_path))
        except MissingError as error:
            pytest.skip(f"no {engine} network: {error}")
        network.account()
        rpc = network.rpc
        network.pay(Address("0x" + "77" * 20))  # a block with a receipt in it
        newest = latest_block(rpc)
        assert newest.number >= 1
        found = 0
        for block in blocks_at(rpc, list(range(1, newest.number + 1))):
            assert block is not None
            sealed = fetch_block(rpc, block.number, block.hash)
            header = parse_header(sealed.header)
            assert (header.hash, header.number, header.time) == (block.hash, block.number, block.time)
            assert len(header.sealers() & set(header.validators)) >= quorum(len(header.validators)) >= 3
            found += len(sealed.receipts)
        assert found >= 1
        with pytest.raises(UnavailableError):
            fetch_block(rpc, newest.number - 1, newest.hash)
        [listed] = validator_sets(rpc, 0, newest.number)
        assert (listed.from_block, listed.until_block, len(listed.validators)) == (0, None, 4)
