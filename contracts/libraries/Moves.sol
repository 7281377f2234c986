// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Which decision may follow which state (contracts.md, CertificateStatus).
/// @dev 1 resumed, 2 suspended, 3 rescinded, 4 deregistered, 5 lapsed, 6 transferred out, 7 revoked as a penalty,
/// 8 superseded, 9 withdrawn, 10 other; state 0: nothing stands.
library Moves {
    uint8 internal constant RESUMED = 1;
    uint8 internal constant SUSPENDED = 2;
    uint8 internal constant RESCINDED = 3;
    uint8 internal constant TRANSFERRED_OUT = 6;
    uint8 internal constant SUPERSEDED = 8;
    uint8 internal constant OTHER = 10;

    /// @dev Sixteen bits a state, from state 0 at the lowest; bit c: code c may follow. From in force and after a
    /// resumption 2-10 (07fc); from suspended 1-10 (07fe); from lapsed 3, 4, 7 (0098); from transferred out 1, 3, 4, 7
    /// (009a); deregistration follows 3, 7, 9, 10 (0010, Licensing Law art. 70); nothing follows 4 and 8.
    uint256 private constant FOLLOWERS = 0x0010_0010_0000_0010_009a_0098_0000_0010_07fe_07fc_07fc;

    /// @notice Whether `code` is one.
    function isCode(uint8 code) internal pure returns (bool) {
        return code != 0 && code <= OTHER;
    }

    /// @notice Whether `code` may follow `state`; who may do it is another question.
    function mayFollow(uint8 state, uint8 code) internal pure returns (bool) {
        return (FOLLOWERS >> (uint256(state) * 16 + code)) & 1 == 1;
    }
}
