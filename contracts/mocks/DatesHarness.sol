// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bits} from "../libraries/Bits.sol";
import {Dates} from "../libraries/Dates.sol";
import {Divisions} from "../libraries/Divisions.sol";

/// @title Tests only: dates, bits and divisions, many at once.
contract DatesHarness {
    /// @dev Year, month and day of `first`, `first + step`, …; and the days of those dates again.
    function dates(uint256 first, uint256 step, uint256 count)
        external
        pure
        returns (uint256[] memory packed, uint256[] memory again)
    {
        packed = new uint256[](count);
        again = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            (uint256 year, uint256 month, uint256 day) = Dates.dateOf(first + i * step);
            packed[i] = year * 10_000 + month * 100 + day;
            again[i] = Dates.clamped(year, month, day);
        }
    }

    /// @dev 1 January and the number of days of `first` and the years after it.
    function yearsFrom(uint256 first, uint256 count) external pure returns (uint256[] memory starts, uint256[] memory lengths) {
        starts = new uint256[](count);
        lengths = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            (starts[i], lengths[i]) = (Dates.newYear(first + i), Dates.daysIn(first + i));
        }
    }

    function clamped(uint256 year, uint256 month, uint256 dayOfMonth) external pure returns (uint256) {
        return Dates.clamped(year, month, dayOfMonth);
    }

    function count(uint256 word) external pure returns (uint256) {
        return Bits.count(word);
    }

    function place(uint256 word, uint256 n) external pure returns (uint256) {
        return Bits.place(word, n);
    }

    function isDivision(uint32[] calldata divisions) external pure returns (bool[] memory found) {
        found = new bool[](divisions.length);
        for (uint256 i = 0; i < divisions.length; ++i) found[i] = Divisions.isDivision(divisions[i]);
    }

    function common(uint32 a, uint32 b) external pure returns (uint32) {
        return Divisions.common(a, b);
    }
}
