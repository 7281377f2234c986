// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {ICatalogue} from "./interfaces/ICatalogue.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {IEmergencyShares} from "./interfaces/IEmergencyShares.sol";
import {IWorkingCalendar} from "./interfaces/IWorkingCalendar.sol";
import {Articles} from "./libraries/Articles.sol";
import {Reasons} from "./libraries/Reasons.sol";

/// @title EmergencyShares: see IEmergencyShares.
contract EmergencyShares is IEmergencyShares {
    using Reasons for uint16;

    uint32 private constant HANDLER = 4;
    uint32 private constant APPROVER = 8;
    uint32 private constant GATEWAY = 32;
    uint8 private constant SHARING = 1;
    uint8 private constant GOVERNMENT = 3;
    uint8 private constant PUBLISHED = 3;
    uint8 private constant CONNECTED = 4;
    uint8 private constant NOT_SHARED = 3;

    uint16 private constant MAX_HOURS = 72;
    uint32 private constant MAX_READS = 1_000;
    /// @dev Working days after the end.
    uint16 private constant REVIEW = 10;
    /// @dev Emergencies of one department that await their reviews: each opening looks at all of them.
    uint256 private constant MAX_PENDING = 16;

    IDepartments private immutable _departments;
    IAuthorities private immutable _authorities;
    IWorkingCalendar private immutable _calendar;
    ICatalogue private immutable _catalogue;

    mapping(bytes32 id => Emergency) private _emergencies;
    /// @dev The emergency in which a commitment stands: none stands in two.
    mapping(bytes32 commitment => bytes32 id) private _usedBy;
    /// @dev Opened and not judged, by the department that opened them; in no order.
    mapping(bytes32 department => bytes32[]) private _pending;

    constructor(
        IDepartments departments_,
        IAuthorities authorities_,
        IWorkingCalendar calendar_,
        ICatalogue catalogue_
    ) {
        _departments = departments_;
        _authorities = authorities_;
        _calendar = calendar_;
        _catalogue = catalogue_;
    }

    /// @inheritdoc IEmergencyShares
    function propose(bytes32 id, Terms calldata terms) external returns (bool) {
        (bytes32 department, bytes32 person) = _departments.actor(msg.sender, HANDLER);
        Emergency storage e = _emergencies[id];
        if (e.state != State.NONE) {
            require(
                _consumerOf(id, e) == department && keccak256(abi.encode(e.terms)) == keccak256(abi.encode(terms)),
                EmergencyShares_IdTaken(id)
            );
            return false;
        }
        _requireFree(department);
        require(id != 0, EmergencyShares_IdZero());
        require(person != 0, EmergencyShares_PersonNeeded(msg.sender));
        uint8 member = _check(terms);
        require(member == 0, EmergencyShares_TermInvalid(member));
        require(terms.reason.kind() == Reasons.EMERGENCY, EmergencyShares_ReasonInvalid(terms.reason));
        bytes32 provider = _shared(terms.resource);
        require(provider != department, EmergencyShares_OwnResource(terms.resource));
        _use(id, terms.decision);
        _use(id, terms.items);
        e.terms = terms;
        e.consumer = bytes18(department);
        e.provider = bytes18(provider);
        e.state = State.PROPOSED;
        e.officer = person;
        emit EmergencyProposed(id, department, provider, msg.sender, person, terms);
        return true;
    }

    /// @inheritdoc IEmergencyShares
    function open(bytes32 id) external returns (bool) {
        (Emergency storage e, bytes32 department, bytes32 person) = _by(id, APPROVER);
        _requireParty(id, _consumerOf(id, e), department);
        State state = _stateAt(e, block.timestamp);
        if (state == State.OPEN) return false;
        require(!_departments.isPaused(), EmergencyShares_Paused());
        _requireFree(department);
        _require(id, state == State.PROPOSED, state);
        require(person != 0, EmergencyShares_PersonNeeded(msg.sender));
        require(person != e.officer, EmergencyShares_SamePerson(id));
        _shared(e.terms.resource);
        _requireReviewed(department);
        uint64 closesAt = uint64(block.timestamp) + uint64(e.terms.numHours) * 1 hours;
        uint64 reviewBy = _calendar.deadline(closesAt, REVIEW);
        e.state = State.OPEN;
        e.opener = bytes18(department);
        e.openedAt = uint64(block.timestamp);
        e.closesAt = closesAt;
        e.reviewBy = reviewBy;
        _pending[department].push(id);
        emit EmergencyOpened(id, department, msg.sender, closesAt, reviewBy);
        return true;
    }

    /// @inheritdoc IEmergencyShares
    function close(bytes32 id, uint16 reason, uint32 reads, bytes32 basis) external returns (bool) {
        // Who counts the reads reports the last one; people close for a reason.
        (Emergency storage e, bytes32 department,) = _by(id, reason == 0 ? GATEWAY : APPROVER);
        bytes32 provider = _departments.carrierOf(bytes32(e.provider), id);
        if (department != provider) {
            bytes32 consumer = _consumerOf(id, e);
            if (reason == 0) _requireParty(id, provider, department);
            else if (department != consumer) _requireParty(id, _authorityOf(consumer), department);
        }
        State state = _stateAt(e, block.timestamp);
        if (state == State.REVIEW_DUE) return false;
        _require(id, state == State.OPEN, state);
        require(
            reason == 0 ? reads >= e.terms.maxReads : reason.kind() == Reasons.EMERGENCY,
            EmergencyShares_ReasonInvalid(reason)
        );
        e.state = State.REVIEW_DUE;
        _stand(id, basis);
        emit EmergencyClosed(id, department, msg.sender, reason, reads, basis);
        return true;
    }

    /// @inheritdoc IEmergencyShares
    function report(bytes32 id, bytes32 account) external returns (bool) {
        (Emergency storage e, bytes32 department,) = _by(id, HANDLER);
        _requireParty(id, _consumerOf(id, e), department);
        if (account != 0 && e.report == account) return false;
        _require(id, e.state == State.OPEN || e.state == State.REVIEW_DUE, e.state);
        require(e.report == 0, EmergencyShares_ReportedAlready(id));
        require(account != 0, EmergencyShares_CommitmentNeeded(id));
        _use(id, account);
        e.report = account;
        emit EmergencyReported(id, department, msg.sender, account);
        return true;
    }

    /// @inheritdoc IEmergencyShares
    function judge(bytes32 id, bool justified, uint16 reason, bytes32 basis) external returns (bool) {
        (Emergency storage e, bytes32 department,) = _by(id, APPROVER);
        _requireParty(id, _authorityOf(_consumerOf(id, e)), department);
        State state = _stateAt(e, block.timestamp);
        State to = justified ? State.JUSTIFIED : State.UNJUSTIFIED;
        if (state == to) return false;
        _requireFree(department);
        _require(id, state == State.REVIEW_DUE, state);
        require(reason.kind() == Reasons.EMERGENCY, EmergencyShares_ReasonInvalid(reason));
        require(basis != 0, EmergencyShares_CommitmentNeeded(id));
        e.state = to;
        e.justification = reason;
        _remove(_pending[bytes32(e.opener)], id);
        _stand(id, basis);
        emit EmergencyJudged(id, department, msg.sender, justified, reason, basis);
        return true;
    }

    /// @inheritdoc IEmergencyShares
    function moveDeadline(bytes32 id) external returns (bool) {
        Emergency storage e = _known(id);
        if (e.state != State.OPEN && e.state != State.REVIEW_DUE) return false;
        (uint64 before, uint64 later) = (e.reviewBy, _calendar.deadline(e.closesAt, REVIEW));
        if (later <= before) return false;
        e.reviewBy = later;
        emit DeadlineMoved(id, before, later);
        return true;
    }

    // Views

    /// @inheritdoc IEmergencyShares
    function emergencyOf(bytes32 id) external view returns (Emergency memory) {
        return _emergencies[id];
    }

    /// @inheritdoc IEmergencyShares
    function effectiveState(bytes32 id, uint64 time) external view returns (State) {
        return _stateAt(_emergencies[id], time);
    }

    /// @inheritdoc IEmergencyShares
    function isOverdue(bytes32 id, uint64 time) external view returns (bool) {
        return _isOverdue(_emergencies[id], time);
    }

    /// @inheritdoc IEmergencyShares
    function pendingOf(bytes32 department) external view returns (bytes32[] memory) {
        return _pending[department];
    }

    // Rules

    function _known(bytes32 id) private view returns (Emergency storage e) {
        e = _emergencies[id];
        require(e.state != State.NONE, EmergencyShares_Unknown(id));
    }

    function _by(bytes32 id, uint32 role)
        private
        view
        returns (Emergency storage e, bytes32 department, bytes32 person)
    {
        (department, person) = _departments.actor(msg.sender, role);
        e = _known(id);
    }

    function _requireParty(bytes32 id, bytes32 expected, bytes32 department) private pure {
        require(expected == department, EmergencyShares_NotParty(id, expected, department));
    }

    function _consumerOf(bytes32 id, Emergency storage e) private view returns (bytes32) {
        return _departments.carrierOf(bytes32(e.consumer), id);
    }

    /// @dev The consumer's sharing authority; its government where it is the consumer itself, as nobody judges itself.
    function _authorityOf(bytes32 consumer) private view returns (bytes32 authority) {
        uint32 division = _departments.divisionOf(consumer);
        authority = _authorities.authorityFor(SHARING, division);
        if (authority == consumer) authority = _authorities.authorityFor(GOVERNMENT, division);
    }

    function _requireFree(bytes32 department) private view {
        require(!_departments.isSuspended(department), EmergencyShares_DepartmentSuspended(department));
    }

    function _require(bytes32 id, bool allowed, State state) private pure {
        require(allowed, EmergencyShares_MoveNotAllowed(id, state));
    }

    /// @dev No review of the department is overdue, and there is room for one more.
    function _requireReviewed(bytes32 department) private view {
        bytes32[] storage pending = _pending[department];
        for (uint256 i = 0; i < pending.length; ++i) {
            require(
                !_isOverdue(_emergencies[pending[i]], block.timestamp),
                EmergencyShares_ReviewOverdue(department, pending[i])
            );
        }
        require(pending.length < MAX_PENDING, EmergencyShares_TooMany(department, MAX_PENDING));
    }

    /// @dev Number (from 1, in the order of Terms) of the first member that is missing or above its limit; 0: none.
    function _check(Terms calldata terms) private pure returns (uint8) {
        if (terms.decision == 0) return 2;
        if (terms.items == 0) return 3;
        if (!Articles.isOfEmergencyLaw(terms.article)) return 4;
        if (terms.numHours == 0 || terms.numHours > MAX_HOURS) return 6;
        if (terms.maxReads == 0 || terms.maxReads > MAX_READS) return 7;
        return 0;
    }

    /// @dev Provider of a published resource that may be shared.
    function _shared(bytes32 resource) private view returns (bytes32 provider) {
        uint8 sharingClass;
        uint8 state;
        (provider, sharingClass,, state,,) = _catalogue.resource(resource);
        require(state == PUBLISHED || state == CONNECTED, EmergencyShares_NotPublished(resource));
        require(sharingClass != NOT_SHARED, EmergencyShares_NotShared(resource));
    }

    /// @dev A commitment stands in one emergency only: two would be joined by it.
    function _use(bytes32 id, bytes32 commitment) private {
        require(_usedBy[commitment] == 0, EmergencyShares_CommitmentUsed(commitment));
        _usedBy[commitment] = id;
    }

    /// @dev The document of an act may stand behind several acts in one emergency, never behind two emergencies.
    function _stand(bytes32 id, bytes32 basis) private {
        if (basis != 0 && _usedBy[basis] != id) _use(id, basis);
    }

    function _stateAt(Emergency storage e, uint256 time) private view returns (State state) {
        state = e.state;
        if (state == State.OPEN && time >= e.closesAt) return State.REVIEW_DUE;
    }

    function _isOverdue(Emergency storage e, uint256 time) private view returns (bool) {
        return (e.state == State.OPEN || e.state == State.REVIEW_DUE) && time >= e.reviewBy;
    }

    function _remove(bytes32[] storage list, bytes32 id) private {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] != id) continue;
            list[i] = list[list.length - 1];
            list.pop();
            return;
        }
    }
}
