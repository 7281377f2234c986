// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The 92 bytes of an entry (formats.md §3).
/// version u8 | kind u8 | issuer 18 | accepted_at u64 | commitment_sha256 32 | commitment_sm3 32
library Entries {
    uint256 internal constant LENGTH = 92;

    /// @notice Whether the bytes have the length and version of an entry; the others ask for nothing else first.
    function isEntry(bytes calldata entry) internal pure returns (bool) {
        return entry.length == LENGTH && entry[0] == 0x01;
    }

    function kind(bytes calldata entry) internal pure returns (uint8) {
        return uint8(entry[1]);
    }

    /// @notice The issuer's 18 characters.
    function issuer(bytes calldata entry) internal pure returns (bytes18) {
        return bytes18(entry[2:20]);
    }

    function commitment(bytes calldata entry) internal pure returns (bytes32) {
        return bytes32(entry[28:60]);
    }

    /// @notice H("chuzheng/status/v1"0 || issuer || commitment_sha256).
    function statusKey(bytes18 issuer_, bytes32 commitment_) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("chuzheng/status/v1", bytes1(0), issuer_, commitment_));
    }
}
