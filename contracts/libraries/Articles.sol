// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Articles of law in one number: statute × 10000 + article (ledger/codes/statutes.csv).
/// @dev Which statutes there are is for the table, which grows without a new contract.
library Articles {
    uint32 private constant PER_STATUTE = 10_000;
    /// @dev Statutes 101 to 199 are emergency laws.
    uint32 private constant FIRST_EMERGENCY_LAW = 101;
    uint32 private constant LAST_EMERGENCY_LAW = 199;

    /// @notice Whether the number names both a statute and an article.
    function isArticle(uint32 code) internal pure returns (bool) {
        return code >= PER_STATUTE && code % PER_STATUTE != 0;
    }

    /// @notice Whether it is an article of an emergency law.
    function isOfEmergencyLaw(uint32 code) internal pure returns (bool) {
        uint32 statute = code / PER_STATUTE;
        return statute >= FIRST_EMERGENCY_LAW && statute <= LAST_EMERGENCY_LAW && code % PER_STATUTE != 0;
    }
}
