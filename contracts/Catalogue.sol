// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {ICatalogue} from "./interfaces/ICatalogue.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {IWorkingCalendar} from "./interfaces/IWorkingCalendar.sol";

/// @title Catalogue: see ICatalogue.
/// @dev One file, though long: lists, drafts, states and clocks move each other, in one private storage.
contract Catalogue is ICatalogue {
    uint32 private constant SHARE_HANDLER = 4;
    uint32 private constant SHARE_APPROVER = 8;
    uint8 private constant SHARING = 1;
    uint8 private constant DEPARTMENT = 1;

    uint8 private constant PREPARED = 1;
    uint8 private constant SUBMITTED = 2;
    uint8 private constant PUBLISHED = 3;
    uint8 private constant CONNECTED = 4;
    uint8 private constant WITHDRAWN = 5;

    uint8 private constant DRAWN_UP = 1;
    uint8 private constant REVIEWED = 2;
    uint8 private constant APPROVED = 3;

    uint8 private constant NOT_SHARED = 3;
    uint256 private constant HIGHEST_LEVEL = 6;
    uint256 private constant MOST_ITEMS = 2000;

    /// @dev Clocks and their working days: ledger/codes/data/sharing_deadlines.csv, CATALOGUE_UPDATE and its extension,
    /// CATALOGUE_REVIEW; connecting has PROVIDE's.
    uint8 private constant UPDATE = 1;
    uint8 private constant REVIEW = 2;
    uint8 private constant CONNECT = 3;
    uint16 private constant UPDATE_DAYS = 10;
    uint16 private constant EXTENSION_DAYS = 5;
    uint16 private constant REVIEW_DAYS = 2;
    uint16 private constant CONNECT_DAYS = 20;

    /// | provider 18 | state 1 | sharingClass 1 | level 1 | itemCount 2 | owed 1 | state 0, 3, 4 or 5: the others follow
    /// | versionHash 32 | from the draft
    /// | basis 32 | of a withdrawn one: the decision
    struct Resource {
        bytes18 provider;
        uint8 state;
        uint8 sharingClass;
        uint8 level;
        uint16 itemCount;
        bool owed;
        bytes32 versionHash;
        bytes32 basis;
    }

    /// | stage 1 | sharingClass 1 | level 1 | itemCount 2 |
    /// | versionHash 32 |
    /// | basis 32 |
    /// | drawnUpBy 32 | person hash
    struct Draft {
        uint8 stage;
        uint8 sharingClass;
        uint8 level;
        uint16 itemCount;
        bytes32 versionHash;
        bytes32 basis;
        bytes32 drawnUpBy;
    }

    /// | consumer 18 | closed 1 |
    /// | provider 18 |
    /// | code 32 |
    /// | basis 32 |
    struct Demand {
        bytes18 consumer;
        bool closed;
        bytes18 provider;
        bytes32 code;
        bytes32 basis;
    }

    IDepartments private immutable _departments;
    IWorkingCalendar private immutable _calendar;
    IAuthorities private immutable _authorities;

    mapping(bytes32 code => Resource) private _resources;
    mapping(bytes32 code => Draft) private _drafts;
    mapping(bytes32 code => mapping(uint8 which => Clock)) private _clocks;
    mapping(bytes32 id => Demand) private _demands;
    /// @dev An UPDATE that a submission ended and a later change took the place of: taken back, the draft owes it again.
    mapping(bytes32 code => Clock) private _held;

    constructor(IDepartments departments_, IWorkingCalendar calendar_, IAuthorities authorities_) {
        _departments = departments_;
        _calendar = calendar_;
        _authorities = authorities_;
    }

    // The lists

    /// @inheritdoc ICatalogue
    function addDuty(bytes32 code, bytes32 provider, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_HANDLER);
        _requireEither(provider, department);
        require(code != 0, Catalogue_IdZero());
        _requireDepartment(code, provider);
        Resource storage kept = _resources[code];
        if (_isVacant(code, kept)) {
            kept.provider = bytes18(provider);
        } else {
            bytes32 current = _carrier(kept.provider, code);
            require(current == provider, Catalogue_NotProvider(code, current, provider));
        }
        if (kept.owed) return false;
        require(kept.state != WITHDRAWN, Catalogue_StateWrong(code, WITHDRAWN));
        kept.owed = true;
        emit DutyAdded(code, provider, department, msg.sender, basis);
        if (kept.state == 0 && _drafts[code].stage != APPROVED && !_runs(_clocks[code][UPDATE])) {
            _start(code, UPDATE, _now(), UPDATE_DAYS);
        }
        return true;
    }

    /// @inheritdoc ICatalogue
    function endDuty(bytes32 code, uint16 reason, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_APPROVER);
        _requireAuthority(_provider(code), department);
        Resource storage kept = _resources[code];
        if (!kept.owed) return false;
        kept.owed = false;
        emit DutyEnded(code, department, msg.sender, reason, basis);
        if (kept.state == 0) _end(code, UPDATE);
        return true;
    }

    /// @inheritdoc ICatalogue
    function demand(bytes32 id, bytes32 provider, bytes32 code, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_HANDLER);
        require(id != 0, Catalogue_IdZero());
        require(basis != 0, Catalogue_BasisNeeded(id));
        Demand storage kept = _demands[id];
        if (kept.consumer != 0) {
            bytes32 consumer = _carrier(kept.consumer, id);
            require(consumer == department && kept.basis == basis, Catalogue_DemandDiffers(id, consumer));
            return false;
        }
        if (provider != 0) _requireDepartment(code, provider);
        (kept.consumer, kept.provider) = (bytes18(department), bytes18(provider));
        (kept.code, kept.basis) = (code, basis);
        emit Demanded(id, department, provider, code, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICatalogue
    function assignDemand(bytes32 id, bytes32 provider, bytes32 code, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_APPROVER);
        Demand storage kept = _known(id);
        bytes32 authority = _authorities.commonAuthority(
            SHARING,
            _departments.divisionOf(_carrier(kept.consumer, id)),
            _departments.divisionOf(provider)
        );
        require(authority == department, Catalogue_NotAuthority(authority, department));
        if (kept.provider == bytes18(provider) && kept.code == code) return false;
        require(!kept.closed, Catalogue_DemandClosed(id));
        _requireDepartment(code, provider);
        (kept.provider, kept.code) = (bytes18(provider), code);
        emit DemandAssigned(id, provider, code, department, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICatalogue
    function closeDemand(bytes32 id, uint16 reason, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_HANDLER);
        Demand storage kept = _known(id);
        bytes32 consumer = _carrier(kept.consumer, id);
        require(consumer == department, Catalogue_DemandDiffers(id, consumer));
        if (kept.closed) return false;
        kept.closed = true;
        emit DemandClosed(id, department, msg.sender, reason, basis);
        return true;
    }

    // The life of a resource

    /// @inheritdoc ICatalogue
    function drawUp(
        bytes32 code,
        bytes32 versionHash,
        uint8 sharingClass,
        bytes calldata itemLevels,
        bytes32 basis
    ) external returns (bool) {
        (bytes32 department, bytes32 person) = _drawer(code);
        require(code != 0, Catalogue_IdZero());
        require(sharingClass != 0 && sharingClass <= NOT_SHARED, Catalogue_ClassUnknown(sharingClass));
        require(versionHash != 0, Catalogue_VersionZero(code));
        require(basis != 0 || sharingClass != NOT_SHARED, Catalogue_BasisNeeded(code));
        Resource storage kept = _resources[code];
        require(kept.state != WITHDRAWN, Catalogue_StateWrong(code, WITHDRAWN));
        Draft memory made = Draft({
            stage: DRAWN_UP,
            sharingClass: sharingClass,
            level: _highest(itemLevels),
            itemCount: uint16(itemLevels.length),
            versionHash: versionHash,
            basis: basis,
            drawnUpBy: person
        });
        if (kept.versionHash == versionHash || _isSame(_drafts[code], made)) return false;
        if (kept.state == 0 && kept.provider != bytes18(department)) kept.provider = bytes18(department);
        _setDraft(code, made);
        emit DrawnUp(code, department, versionHash, sharingClass, itemLevels, msg.sender, person, basis);
        return true;
    }

    /// @inheritdoc ICatalogue
    function drawUpWithdrawal(bytes32 code, bytes32 decision) external returns (bool) {
        (bytes32 department, bytes32 person) = _drawer(code);
        require(decision != 0, Catalogue_BasisNeeded(code));
        Resource storage kept = _resources[code];
        if (kept.state == WITHDRAWN && kept.basis == decision) return false;
        require(_isPublished(kept), Catalogue_StateWrong(code, _state(code, kept)));
        require(decision != kept.versionHash, Catalogue_VersionDiffers(code, decision, kept.versionHash));
        Draft memory made = Draft({
            stage: DRAWN_UP,
            sharingClass: 0,
            level: 0,
            itemCount: 0,
            versionHash: decision,
            basis: decision,
            drawnUpBy: person
        });
        if (_isSame(_drafts[code], made)) return false;
        _setDraft(code, made);
        emit WithdrawalDrawnUp(code, department, decision, msg.sender, person);
        return true;
    }

    /// @inheritdoc ICatalogue
    function review(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool) {
        (bytes32 department, Draft storage made) = _approver(code, versionHash);
        if (made.stage != DRAWN_UP) return false;
        made.stage = REVIEWED;
        emit Reviewed(code, department, versionHash, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICatalogue
    function approve(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool) {
        (bytes32 department, Draft storage made) = _approver(code, versionHash);
        uint8 stage = made.stage;
        if (stage == APPROVED || stage == 0) return false;
        require(stage == REVIEWED, Catalogue_StageWrong(code, stage, REVIEWED));
        made.stage = APPROVED;
        emit Approved(code, department, versionHash, msg.sender, basis);
        _end(code, UPDATE);
        _start(code, REVIEW, _now(), REVIEW_DAYS);
        return true;
    }

    /// @inheritdoc ICatalogue
    function publish(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool) {
        (bytes32 department, Draft storage made) = _reviewed(code, versionHash);
        uint8 stage = made.stage;
        if (stage == 0) return false;
        require(stage == APPROVED, Catalogue_StageWrong(code, stage, APPROVED));
        Resource storage kept = _resources[code];
        delete _held[code];
        _end(code, REVIEW);
        if (made.sharingClass == 0) {
            (kept.state, kept.basis) = (WITHDRAWN, versionHash);
            delete _drafts[code];
            emit Withdrawn(code, department, versionHash, msg.sender, basis);
            _end(code, UPDATE);
            _end(code, CONNECT);
            if (kept.owed) {
                kept.owed = false;
                emit DutyEnded(code, department, msg.sender, 0, versionHash);
            }
            return true;
        }
        bool shared = made.sharingClass != NOT_SHARED;
        if (kept.state != CONNECTED || !shared) kept.state = PUBLISHED;
        (kept.sharingClass, kept.level, kept.itemCount) = (made.sharingClass, made.level, made.itemCount);
        (kept.versionHash, kept.basis) = (versionHash, made.basis);
        delete _drafts[code];
        emit Published(code, department, versionHash, msg.sender, basis);
        if (!shared) _end(code, CONNECT);
        else if (kept.state != CONNECTED && !_runs(_clocks[code][CONNECT])) _start(code, CONNECT, _now(), CONNECT_DAYS);
        return true;
    }

    /// @inheritdoc ICatalogue
    function sendBack(bytes32 code, bytes32 versionHash, uint16 reason, bytes32 basis) external returns (bool) {
        (bytes32 department, Draft storage made) = _reviewed(code, versionHash);
        uint8 stage = made.stage;
        if (stage == DRAWN_UP) return false;
        require(stage == APPROVED, Catalogue_StageWrong(code, stage, APPROVED));
        _takeBack(code);
        made.stage = DRAWN_UP;
        emit SentBack(code, department, versionHash, msg.sender, reason, basis);
        return true;
    }

    /// @inheritdoc ICatalogue
    function connect(bytes32 code, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_HANDLER);
        _requireProvider(code, department);
        Resource storage kept = _resources[code];
        if (kept.state == CONNECTED) return false;
        require(kept.state == PUBLISHED, Catalogue_StateWrong(code, _state(code, kept)));
        require(kept.sharingClass != NOT_SHARED, Catalogue_NotShared(code));
        kept.state = CONNECTED;
        emit Connected(code, department, msg.sender, basis);
        _end(code, CONNECT);
        return true;
    }

    /// @inheritdoc ICatalogue
    function disconnect(bytes32 code, uint16 reason, bytes32 basis) external returns (bool) {
        bytes32 department = _departments.requireOperator(msg.sender, SHARE_HANDLER);
        _requireEither(_provider(code), department);
        Resource storage kept = _resources[code];
        if (kept.state != CONNECTED) return false;
        kept.state = PUBLISHED;
        emit Disconnected(code, department, msg.sender, reason, basis);
        _set(code, CONNECT, _now(), CONNECT_DAYS, _termIfKnown(_now(), CONNECT_DAYS));
        return true;
    }

    /// @inheritdoc ICatalogue
    function recordChange(bytes32 code, uint64 changedAt, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_HANDLER);
        _requireEither(_provider(code), department);
        Clock storage update = _clocks[code][UPDATE];
        bool runs = _runs(update);
        bool known = changedAt != 0 && (update.start == changedAt || _held[code].start == changedAt);
        if (known || (runs && update.start < changedAt)) return false;
        require(changedAt <= block.timestamp, Catalogue_ChangeLater(changedAt, _now()));
        Resource storage kept = _resources[code];
        require(_isPublished(kept), Catalogue_StateWrong(code, _state(code, kept)));
        if (_endedBySubmission(code, update)) _held[code] = update;
        emit ChangeRecorded(code, department, changedAt, msg.sender, basis);
        _start(code, UPDATE, changedAt, runs ? update.workingDays : UPDATE_DAYS);
        return true;
    }

    /// @inheritdoc ICatalogue
    function extendUpdate(bytes32 code, bytes32 basis) external returns (bool) {
        (bytes32 department,) = _caller(SHARE_APPROVER);
        _requireAuthority(_provider(code), department);
        Clock storage update = _clocks[code][UPDATE];
        if (_runs(update) && update.workingDays != UPDATE_DAYS) return false;
        require(_runs(update) && block.timestamp < update.deadline, Catalogue_NoUpdateDue(code));
        emit UpdateExtended(code, department, msg.sender, basis);
        uint64 deadline = _calendar.deadline(update.start, UPDATE_DAYS + EXTENSION_DAYS);
        // A calendar that has more working days since would make an extension a shortening.
        if (deadline < update.deadline) deadline = update.deadline;
        _set(code, UPDATE, update.start, UPDATE_DAYS + EXTENSION_DAYS, deadline);
        return true;
    }

    /// @inheritdoc ICatalogue
    function moveDeadline(bytes32 code) external returns (bool moved) {
        for (uint8 which = UPDATE; which <= CONNECT; ++which) {
            Clock storage kept = _clocks[code][which];
            if (!_runs(kept)) continue;
            (uint64 before, uint64 deadline) = (kept.deadline, _termIfKnown(kept.start, kept.workingDays));
            if (deadline <= before) continue;
            kept.deadline = deadline;
            moved = true;
            emit DeadlineMoved(code, which, before, deadline);
        }
    }

    // Views

    /// @inheritdoc ICatalogue
    function resource(bytes32 code)
        external
        view
        returns (
            bytes32 provider,
            uint8 sharingClass,
            uint8 level,
            uint8 state,
            uint16 itemCount,
            bytes32 versionHash
        )
    {
        Resource storage kept = _resources[code];
        if (kept.provider != 0) provider = _carrier(kept.provider, code);
        state = _state(code, kept);
        (sharingClass, level, itemCount) = (kept.sharingClass, kept.level, kept.itemCount);
        versionHash = kept.versionHash;
    }

    /// @inheritdoc ICatalogue
    function basisOf(bytes32 code) external view returns (bytes32) {
        return _resources[code].basis;
    }

    /// @inheritdoc ICatalogue
    function draft(bytes32 code)
        external
        view
        returns (
            uint8 stage,
            uint8 sharingClass,
            uint8 level,
            uint16 itemCount,
            bytes32 versionHash,
            bytes32 basis,
            bytes32 drawnUpBy
        )
    {
        Draft storage made = _drafts[code];
        (stage, sharingClass, level, itemCount) = (made.stage, made.sharingClass, made.level, made.itemCount);
        (versionHash, basis, drawnUpBy) = (made.versionHash, made.basis, made.drawnUpBy);
    }

    /// @inheritdoc ICatalogue
    function clock(bytes32 code, uint8 which) external view returns (Clock memory) {
        return _clocks[code][which];
    }

    /// @inheritdoc ICatalogue
    function dutyOf(bytes32 code) external view returns (bytes32 provider) {
        Resource storage kept = _resources[code];
        if (kept.owed) provider = _carrier(kept.provider, code);
    }

    /// @inheritdoc ICatalogue
    function demandOf(bytes32 id)
        external
        view
        returns (bytes32 consumer, bytes32 provider, bytes32 code, bytes32 basis, bool closed)
    {
        Demand storage kept = _demands[id];
        if (kept.consumer != 0) consumer = _carrier(kept.consumer, id);
        if (kept.provider != 0) provider = _carrier(kept.provider, kept.code);
        (code, basis, closed) = (kept.code, kept.basis, kept.closed);
    }

    // Who may

    function _caller(uint32 role) private view returns (bytes32 department, bytes32 person) {
        (department, person) = _departments.actor(msg.sender, role);
        require(!_departments.isSuspended(department), Catalogue_DepartmentSuspended(department));
    }

    /// @dev A person of the provider; a code that nobody holds becomes the caller's.
    function _drawer(bytes32 code) private view returns (bytes32 department, bytes32 person) {
        (department, person) = _caller(SHARE_HANDLER);
        require(person != 0, Catalogue_PersonNeeded(msg.sender));
        if (!_isVacant(code, _resources[code])) _requireProvider(code, department);
    }

    /// @dev The draft of that version before another person of the provider; an empty one if it is published.
    function _approver(bytes32 code, bytes32 versionHash)
        private
        view
        returns (bytes32 department, Draft storage made)
    {
        bytes32 person;
        (department, person) = _caller(SHARE_APPROVER);
        _requireProvider(code, department);
        made = _draftOf(code, versionHash);
        require(person != 0, Catalogue_PersonNeeded(msg.sender));
        require(person != made.drawnUpBy, Catalogue_SamePerson(code));
    }

    /// @dev The same before the sharing authority.
    function _reviewed(bytes32 code, bytes32 versionHash)
        private
        view
        returns (bytes32 department, Draft storage made)
    {
        (department,) = _caller(SHARE_APPROVER);
        _requireAuthority(_provider(code), department);
        made = _draftOf(code, versionHash);
    }

    function _draftOf(bytes32 code, bytes32 versionHash) private view returns (Draft storage made) {
        made = _drafts[code];
        if (made.stage != 0 && made.versionHash == versionHash) return made;
        Resource storage kept = _resources[code];
        bytes32 done = kept.state == WITHDRAWN ? kept.basis : kept.versionHash;
        require(versionHash != 0 && versionHash == done, Catalogue_VersionDiffers(code, versionHash, made.versionHash));
        // Published: the draft of no code is at stage 0.
        made = _drafts[0];
    }

    function _requireProvider(bytes32 code, bytes32 department) private view {
        bytes32 provider = _provider(code);
        require(provider == department, Catalogue_NotProvider(code, provider, department));
    }

    function _requireAuthority(bytes32 provider, bytes32 department) private view {
        bytes32 authority = _authorityOf(provider);
        require(authority == department, Catalogue_NotAuthority(authority, department));
    }

    function _requireEither(bytes32 provider, bytes32 department) private view {
        if (provider == department) return;
        bytes32 authority = _authorityOf(provider);
        require(authority == department, Catalogue_NotEntitled(provider, authority, department));
    }

    function _authorityOf(bytes32 provider) private view returns (bytes32) {
        return _authorities.authorityFor(SHARING, _departments.divisionOf(provider));
    }

    /// @dev An admitted department that carries its own things.
    function _requireDepartment(bytes32 code, bytes32 provider) private view {
        require(
            _departments.kindOf(provider) == DEPARTMENT && _departments.carrierOf(provider, code) == provider,
            Catalogue_ProviderInvalid(provider)
        );
    }

    // What is

    function _provider(bytes32 code) private view returns (bytes32) {
        bytes18 provider = _resources[code].provider;
        require(provider != 0, Catalogue_ResourceUnknown(code));
        return _carrier(provider, code);
    }

    function _carrier(bytes18 department, bytes32 what) private view returns (bytes32) {
        return _departments.carrierOf(bytes32(department), what);
    }

    function _known(bytes32 id) private view returns (Demand storage kept) {
        kept = _demands[id];
        require(kept.consumer != 0, Catalogue_DemandUnknown(id));
    }

    /// @dev Neither owed nor drawn up: anybody's.
    function _isVacant(bytes32 code, Resource storage kept) private view returns (bool) {
        return kept.state == 0 && !kept.owed && _drafts[code].stage == 0;
    }

    function _isPublished(Resource storage kept) private view returns (bool) {
        return kept.state == PUBLISHED || kept.state == CONNECTED;
    }

    function _state(bytes32 code, Resource storage kept) private view returns (uint8) {
        if (kept.state != 0) return kept.state;
        uint8 stage = _drafts[code].stage;
        if (stage == 0) return 0;
        return stage == APPROVED ? SUBMITTED : PREPARED;
    }

    /// @dev Of the same content, whoever drew it up and however far it is.
    function _isSame(Draft storage kept, Draft memory made) private view returns (bool) {
        return kept.stage != 0 && kept.versionHash == made.versionHash && kept.sharingClass == made.sharingClass
            && kept.level == made.level && kept.itemCount == made.itemCount && kept.basis == made.basis;
    }

    function _highest(bytes calldata itemLevels) private pure returns (uint8 highest) {
        uint256 length = itemLevels.length;
        require(length != 0 && length <= MOST_ITEMS, Catalogue_ItemCountInvalid(length, MOST_ITEMS));
        for (uint256 i = 0; i < length; ++i) {
            uint8 level = uint8(itemLevels[i]);
            require(level != 0 && level <= HIGHEST_LEVEL, Catalogue_LevelInvalid(i, level));
            if (level > highest) highest = level;
        }
    }

    // What changes

    function _setDraft(bytes32 code, Draft memory made) private {
        if (_drafts[code].stage == APPROVED) _takeBack(code);
        _drafts[code] = made;
    }

    /// @dev The draft is no longer submitted: an UPDATE that its submission ended runs on.
    function _takeBack(bytes32 code) private {
        Clock storage update = _clocks[code][UPDATE];
        Clock memory held = _held[code];
        bool runsOn = _endedBySubmission(code, update);
        if (runsOn) {
            update.endedAt = 0;
        } else if (held.start != 0) {
            delete _held[code];
            // A change recorded while the draft lay with the authority gives no new time for the one before.
            runsOn = held.start < update.start;
            held.endedAt = 0;
            if (runsOn) _clocks[code][UPDATE] = held;
        }
        if (runsOn) emit ClockSet(code, UPDATE, update.start, update.workingDays, update.deadline);
        _end(code, REVIEW);
    }

    /// @dev Whether it was the submission that now waits for the authority which ended the UPDATE.
    function _endedBySubmission(bytes32 code, Clock storage update) private view returns (bool) {
        Clock storage submitted = _clocks[code][REVIEW];
        return _runs(submitted) && update.endedAt != 0 && update.endedAt == submitted.start;
    }

    function _runs(Clock storage kept) private view returns (bool) {
        return kept.start != 0 && kept.endedAt == 0;
    }

    function _start(bytes32 code, uint8 which, uint64 start, uint16 workingDays) private {
        _set(code, which, start, workingDays, _calendar.deadline(start, workingDays));
    }

    function _set(bytes32 code, uint8 which, uint64 start, uint16 workingDays, uint64 deadline) private {
        _clocks[code][which] = Clock({start: start, workingDays: workingDays, deadline: deadline, endedAt: 0});
        emit ClockSet(code, which, start, workingDays, deadline);
    }

    /// @dev Zero, "provisional", where the calendar has no such year yet: telling that data can't be had never waits.
    function _termIfKnown(uint64 start, uint16 workingDays) private view returns (uint64) {
        try _calendar.deadline(start, workingDays) returns (uint64 found) {
            return found;
        } catch (bytes memory refused) {
            require(bytes4(refused) == IWorkingCalendar.Calendar_YearUnknown.selector, Catalogue_CalendarSilent());
            return 0;
        }
    }

    function _end(bytes32 code, uint8 which) private {
        Clock storage kept = _clocks[code][which];
        if (!_runs(kept)) return;
        kept.endedAt = _now();
        emit ClockEnded(code, which);
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }
}
