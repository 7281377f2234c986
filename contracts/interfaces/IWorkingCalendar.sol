// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title WorkingCalendar: which days are working days, and so when a term ends.
/// @notice Days are those of Asia/Shanghai, UTC+8 at all times (no summer time since 1991, so none that a block can
/// meet). Times are Unix seconds. A term starts on the day of its trigger, which doesn't count (Civil Code art. 201),
/// and ends at 24:00 of its last day; what is returned is the first second after that, so "in time" is t < deadline.
///
/// A year is a bitmap of its days: bit i of `first` is day i of the year (1 January is 0) for i < 256, bit i of
/// `second` is day 256 + i; 1 = working day. The Council sets a whole year once, when the State Council's notice is out,
/// and later corrects days still to come. A day counts as `dayNumber`: days since 1970-01-01.
///
/// A contract that stores deadlines keeps (start, workingDays) beside them: after a correction anyone may have them
/// computed again, and they only move later.
interface IWorkingCalendar {
    /// @notice The working days of `year` are known from this block on.
    event YearSet(uint16 indexed year, uint256 first, uint256 second, address operator, bytes32 basis);
    /// @notice A day still to come became a working day, or stopped being one.
    event DaySet(uint32 indexed dayNumber, bool working, address operator, bytes32 basis);

    /// @dev Only the Council sets days.
    error Calendar_NotCouncil(address account);
    /// @dev The working days of that year aren't set yet: a term that runs into it has no deadline so far.
    error Calendar_YearUnknown(uint16 year);
    /// @dev The year was set with other days; single days still to come are changed with `setDays`.
    error Calendar_YearKnown(uint16 year);
    /// @dev The year is over.
    error Calendar_YearPast(uint16 year, uint16 thisYear);
    /// @dev Bits beyond the last day of the year, or no working day at all.
    error Calendar_BitmapInvalid(uint16 year);
    /// @dev Only days after `today` can be changed.
    error Calendar_DayNotToCome(uint32 dayNumber, uint32 today);
    /// @dev Times and terms reach to the end of the year 9999.
    error Calendar_OutOfRange(uint64 time);

    /// @notice Sets the working days of a year that isn't known and isn't over. Council only. False if it is known with
    /// just these days. In the current year days gone by are set too: no deadline could rest on them so far.
    /// @param basis Commitment of the entry that holds the State Council's notice, or zero.
    function setYear(uint16 year, uint256 first, uint256 second, bytes32 basis) external returns (bool);

    /// @notice Makes days still to come, of known years, working days or days off. Council only. False if all are so.
    function setDays(uint32[] calldata dayNumbers, bool working, bytes32 basis) external returns (bool);

    /// @notice First second after 24:00 of the n-th working day after the day of `start`; n = 0: of that day itself.
    /// Reverts `Calendar_YearUnknown` if a day would have to be counted in a year that isn't known.
    function deadline(uint64 start, uint16 workingDays) external view returns (uint64);

    /// @notice First second after 24:00 of the day `naturalDays` after the day of `start`. Needs no known year.
    function naturalDeadline(uint64 start, uint16 naturalDays) external pure returns (uint64);

    /// @notice First second after 24:00 of the same day `months` later, or of that month's last day if it is shorter
    /// (Civil Code art. 202). Needs no known year.
    function monthsAfter(uint64 start, uint16 months) external pure returns (uint64);

    /// @notice Whether the day of `time` is a working day. Reverts `Calendar_YearUnknown`.
    function isWorkingDay(uint64 time) external view returns (bool);

    /// @notice Whether the working days of `year` are set.
    function yearKnown(uint16 year) external view returns (bool);

    /// @notice The bitmaps of a year; both zero if it isn't known.
    function bitmaps(uint16 year) external view returns (uint256 first, uint256 second);
}
