// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Administrative division codes (GB/T 2260): six digits, province PP0000, prefecture PPCC00, county PPCCXX.
/// @dev A county PP90XX lies directly under its province.
library Divisions {
    function isProvince(uint32 division) internal pure returns (bool) {
        return division % 10_000 == 0;
    }

    /// @notice The province that `division` is or lies in.
    function provinceOf(uint32 division) internal pure returns (uint32) {
        return division - (division % 10_000);
    }

    /// @notice The division above; a province's is itself.
    function above(uint32 division) internal pure returns (uint32) {
        if (division % 100 == 0 || (division / 100) % 100 == 90) return provinceOf(division);
        return division - (division % 100);
    }

    /// @notice Whether `division` is `upper` or lies in it.
    function isWithin(uint32 division, uint32 upper) internal pure returns (bool) {
        while (division != upper) {
            if (isProvince(division)) return false;
            division = above(division);
        }
        return true;
    }
}
