// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AuthorisedQueries: what a subject allowed an organisation outside to ask of a department (sharing.md, Position).
/// @notice PROPOSED → CONSENTED | REFUSED; CONSENTED → EXHAUSTED | WITHDRAWN | LAPSED; EXPIRED follows from block time.
/// The subject's authorisation covers one matter, one organisation and one purpose, and has an end; the organisation is
/// no member here, so it is a salted commitment, as the matter is. An authorisation's commitment serves once.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false. All acts are
/// the provider's: "handler" is its operator with SHARE_HANDLER, "approver" one with SHARE_APPROVER.
interface IAuthorisedQueries {
    enum State {
        NONE,
        PROPOSED,
        REFUSED,
        CONSENTED,
        EXPIRED,
        EXHAUSTED,
        WITHDRAWN,
        LAPSED
    }

    /// @dev What the subject authorised. All commitments are salted and used for this query only.
    /// | resource 32 | catalogue code
    /// | authorisation 32 | commitment of the subject's authorisation
    /// | organisation 32 | commitment of the organisation's name and code
    /// | matter 32 | commitment of the matter and its case number
    /// | items 32 | commitment of the set of items
    /// | notAfter 8 | maxUses 4 | purpose 2 |
    struct Terms {
        bytes32 resource;
        bytes32 authorisation;
        bytes32 organisation;
        bytes32 matter;
        bytes32 items;
        uint64 notAfter;
        uint32 maxUses;
        uint16 purpose;
    }

    /// @dev | terms 6 × 32 |
    /// | provider 18 | state 1 | reason 2 | endedAt 8 |
    /// | uses 4 | consentedAt 8 |
    /// | handler 32 |
    struct Query {
        Terms terms;
        bytes18 provider;
        State state;
        uint16 reason;
        uint64 endedAt;
        uint32 uses;
        uint64 consentedAt;
        bytes32 handler;
    }

    /// @notice A handler of the provider recorded what was authorised. `person`: the handler's.
    event QueryProposed(
        bytes32 indexed id, bytes32 indexed provider, address operator, bytes32 person, Terms terms
    );
    /// @notice The state changed. `reason`: code, or 0. `detail`: the article for REFUSED, the uses for EXHAUSTED.
    event QueryMoved(
        bytes32 indexed id,
        bytes32 indexed department,
        address operator,
        State from,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis
    );

    /// @dev While the Council's pause lasts nothing is consented to.
    error AuthorisedQueries_Paused();
    /// @dev An id is random, never zero.
    error AuthorisedQueries_IdZero();
    /// @dev The id stands for another query.
    error AuthorisedQueries_IdTaken(bytes32 id);
    /// @dev No such query.
    error AuthorisedQueries_Unknown(bytes32 id);
    /// @dev `department` isn't the provider: `expected` is.
    error AuthorisedQueries_NotParty(bytes32 id, bytes32 expected, bytes32 department);
    /// @dev A suspended department consents to nothing.
    error AuthorisedQueries_DepartmentSuspended(bytes32 department);
    /// @dev A member is missing or doesn't fit (its number in Terms, from 1).
    error AuthorisedQueries_TermInvalid(uint8 member);
    /// @dev The commitment stands in another query already, as part of it or behind one of its acts: one authorisation,
    /// one matter; and it would join the two.
    error AuthorisedQueries_CommitmentUsed(bytes32 commitment);
    /// @dev The catalogue has no such published resource.
    error AuthorisedQueries_NotPublished(bytes32 resource);
    /// @dev The resource's class is "not shared".
    error AuthorisedQueries_NotShared(bytes32 resource);
    /// @dev The operator is a machine; this takes a person.
    error AuthorisedQueries_PersonNeeded(address operator);
    /// @dev Handler and approver are different people.
    error AuthorisedQueries_SamePerson(bytes32 id);
    /// @dev The query is in `state`, which doesn't allow this.
    error AuthorisedQueries_MoveNotAllowed(bytes32 id, State state);
    /// @dev No such code for this act: see ledger/codes/share_reasons.csv.
    error AuthorisedQueries_ReasonInvalid(uint16 reason);
    /// @dev A refusal names the article: statute × 10000 + article.
    error AuthorisedQueries_ArticleNeeded(bytes32 id);
    /// @dev The reported count is below the limit.
    error AuthorisedQueries_UsesLeft(bytes32 id, uint32 uses, uint32 maxUses);

    /// @notice Records what a subject authorised; by a handler of the resource's provider, not while it is suspended.
    function propose(bytes32 id, Terms calldata terms) external returns (bool);

    /// @notice PROPOSED → CONSENTED, by an approver, another person than the handler.
    function consent(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice PROPOSED → REFUSED, by an approver, with reason (4xx) and article.
    function refuse(bytes32 id, uint16 reason, uint32 article, bytes32 basis) external returns (bool);

    /// @notice PROPOSED, CONSENTED → WITHDRAWN (5xx: by the provider or on the subject's word) or LAPSED (7xx: death or
    /// dissolution), by a handler: it must not wait for anyone.
    function withdraw(bytes32 id, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice CONSENTED → EXHAUSTED: a gateway of the provider, where uses are counted, reports the last one.
    function exhaust(bytes32 id, uint32 uses, bytes32 basis) external returns (bool);

    /// @notice All that is kept; the state as it was last written.
    function queryOf(bytes32 id) external view returns (Query memory);

    /// @notice The state as kept now, judged at `time`: PROPOSED and CONSENTED are EXPIRED from `notAfter` on.
    function effectiveState(bytes32 id, uint64 time) external view returns (State);
}
