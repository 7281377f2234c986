// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Days and dates of the proleptic Gregorian calendar, in Asia/Shanghai.
/// @dev A day is its number since 1970-01-01. Years are cut at 1 March, so that the leap day comes last and months follow
/// one formula; 400 years have 146,097 days. Right from 1970-01-01 to 9999-12-31; callers keep within.
library Dates {
    /// @dev UTC+8; China had summer time in 1986-1991 only, before any block.
    uint256 internal constant OFFSET = 8 hours;
    /// @dev 9999-12-31.
    uint256 internal constant LAST_DAY = 2_932_896;

    /// @notice The day to which a time (Unix seconds) belongs.
    function dayOf(uint256 time) internal pure returns (uint256) {
        return (time + OFFSET) / 1 days;
    }

    /// @notice 24:00 of a day: the first second of the next one.
    function endOf(uint256 day) internal pure returns (uint256) {
        return (day + 1) * 1 days - OFFSET;
    }

    function isLeap(uint256 year) internal pure returns (bool) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    function daysIn(uint256 year) internal pure returns (uint256) {
        return isLeap(year) ? 366 : 365;
    }

    /// @notice 1 January of a year.
    function newYear(uint256 year) internal pure returns (uint256) {
        uint256 before = year - 1;
        return before * 365 + before / 4 - before / 100 + before / 400 - 719_162;
    }

    function yearOf(uint256 day) internal pure returns (uint256 year) {
        (year,,) = dateOf(day);
    }

    /// @notice Year, month (1-12) and day of the month (1-31).
    function dateOf(uint256 day) internal pure returns (uint256 year, uint256 month, uint256 dayOfMonth) {
        unchecked {
            uint256 shifted = day + 719_468; // since 0000-03-01
            uint256 era = shifted / 146_097;
            uint256 dayOfEra = shifted % 146_097;
            uint256 yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
            uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
            uint256 fromMarch = (5 * dayOfYear + 2) / 153;
            dayOfMonth = dayOfYear - (153 * fromMarch + 2) / 5 + 1;
            month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
            year = era * 400 + yearOfEra + (month < 3 ? 1 : 0);
        }
    }

    /// @notice The day of a date; one past its month's end is taken to be its last day.
    function clamped(uint256 year, uint256 month, uint256 dayOfMonth) internal pure returns (uint256) {
        unchecked {
            uint256 fromMarch = month > 2 ? month - 3 : month + 9;
            uint256 start = newYear(year) + (153 * fromMarch + 2) / 5;
            if (month > 2) start += isLeap(year) ? 60 : 59;
            else start -= 306;
            uint256 length = month == 2 ? (isLeap(year) ? 29 : 28) : 30 + (month + month / 8) % 2;
            return start + (dayOfMonth < length ? dayOfMonth : length) - 1;
        }
    }
}
