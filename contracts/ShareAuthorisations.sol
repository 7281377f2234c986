// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {ICatalogue} from "./interfaces/ICatalogue.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {IShareAuthorisations} from "./interfaces/IShareAuthorisations.sol";
import {IWorkingCalendar} from "./interfaces/IWorkingCalendar.sol";
import {Articles} from "./libraries/Articles.sol";
import {Reasons} from "./libraries/Reasons.sol";
import {ShareTerms} from "./libraries/ShareTerms.sol";

/// @title ShareAuthorisations: see IShareAuthorisations.
/// @dev One file, though long: application, dispute and grant are states of one record, moved by one function
/// under one clock; rules without a storage are in libraries/.
contract ShareAuthorisations is IShareAuthorisations {
    using Reasons for uint16;

    uint32 private constant HANDLER = 4;
    uint32 private constant APPROVER = 8;
    uint32 private constant GATEWAY = 32;
    uint8 private constant SHARING = 1;
    uint8 private constant GOVERNMENT = 3;
    uint8 private constant PUBLISHED = 3;
    uint8 private constant CONNECTED = 4;
    uint8 private constant UNCONDITIONAL = 1;
    uint8 private constant NOT_SHARED = 3;

    /// @dev Working days (Decree 809 art. 21(1), 22(1)).
    uint16 private constant REPLY_UNCONDITIONAL = 1;
    uint16 private constant REPLY_CONDITIONAL = 10;
    uint16 private constant EXTENSION = 10;
    uint16 private constant PROVIDE = 20;

    /// @dev Stages of a dispute (art. 28).
    uint8 private constant NEGOTIATION = 1;
    uint8 private constant AUTHORITY = 2;
    uint8 private constant LAST_STAGE = 3;

    uint8 private constant CLOCK_RESTS = 1;
    uint8 private constant CLOCK_ANEW = 2;

    uint8 private constant DESTRUCTION = 3;
    uint8 private constant ALL_RECORDS = 7;

    /// | preReview 1 | returnClock 1 |
    struct Profile {
        bool preReview;
        uint8 returnClock;
    }

    /// | stop 4 | appliedAt 8 |
    struct Ack {
        uint32 stop;
        uint64 appliedAt;
    }

    IDepartments private immutable _departments;
    IAuthorities private immutable _authorities;
    IWorkingCalendar private immutable _calendar;
    ICatalogue private immutable _catalogue;

    mapping(bytes32 id => Grant) private _grants;
    /// @dev The application in which a commitment stands: none stands in two.
    mapping(bytes32 commitment => bytes32 id) private _usedBy;
    mapping(bytes32 id => mapping(address gateway => Ack)) private _acks;
    mapping(bytes32 authority => Profile) private _profiles;

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

    // The application

    /// @inheritdoc IShareAuthorisations
    function propose(bytes32 id, Terms calldata terms) external returns (bool) {
        (bytes32 department, bytes32 person) = _departments.actor(msg.sender, HANDLER);
        Grant storage g = _grants[id];
        if (g.state != State.NONE) {
            require(
                _consumerOf(id, g) == department && keccak256(abi.encode(g.terms)) == keccak256(abi.encode(terms)),
                ShareAuthorisations_IdTaken(id)
            );
            return false;
        }
        _requireFree(department);
        require(id != 0, ShareAuthorisations_IdZero());
        require(person != 0, ShareAuthorisations_PersonNeeded(msg.sender));
        uint8 member = ShareTerms.check(terms);
        require(member == 0, ShareAuthorisations_TermInvalid(member));
        (bytes32 provider,) = _shared(terms.resource);
        require(provider != department, ShareAuthorisations_OwnResource(terms.resource));
        if (terms.supersedes != 0) _requireRenewable(id, department, provider, terms);
        _use(id, terms.body);
        _use(id, terms.items);
        _use(id, terms.subjects);
        _use(id, terms.document);
        g.terms = terms;
        g.consumer = bytes18(department);
        g.provider = bytes18(provider);
        g.state = State.INTERNAL_APPROVAL;
        g.consumerHandler = person;
        emit Proposed(id, department, provider, msg.sender, person, terms);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function submit(bytes32 id) external returns (bool) {
        (Grant storage g, bytes32 department, bytes32 person) = _byConsumer(id, APPROVER);
        if (g.state == State.SUBMITTED && !g.returned) return false;
        _requireFree(department);
        _require(id, g, g.state == State.INTERNAL_APPROVAL);
        _requireOther(id, g.consumerHandler, person);
        (, uint8 sharingClass) = _shared(g.terms.resource);
        g.sharingClass = sharingClass;
        if (_profiles[_areaOf(_providerOf(id, g))].preReview) g.preReview = true;
        else _start(g, _replyDays(g));
        _move(id, g, department, State.SUBMITTED, 0, sharingClass, g.terms.body);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function preReview(bytes32 id, bool passed, uint16 reason, uint32 article, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department) = _byAuthority(id);
        if (passed ? g.state == State.SUBMITTED && !g.preReview : _isRejected(g, reason, article)) return false;
        if (passed) _requireFree(department);
        _require(id, g, g.state == State.SUBMITTED && g.preReview);
        g.preReview = false;
        if (passed) {
            _start(g, _replyDays(g));
            _move(id, g, department, State.SUBMITTED, 0, g.sharingClass, basis);
        } else {
            _reject(id, g, department, reason, article, basis);
        }
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function review(bytes32 id) external returns (bool) {
        (Grant storage g, bytes32 department, bytes32 person) = _byProvider(id, HANDLER);
        if (g.state == State.PROVIDER_REVIEW && g.providerHandler == person) return false;
        _requireInReview(id, g);
        require(person != 0, ShareAuthorisations_PersonNeeded(msg.sender));
        g.state = State.PROVIDER_REVIEW;
        g.providerHandler = person;
        emit ReviewStarted(id, department, msg.sender, person);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function returnForMore(bytes32 id, bytes32 list) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byProvider(id, HANDLER);
        bool isReturned = g.state == State.RETURNED;
        if (isReturned && _usedBy[list] == id) return false;
        if (!isReturned) _requireInReview(id, g);
        require(!g.returned, ShareAuthorisations_ReturnedAlready(id));
        require(list != 0, ShareAuthorisations_CommitmentNeeded(id));
        _use(id, list);
        g.returned = true;
        uint8 mode = _profiles[_areaOf(_providerOf(id, g))].returnClock;
        // A clock that has run out neither rests nor begins anew: that would heal the silence.
        if (mode != 0 && block.timestamp < g.clock.deadline) {
            if (mode == CLOCK_RESTS) g.clock.workingDays = _daysLeft(g.clock);
            (g.clock.start, g.clock.deadline) = (0, 0);
        }
        _move(id, g, department, State.RETURNED, 0, 0, list);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function resubmit(bytes32 id, bytes32 body) external returns (bool) {
        (Grant storage g, bytes32 department, bytes32 person) = _byConsumer(id, APPROVER);
        if (g.state == State.SUBMITTED && g.returned && g.terms.body == body) return false;
        _requireFree(department);
        _require(id, g, g.state == State.RETURNED);
        _requireOther(id, g.consumerHandler, person);
        require(body != 0, ShareAuthorisations_CommitmentNeeded(id));
        _use(id, body);
        g.terms.body = body;
        if (g.clock.start == 0) _start(g, g.clock.workingDays);
        _move(id, g, department, State.SUBMITTED, 0, g.sharingClass, body);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function withdraw(bytes32 id, uint16 reason, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byConsumer(id, HANDLER);
        State state = g.state;
        if (state == State.WITHDRAWN) return false;
        _require(id, g, state < State.WITHDRAWN || state == State.DISPUTED);
        _requireReason(reason, Reasons.WITHDRAWAL);
        delete g.clock;
        _move(id, g, department, State.WITHDRAWN, reason, 0, basis);
        return true;
    }

    // The reply

    /// @inheritdoc IShareAuthorisations
    function askExtension(bytes32 id, uint8 workingDays, uint16 reason, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byProvider(id, HANDLER);
        if (workingDays != 0 && g.extension == workingDays) return false;
        _requireInTime(id, g);
        require(
            workingDays != 0 && workingDays <= EXTENSION && g.extension == 0,
            ShareAuthorisations_ExtensionInvalid(id, workingDays, EXTENSION)
        );
        _requireReason(reason, Reasons.EXTENSION);
        g.extension = workingDays;
        _stand(id, basis);
        emit ExtensionAsked(id, department, msg.sender, workingDays, reason, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function extend(bytes32 id, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department) = _byAuthority(id);
        if (g.extended) return false;
        _requireFree(department);
        _requireInTime(id, g);
        require(g.extension != 0, ShareAuthorisations_ExtensionInvalid(id, 0, EXTENSION));
        g.extended = true;
        Clock storage clock = g.clock;
        clock.workingDays += g.extension;
        clock.deadline = _calendar.deadline(clock.start, clock.workingDays);
        _stand(id, basis);
        emit Extended(id, department, msg.sender, basis, clock);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function grant(bytes32 id, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department, bytes32 person) = _byProvider(id, APPROVER);
        State state = _stateAt(g, block.timestamp);
        if (state == State.GRANTED) return false;
        _requireGranting(id, g, department);
        _require(id, g, state == State.PROVIDER_REVIEW);
        _requireOther(id, g.providerHandler, person);
        require(block.timestamp < g.terms.notAfter, ShareAuthorisations_WindowOver(id, g.terms.notAfter));
        _shared(g.terms.resource);
        _start(g, PROVIDE);
        _move(id, g, department, State.GRANTED, 0, 0, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function reject(bytes32 id, uint16 reason, uint32 article, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department, bytes32 person) = _byProvider(id, APPROVER);
        if (_isRejected(g, reason, article)) return false;
        _require(id, g, g.state == State.PROVIDER_REVIEW);
        _requireOther(id, g.providerHandler, person);
        _reject(id, g, department, reason, article, basis);
        return true;
    }

    // Disputes

    /// @inheritdoc IShareAuthorisations
    function dispute(bytes32 id, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byConsumer(id, APPROVER);
        State state = g.state;
        if (state == State.DISPUTED) return false;
        bool silent = _isSilent(g, state);
        _require(id, g, state == State.REJECTED || silent);
        bool near = _departments.divisionOf(department) == _departments.divisionOf(_providerOf(id, g));
        // Whoever didn't answer in time doesn't negotiate either.
        g.stage = near && !silent ? NEGOTIATION : AUTHORITY;
        delete g.clock;
        _move(id, g, department, State.DISPUTED, 0, g.stage, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function escalate(bytes32 id, uint8 stage, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _by(id, APPROVER);
        bytes32 decider = _deciderOf(id, g);
        if (department != _consumerOf(id, g) && department != _providerOf(id, g)) {
            _requireParty(id, decider, department);
        }
        bool disputed = g.state == State.DISPUTED;
        if (disputed && stage != 0 && stage <= g.stage) return false;
        _require(id, g, disputed && stage == g.stage + 1 && stage <= LAST_STAGE);
        g.stage = stage;
        _stand(id, basis);
        emit Escalated(id, department, msg.sender, stage, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function settle(bytes32 id, bool again, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _by(id, APPROVER);
        uint8 stage = g.stage;
        _requireParty(id, _deciderOf(id, g), department);
        State to = again ? State.PROVIDER_REVIEW : State.REJECTED_FINAL;
        if (g.state == to && stage != 0) return false;
        if (stage > NEGOTIATION) _requireFree(department);
        _require(id, g, g.state == State.DISPUTED);
        require(again || stage == LAST_STAGE, ShareAuthorisations_NotFinal(id, stage));
        if (again) _start(g, _replyDays(g));
        _move(id, g, department, to, 0, stage, basis);
        return true;
    }

    // The grant

    /// @inheritdoc IShareAuthorisations
    function activate(bytes32 id, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byProvider(id, HANDLER);
        State state = _stateAt(g, block.timestamp);
        if (state == State.ACTIVE) return false;
        _requireGranting(id, g, department);
        _require(id, g, state == State.GRANTED);
        g.provided = true;
        delete g.clock;
        _move(id, g, department, State.ACTIVE, 0, 0, basis);
        bytes32 renewed = g.terms.supersedes;
        Grant storage old = _grants[renewed];
        if (renewed != 0 && _isOpen(_stateAt(old, block.timestamp))) {
            old.successor = id;
            _end(renewed, old, department, State.SUPERSEDED, 0, 0, id);
        }
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function fileStop(bytes32 id, uint16 ground, bytes32 negotiation) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byProvider(id, HANDLER);
        if (ground != 0 && g.filedGround == ground) return false;
        State state = _stateAt(g, block.timestamp);
        _require(id, g, _isOpen(state));
        _requireReason(ground, Reasons.OTHER_STOP);
        require(negotiation != 0, ShareAuthorisations_CommitmentNeeded(id));
        g.filedGround = ground;
        _stand(id, negotiation);
        emit StopFiled(id, department, msg.sender, ground, negotiation);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function suspend(bytes32 id, uint16 ground, uint16 mendDays, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department, uint16 kind) = _byStopper(id, ground);
        State state = _stateAt(g, block.timestamp);
        bool suspended = state == State.SUSPENDED;
        if (suspended && g.ground == ground) return false;
        // The authority's order stands above the provider's own suspension, which the provider could end.
        _require(id, g, state == State.ACTIVE || (suspended && kind == Reasons.ORDERED));
        _requireStop(id, g, ground, kind);
        require(
            (kind == Reasons.MISUSE) == (mendDays != 0), ShareAuthorisations_MendDaysInvalid(id, ground, mendDays)
        );
        if (mendDays != 0) _start(g, mendDays);
        else delete g.clock;
        _stop(g, ground);
        _move(id, g, department, State.SUSPENDED, ground, 0, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function resume(bytes32 id, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _by(id, APPROVER);
        _requireParty(id, g.ground.kind() == Reasons.ORDERED ? _authorityOf(id, g) : _providerOf(id, g), department);
        State state = _stateAt(g, block.timestamp);
        if (state == State.ACTIVE) return false;
        _requireGranting(id, g, department);
        _require(id, g, state == State.SUSPENDED);
        delete g.clock;
        g.filedGround = 0;
        _move(id, g, department, State.ACTIVE, 0, 0, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function revoke(bytes32 id, uint16 ground, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department, uint16 kind) = _byStopper(id, ground);
        State state = _stateAt(g, block.timestamp);
        if (state == State.REVOKED && g.ground == ground) return false;
        _require(id, g, _isOpen(state));
        _requireStop(id, g, ground, kind);
        // Only for the misuse that it was told of, and was given time to mend.
        bool told = state == State.SUSPENDED && g.ground == ground;
        require(
            kind != Reasons.MISUSE || (told && block.timestamp >= g.clock.deadline),
            ShareAuthorisations_MendPending(id, told ? g.clock.deadline : 0)
        );
        _end(id, g, department, State.REVOKED, ground, 0, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function surrender(bytes32 id, uint16 reason, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byConsumer(id, APPROVER);
        State state = _stateAt(g, block.timestamp);
        if (state == State.SURRENDERED) return false;
        _require(id, g, _isOpen(state));
        _requireReason(reason, Reasons.WITHDRAWAL);
        _end(id, g, department, State.SURRENDERED, reason, 0, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function exhaust(bytes32 id, uint32 uses, bytes32 basis) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byProvider(id, GATEWAY);
        State state = _stateAt(g, block.timestamp);
        if (state == State.EXHAUSTED) return false;
        _require(id, g, state == State.ACTIVE || state == State.SUSPENDED);
        require(uses >= g.terms.maxUses, ShareAuthorisations_UsesLeft(id, uses, g.terms.maxUses));
        g.uses = uses;
        _end(id, g, department, State.EXHAUSTED, 0, uses, basis);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function recordUse(bytes32 id, uint8 kind, bytes32 commitment) external returns (bool) {
        (Grant storage g, bytes32 department,) = _byConsumer(id, HANDLER);
        require(
            g.provided && kind != 0 && kind <= DESTRUCTION
                && (kind != DESTRUCTION || _stateAt(g, block.timestamp) > State.SUSPENDED),
            ShareAuthorisations_RecordInvalid(id, kind)
        );
        uint8 bit = uint8(1) << (kind - 1);
        if (g.records & bit != 0 && _usedBy[commitment] == id) return false;
        require(commitment != 0, ShareAuthorisations_CommitmentNeeded(id));
        _use(id, commitment);
        g.records |= bit;
        emit UseRecorded(id, department, msg.sender, kind, commitment);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function acknowledge(bytes32 id, uint32 stop, uint64 appliedAt) external returns (bool) {
        (Grant storage g, bytes32 department,) = _by(id, GATEWAY);
        if (department != _consumerOf(id, g)) _requireParty(id, _providerOf(id, g), department);
        Ack storage ack = _acks[id][msg.sender];
        if (stop != 0 && stop <= ack.stop) return false;
        require(
            stop != 0 && stop <= g.stops && appliedAt <= block.number && (stop < g.stops || appliedAt >= g.stopBlock),
            ShareAuthorisations_StopInvalid(id, stop, appliedAt)
        );
        (ack.stop, ack.appliedAt) = (stop, appliedAt);
        emit Acknowledged(id, department, msg.sender, stop, appliedAt);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function moveDeadline(bytes32 id) external returns (bool) {
        Grant storage g = _known(id);
        Clock storage clock = g.clock;
        (uint64 start, uint64 before) = (clock.start, clock.deadline);
        if (start == 0) return false;
        uint64 later = _calendar.deadline(start, clock.workingDays);
        if (later <= before) return false;
        clock.deadline = later;
        emit DeadlineMoved(id, before, later);
        return true;
    }

    /// @inheritdoc IShareAuthorisations
    function setProfile(bytes32 authority, bool preReview_, uint8 returnClock, bytes32 basis)
        external
        returns (bool)
    {
        require(msg.sender == _departments.council(), ShareAuthorisations_NotCouncil(msg.sender));
        Profile storage profile = _profiles[authority];
        if (profile.preReview == preReview_ && profile.returnClock == returnClock) return false;
        require(returnClock <= CLOCK_ANEW, ShareAuthorisations_ProfileInvalid(returnClock));
        (profile.preReview, profile.returnClock) = (preReview_, returnClock);
        emit ProfileSet(authority, msg.sender, preReview_, returnClock, basis);
        return true;
    }

    // Views

    /// @inheritdoc IShareAuthorisations
    function grantOf(bytes32 id) external view returns (Grant memory) {
        return _grants[id];
    }

    /// @inheritdoc IShareAuthorisations
    function effectiveState(bytes32 id, uint64 time) external view returns (State) {
        return _stateAt(_grants[id], time);
    }

    /// @inheritdoc IShareAuthorisations
    function isOverdue(bytes32 id, uint64 time) external view returns (bool) {
        Grant storage g = _grants[id];
        return g.clock.deadline != 0 && time >= g.clock.deadline && _stateAt(g, time) != State.EXPIRED;
    }

    /// @inheritdoc IShareAuthorisations
    function disposal(bytes32 id, uint64 time) external view returns (uint64 due, bool done) {
        Grant storage g = _grants[id];
        State state = _stateAt(g, time);
        if (!g.provided || g.terms.mode != ShareTerms.STORE || state <= State.SUSPENDED) return (0, false);
        if (state == State.SUPERSEDED && _grants[g.successor].terms.mode == ShareTerms.STORE) return (0, false);
        uint64 life = state == State.REVOKED ? 1 : g.terms.dataLife;
        due = (state == State.EXPIRED ? g.terms.notAfter : g.endedAt) + life * 1 days;
        done = g.records == ALL_RECORDS;
    }

    /// @inheritdoc IShareAuthorisations
    function acknowledged(bytes32 id, address gateway) external view returns (uint32 stop, uint64 appliedAt) {
        Ack storage ack = _acks[id][gateway];
        return (ack.stop, ack.appliedAt);
    }

    /// @inheritdoc IShareAuthorisations
    function profileOf(bytes32 authority) external view returns (bool preReview_, uint8 returnClock) {
        Profile storage profile = _profiles[authority];
        return (profile.preReview, profile.returnClock);
    }

    // Who may

    function _known(bytes32 id) private view returns (Grant storage g) {
        g = _grants[id];
        require(g.state != State.NONE, ShareAuthorisations_Unknown(id));
    }

    function _by(bytes32 id, uint32 role)
        private
        view
        returns (Grant storage g, bytes32 department, bytes32 person)
    {
        (department, person) = _departments.actor(msg.sender, role);
        g = _known(id);
    }

    function _byConsumer(bytes32 id, uint32 role)
        private
        view
        returns (Grant storage g, bytes32 department, bytes32 person)
    {
        (g, department, person) = _by(id, role);
        _requireParty(id, _consumerOf(id, g), department);
    }

    function _byProvider(bytes32 id, uint32 role)
        private
        view
        returns (Grant storage g, bytes32 department, bytes32 person)
    {
        (g, department, person) = _by(id, role);
        _requireParty(id, _providerOf(id, g), department);
    }

    function _byAuthority(bytes32 id) private view returns (Grant storage g, bytes32 department) {
        (g, department,) = _by(id, APPROVER);
        _requireParty(id, _authorityOf(id, g), department);
    }

    /// @dev What is ordered is the authority's, every other stop the provider's.
    function _byStopper(bytes32 id, uint16 ground)
        private
        view
        returns (Grant storage g, bytes32 department, uint16 kind)
    {
        (g, department,) = _by(id, APPROVER);
        kind = ground.kind();
        _requireParty(id, kind == Reasons.ORDERED ? _authorityOf(id, g) : _providerOf(id, g), department);
    }

    function _requireParty(bytes32 id, bytes32 expected, bytes32 department) private pure {
        require(expected == department, ShareAuthorisations_NotParty(id, expected, department));
    }

    function _consumerOf(bytes32 id, Grant storage g) private view returns (bytes32) {
        return _departments.carrierOf(bytes32(g.consumer), id);
    }

    function _providerOf(bytes32 id, Grant storage g) private view returns (bytes32) {
        return _departments.carrierOf(bytes32(g.provider), id);
    }

    /// @dev The provider's sharing authority, in whose area its profile holds; zero if there is none.
    function _areaOf(bytes32 provider) private view returns (bytes32) {
        return _authorities.authorityFor(SHARING, _departments.divisionOf(provider));
    }

    /// @dev Who has the authority's part: where the sharing authority is consumer or provider itself, its government, as
    /// nobody consents to or judges its own acts.
    function _authorityOf(bytes32 id, Grant storage g) private view returns (bytes32 authority) {
        bytes32 provider = _providerOf(id, g);
        authority = _areaOf(provider);
        if (authority == provider || authority == _consumerOf(id, g)) {
            authority = _authorities.authorityFor(GOVERNMENT, _departments.divisionOf(provider));
        }
    }

    /// @dev Who has the dispute at its stage; a sharing authority that is a party leaves it to the government.
    function _deciderOf(bytes32 id, Grant storage g) private view returns (bytes32 decider) {
        bytes32 provider = _providerOf(id, g);
        if (g.stage <= NEGOTIATION) return provider;
        bytes32 consumer = _consumerOf(id, g);
        uint32 near = _departments.divisionOf(consumer);
        uint32 far = _departments.divisionOf(provider);
        if (g.stage == AUTHORITY) {
            decider = _authorities.commonAuthority(SHARING, near, far);
            if (decider != provider && decider != consumer) return decider;
        }
        return _authorities.commonAuthority(GOVERNMENT, near, far);
    }

    function _requireFree(bytes32 department) private view {
        require(!_departments.isSuspended(department), ShareAuthorisations_DepartmentSuspended(department));
    }

    /// @dev What opens access waits for the end of a pause, and of the suspension of whom it concerns.
    function _requireGranting(bytes32 id, Grant storage g, bytes32 department) private view {
        require(!_departments.isPaused(), ShareAuthorisations_Paused());
        _requireFree(department);
        _requireFree(_consumerOf(id, g));
    }

    function _requireOther(bytes32 id, bytes32 handler, bytes32 person) private view {
        require(person != 0, ShareAuthorisations_PersonNeeded(msg.sender));
        require(person != handler, ShareAuthorisations_SamePerson(id));
    }

    // Rules

    function _require(bytes32 id, Grant storage g, bool allowed) private view {
        require(allowed, ShareAuthorisations_MoveNotAllowed(id, _stateAt(g, block.timestamp)));
    }

    function _requireReason(uint16 reason, uint16 kind) private pure {
        require(reason.kind() == kind, ShareAuthorisations_ReasonInvalid(reason));
    }

    /// @dev SUBMITTED and past any pre-review, or PROVIDER_REVIEW.
    function _requireInReview(bytes32 id, Grant storage g) private view {
        _require(id, g, g.state == State.SUBMITTED || g.state == State.PROVIDER_REVIEW);
        require(!g.preReview, ShareAuthorisations_PreReviewPending(id));
    }

    /// @dev The application waits for an answer whose time is over.
    function _isSilent(Grant storage g, State state) private view returns (bool) {
        bool waits = state == State.SUBMITTED || state == State.PROVIDER_REVIEW;
        return waits && g.clock.deadline != 0 && block.timestamp >= g.clock.deadline;
    }

    function _requireInTime(bytes32 id, Grant storage g) private view {
        _requireInReview(id, g);
        uint64 deadline = g.clock.deadline;
        require(block.timestamp < deadline, ShareAuthorisations_TermOver(id, deadline));
    }

    function _requireStop(bytes32 id, Grant storage g, uint16 ground, uint16 kind) private view {
        require(kind != 0 && kind <= Reasons.ORDERED, ShareAuthorisations_ReasonInvalid(ground));
        require(
            kind != Reasons.OTHER_STOP || g.filedGround == ground, ShareAuthorisations_NotFiled(id, ground)
        );
    }

    /// @dev Provider and class of a published resource that may be shared.
    function _shared(bytes32 resource) private view returns (bytes32 provider, uint8 sharingClass) {
        uint8 state;
        (provider, sharingClass,, state,,) = _catalogue.resource(resource);
        require(state == PUBLISHED || state == CONNECTED, ShareAuthorisations_NotPublished(resource));
        require(sharingClass != NOT_SHARED, ShareAuthorisations_NotShared(resource));
    }

    /// @dev Between the same departments, about the same resource, once granted.
    function _requireRenewable(bytes32 id, bytes32 consumer, bytes32 provider, Terms calldata terms) private view {
        bytes32 renewed = terms.supersedes;
        Grant storage old = _grants[renewed];
        require(
            old.state >= State.GRANTED && old.terms.resource == terms.resource
                && _consumerOf(renewed, old) == consumer && _providerOf(renewed, old) == provider,
            ShareAuthorisations_SupersedesInvalid(id, renewed)
        );
    }

    /// @dev A commitment stands in one application only, and there once: two would be joined by it.
    function _use(bytes32 id, bytes32 commitment) private {
        if (commitment == 0) return;
        require(_usedBy[commitment] == 0, ShareAuthorisations_CommitmentUsed(commitment));
        _usedBy[commitment] = id;
    }

    /// @dev The document of an act may stand behind several acts on one application, never behind two applications.
    function _stand(bytes32 id, bytes32 basis) private {
        if (_usedBy[basis] != id) _use(id, basis);
    }

    function _isOpen(State state) private pure returns (bool) {
        return state == State.GRANTED || state == State.ACTIVE || state == State.SUSPENDED;
    }

    function _stateAt(Grant storage g, uint256 time) private view returns (State state) {
        state = g.state;
        if (_isOpen(state) && time >= g.terms.notAfter) return State.EXPIRED;
    }

    function _replyDays(Grant storage g) private view returns (uint16) {
        return g.sharingClass == UNCONDITIONAL ? REPLY_UNCONDITIONAL : REPLY_CONDITIONAL;
    }

    function _start(Grant storage g, uint16 workingDays) private {
        uint64 start = uint64(block.timestamp);
        g.clock = Clock({
            start: start, workingDays: workingDays, deadline: _calendar.deadline(start, workingDays)
        });
    }

    /// @dev Working days of a running clock that aren't over; at least one, as the clock isn't.
    function _daysLeft(Clock storage clock) private view returns (uint16 left) {
        (uint64 start, uint16 total) = (clock.start, clock.workingDays);
        uint16 gone = 1;
        while (gone < total && _calendar.deadline(start, gone) <= block.timestamp) ++gone;
        return total - gone + 1;
    }

    function _isRejected(Grant storage g, uint16 reason, uint32 article) private view returns (bool) {
        return g.state == State.REJECTED && g.ground == reason && g.article == article;
    }

    function _reject(bytes32 id, Grant storage g, bytes32 department, uint16 reason, uint32 article, bytes32 basis)
        private
    {
        _requireReason(reason, Reasons.REJECTION);
        require(Articles.isArticle(article), ShareAuthorisations_ArticleNeeded(id));
        (g.ground, g.article) = (reason, article);
        delete g.clock;
        _move(id, g, department, State.REJECTED, reason, article, basis);
    }

    function _stop(Grant storage g, uint16 ground) private {
        g.ground = ground;
        ++g.stops;
        g.stopBlock = uint64(block.number);
    }

    function _end(
        bytes32 id,
        Grant storage g,
        bytes32 department,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis
    ) private {
        _stop(g, reason);
        delete g.clock;
        g.endedAt = uint64(block.timestamp);
        _move(id, g, department, to, reason, detail, basis);
    }

    function _move(
        bytes32 id,
        Grant storage g,
        bytes32 department,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis
    ) private {
        // What supersedes is told by its id, which is nobody's document.
        if (to != State.SUPERSEDED) _stand(id, basis);
        State from = g.state;
        g.state = to;
        emit Moved(id, department, msg.sender, from, to, reason, detail, basis, g.clock);
    }
}
