// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Kinds of reason codes in sharing: the hundreds (ledger/codes/share_reasons.csv).
/// @dev Which numbers of a kind exist is for the table, which grows without a new contract.
library Reasons {
    uint16 internal constant MISUSE = 1;
    uint16 internal constant OTHER_STOP = 2;
    uint16 internal constant ORDERED = 3;
    uint16 internal constant REJECTION = 4;
    uint16 internal constant WITHDRAWAL = 5;
    uint16 internal constant EMERGENCY = 6;
    uint16 internal constant LAPSE = 7;
    uint16 internal constant EXTENSION = 8;

    /// @notice The hundreds of a reason; 0 for what is no code.
    function kind(uint16 reason) internal pure returns (uint16) {
        return reason % 100 == 0 ? 0 : reason / 100;
    }
}
