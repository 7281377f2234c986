// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "./interfaces/IDepartments.sol";
import {IWorkingCalendar} from "./interfaces/IWorkingCalendar.sol";
import {Bits} from "./libraries/Bits.sol";
import {Dates} from "./libraries/Dates.sol";

/// @title WorkingCalendar: see IWorkingCalendar.
contract WorkingCalendar is IWorkingCalendar {
    /// | first 32 |
    /// | known 1 bit | unused 145 bits | days 256-365, 110 bits | both slots as in the event, but for the highest bit
    struct Year {
        uint256 first;
        uint256 second;
    }

    /// @dev In `second`: a year may in the end have no working day and still be known.
    uint256 private constant KNOWN = 1 << 255;

    IDepartments private immutable _departments;
    mapping(uint256 year => Year) private _years;

    constructor(IDepartments departments_) {
        _departments = departments_;
    }

    modifier onlyCouncil() {
        require(msg.sender == _departments.council(), Calendar_NotCouncil(msg.sender));
        _;
    }

    /// @inheritdoc IWorkingCalendar
    function setYear(uint16 year, uint256 first, uint256 second, bytes32 basis) external onlyCouncil returns (bool) {
        Year storage kept = _years[year];
        if (kept.second != 0) {
            require(kept.first == first && kept.second & ~KNOWN == second, Calendar_YearKnown(year));
            return false;
        }
        uint256 thisYear = Dates.yearOf(Dates.dayOf(block.timestamp));
        require(year >= thisYear, Calendar_YearPast(year, uint16(thisYear)));
        require(
            second >> (Dates.daysIn(year) - 256) == 0 && first | second != 0, Calendar_BitmapInvalid(year)
        );
        (kept.first, kept.second) = (first, second | KNOWN);
        emit YearSet(year, first, second, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IWorkingCalendar
    function setDays(uint32[] calldata dayNumbers, bool working, bytes32 basis)
        external
        onlyCouncil
        returns (bool changed)
    {
        uint256 today = Dates.dayOf(block.timestamp);
        for (uint256 i = 0; i < dayNumbers.length; ++i) {
            uint32 day = dayNumbers[i];
            require(day <= Dates.LAST_DAY, Calendar_OutOfRange(uint64(Dates.endOf(day) - 1 days)));
            uint256 year = Dates.yearOf(day);
            Year storage kept = _known(year);
            uint256 place = day - Dates.newYear(year);
            if (_works(kept, place) == working) continue;
            require(day > today, Calendar_DayNotToCome(day, uint32(today)));
            if (place < 256) kept.first ^= 1 << place;
            else kept.second ^= 1 << (place - 256);
            changed = true;
            emit DaySet(day, working, msg.sender, basis);
        }
    }

    /// @inheritdoc IWorkingCalendar
    function deadline(uint64 start, uint16 workingDays) external view returns (uint64) {
        uint256 day = _day(start);
        if (workingDays == 0) return uint64(Dates.endOf(day));
        uint256 left = workingDays;
        uint256 year = Dates.yearOf(day + 1);
        uint256 newYear = Dates.newYear(year);
        uint256 from = day + 1 - newYear;
        while (true) {
            Year storage kept = _known(year);
            uint256 word;
            uint256 many;
            if (from < 256) {
                word = (kept.first >> from) << from;
                many = Bits.count(word);
                if (many >= left) return uint64(Dates.endOf(newYear + Bits.place(word, left)));
                left -= many;
                from = 256;
            }
            from -= 256;
            word = ((kept.second & ~KNOWN) >> from) << from;
            many = Bits.count(word);
            if (many >= left) return uint64(Dates.endOf(newYear + 256 + Bits.place(word, left)));
            left -= many;
            newYear += Dates.daysIn(year);
            ++year;
            from = 0;
        }
    }

    /// @inheritdoc IWorkingCalendar
    function naturalDeadline(uint64 start, uint16 naturalDays) external pure returns (uint64) {
        uint256 day = _day(start) + naturalDays;
        require(day <= Dates.LAST_DAY, Calendar_OutOfRange(start));
        return uint64(Dates.endOf(day));
    }

    /// @inheritdoc IWorkingCalendar
    function monthsAfter(uint64 start, uint16 months) external pure returns (uint64) {
        (uint256 year, uint256 month, uint256 dayOfMonth) = Dates.dateOf(_day(start));
        uint256 total = year * 12 + (month - 1) + months;
        require(total < 120_000, Calendar_OutOfRange(start));
        return uint64(Dates.endOf(Dates.clamped(total / 12, (total % 12) + 1, dayOfMonth)));
    }

    /// @inheritdoc IWorkingCalendar
    function isWorkingDay(uint64 time) external view returns (bool) {
        uint256 day = _day(time);
        uint256 year = Dates.yearOf(day);
        return _works(_known(year), day - Dates.newYear(year));
    }

    /// @inheritdoc IWorkingCalendar
    function yearKnown(uint16 year) external view returns (bool) {
        return _years[year].second != 0;
    }

    /// @inheritdoc IWorkingCalendar
    function bitmaps(uint16 year) external view returns (uint256 first, uint256 second) {
        Year storage kept = _years[year];
        return (kept.first, kept.second & ~KNOWN);
    }

    function _day(uint64 time) private pure returns (uint256 day) {
        day = Dates.dayOf(time);
        require(day <= Dates.LAST_DAY, Calendar_OutOfRange(time));
    }

    function _known(uint256 year) private view returns (Year storage kept) {
        kept = _years[year];
        require(kept.second != 0, Calendar_YearUnknown(uint16(year)));
    }

    function _works(Year storage kept, uint256 place) private view returns (bool) {
        return (place < 256 ? kept.first >> place : kept.second >> (place - 256)) & 1 == 1;
    }
}
