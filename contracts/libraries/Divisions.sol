// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Administrative divisions by the structure of their codes (GB/T 2260): PPCCXX in PPCC00 in PP0000.
library Divisions {
    /// @dev Middle digits of counties directly under a province; PP9000 itself is a heading, not a division.
    uint32 private constant DIRECT = 90;

    /// @notice Whether the code has the form of a province's, a prefecture's or a county's.
    function isDivision(uint32 division) internal pure returns (bool) {
        if (division < 110_000 || division > 999_999) return false;
        (uint32 middle, uint32 last) = ((division / 100) % 100, division % 100);
        return last == 0 ? middle != DIRECT : middle != 0;
    }

    /// @notice The division right above; zero above a province.
    function above(uint32 division) internal pure returns (uint32) {
        (uint32 middle, uint32 last) = ((division / 100) % 100, division % 100);
        if (middle == 0) return 0;
        return last == 0 || middle == DIRECT ? (division / 10_000) * 10_000 : division - last;
    }

    /// @notice The lowest division at or above both; zero if there is none.
    function common(uint32 a, uint32 b) internal pure returns (uint32) {
        if (a == b) return a;
        while (a != 0) {
            for (uint32 up = b; up != 0; up = above(up)) {
                if (up == a) return a;
            }
            a = above(a);
        }
        return 0;
    }
}
