// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorisedQueries} from "./interfaces/IAuthorisedQueries.sol";
import {ICatalogue} from "./interfaces/ICatalogue.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Articles} from "./libraries/Articles.sol";
import {Reasons} from "./libraries/Reasons.sol";

/// @title AuthorisedQueries: see IAuthorisedQueries.
contract AuthorisedQueries is IAuthorisedQueries {
    using Reasons for uint16;

    uint32 private constant HANDLER = 4;
    uint32 private constant APPROVER = 8;
    uint32 private constant GATEWAY = 32;
    uint8 private constant PUBLISHED = 3;
    uint8 private constant CONNECTED = 4;
    uint8 private constant NOT_SHARED = 3;

    IDepartments private immutable _departments;
    ICatalogue private immutable _catalogue;

    mapping(bytes32 id => Query) private _queries;
    /// @dev The query in which a commitment stands: none stands in two.
    mapping(bytes32 commitment => bytes32 id) private _usedBy;

    constructor(IDepartments departments_, ICatalogue catalogue_) {
        _departments = departments_;
        _catalogue = catalogue_;
    }

    /// @inheritdoc IAuthorisedQueries
    function propose(bytes32 id, Terms calldata terms) external returns (bool) {
        (bytes32 department, bytes32 person) = _departments.actor(msg.sender, HANDLER);
        Query storage q = _queries[id];
        if (q.state != State.NONE) {
            require(
                _departments.carrierOf(bytes32(q.provider), id) == department
                    && keccak256(abi.encode(q.terms)) == keccak256(abi.encode(terms)),
                AuthorisedQueries_IdTaken(id)
            );
            return false;
        }
        _requireParty(id, _shared(terms.resource), department);
        _requireFree(department);
        require(id != 0, AuthorisedQueries_IdZero());
        require(person != 0, AuthorisedQueries_PersonNeeded(msg.sender));
        uint8 member = _check(terms);
        require(member == 0, AuthorisedQueries_TermInvalid(member));
        _use(id, terms.authorisation);
        _use(id, terms.organisation);
        _use(id, terms.matter);
        _use(id, terms.items);
        q.terms = terms;
        q.provider = bytes18(department);
        q.state = State.PROPOSED;
        q.handler = person;
        emit QueryProposed(id, department, msg.sender, person, terms);
        return true;
    }

    /// @inheritdoc IAuthorisedQueries
    function consent(bytes32 id, bytes32 basis) external returns (bool) {
        (Query storage q, bytes32 department, bytes32 person, State state) = _by(id, APPROVER);
        if (state == State.CONSENTED) return false;
        require(!_departments.isPaused(), AuthorisedQueries_Paused());
        _requireFree(department);
        _require(id, state == State.PROPOSED, state);
        _requireOther(id, q.handler, person);
        _shared(q.terms.resource);
        q.consentedAt = uint64(block.timestamp);
        _move(id, q, department, State.CONSENTED, 0, 0, basis);
        return true;
    }

    /// @inheritdoc IAuthorisedQueries
    function refuse(bytes32 id, uint16 reason, uint32 article, bytes32 basis) external returns (bool) {
        (Query storage q, bytes32 department, bytes32 person, State state) = _by(id, APPROVER);
        if (state == State.REFUSED && q.reason == reason) return false;
        _require(id, state == State.PROPOSED, state);
        _requireOther(id, q.handler, person);
        require(reason.kind() == Reasons.REJECTION, AuthorisedQueries_ReasonInvalid(reason));
        require(Articles.isArticle(article), AuthorisedQueries_ArticleNeeded(id));
        _end(id, q, department, State.REFUSED, reason, article, basis);
        return true;
    }

    /// @inheritdoc IAuthorisedQueries
    function withdraw(bytes32 id, uint16 reason, bytes32 basis) external returns (bool) {
        (Query storage q, bytes32 department,, State state) = _by(id, HANDLER);
        State to = reason.kind() == Reasons.LAPSE ? State.LAPSED : State.WITHDRAWN;
        if (state == to && q.reason == reason) return false;
        _require(id, state == State.PROPOSED || state == State.CONSENTED, state);
        require(
            to == State.LAPSED || reason.kind() == Reasons.WITHDRAWAL, AuthorisedQueries_ReasonInvalid(reason)
        );
        _end(id, q, department, to, reason, 0, basis);
        return true;
    }

    /// @inheritdoc IAuthorisedQueries
    function exhaust(bytes32 id, uint32 uses, bytes32 basis) external returns (bool) {
        (Query storage q, bytes32 department,, State state) = _by(id, GATEWAY);
        if (state == State.EXHAUSTED) return false;
        _require(id, state == State.CONSENTED, state);
        require(uses >= q.terms.maxUses, AuthorisedQueries_UsesLeft(id, uses, q.terms.maxUses));
        q.uses = uses;
        _end(id, q, department, State.EXHAUSTED, 0, uses, basis);
        return true;
    }

    // Views

    /// @inheritdoc IAuthorisedQueries
    function queryOf(bytes32 id) external view returns (Query memory) {
        return _queries[id];
    }

    /// @inheritdoc IAuthorisedQueries
    function effectiveState(bytes32 id, uint64 time) external view returns (State) {
        return _stateAt(_queries[id], time);
    }

    // Rules

    function _by(bytes32 id, uint32 role)
        private
        view
        returns (Query storage q, bytes32 department, bytes32 person, State state)
    {
        (department, person) = _departments.actor(msg.sender, role);
        q = _queries[id];
        require(q.state != State.NONE, AuthorisedQueries_Unknown(id));
        _requireParty(id, _departments.carrierOf(bytes32(q.provider), id), department);
        state = _stateAt(q, block.timestamp);
    }

    function _requireParty(bytes32 id, bytes32 expected, bytes32 department) private pure {
        require(expected == department, AuthorisedQueries_NotParty(id, expected, department));
    }

    function _requireFree(bytes32 department) private view {
        require(!_departments.isSuspended(department), AuthorisedQueries_DepartmentSuspended(department));
    }

    function _requireOther(bytes32 id, bytes32 handler, bytes32 person) private view {
        require(person != 0, AuthorisedQueries_PersonNeeded(msg.sender));
        require(person != handler, AuthorisedQueries_SamePerson(id));
    }

    function _require(bytes32 id, bool allowed, State state) private pure {
        require(allowed, AuthorisedQueries_MoveNotAllowed(id, state));
    }

    /// @dev Number (from 1, in the order of Terms) of the first member that is missing or doesn't fit; 0: none.
    function _check(Terms calldata terms) private view returns (uint8) {
        if (terms.authorisation == 0) return 2;
        if (terms.organisation == 0) return 3;
        if (terms.matter == 0) return 4;
        if (terms.items == 0) return 5;
        if (terms.notAfter <= block.timestamp) return 6;
        if (terms.maxUses == 0) return 7;
        if (terms.purpose == 0) return 8;
        return 0;
    }

    /// @dev Provider of a published resource that may be shared.
    function _shared(bytes32 resource) private view returns (bytes32 provider) {
        uint8 sharingClass;
        uint8 state;
        (provider, sharingClass,, state,,) = _catalogue.resource(resource);
        require(state == PUBLISHED || state == CONNECTED, AuthorisedQueries_NotPublished(resource));
        require(sharingClass != NOT_SHARED, AuthorisedQueries_NotShared(resource));
    }

    /// @dev A commitment stands in one query only: two would be joined by it.
    function _use(bytes32 id, bytes32 commitment) private {
        require(_usedBy[commitment] == 0, AuthorisedQueries_CommitmentUsed(commitment));
        _usedBy[commitment] = id;
    }

    function _stateAt(Query storage q, uint256 time) private view returns (State state) {
        state = q.state;
        bool open = state == State.PROPOSED || state == State.CONSENTED;
        if (open && time >= q.terms.notAfter) return State.EXPIRED;
    }

    function _end(
        bytes32 id,
        Query storage q,
        bytes32 department,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis
    ) private {
        q.reason = reason;
        q.endedAt = uint64(block.timestamp);
        _move(id, q, department, to, reason, detail, basis);
    }

    function _move(
        bytes32 id,
        Query storage q,
        bytes32 department,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis
    ) private {
        // One letter about a death, say, would join all that was asked about that person.
        if (basis != 0 && _usedBy[basis] != id) _use(id, basis);
        State from = q.state;
        q.state = to;
        emit QueryMoved(id, department, msg.sender, from, to, reason, detail, basis);
    }
}
