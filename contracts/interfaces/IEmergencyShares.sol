// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title EmergencyShares: access without a grant under an emergency law, opened by two officers and judged afterwards.
/// @notice PROPOSED → OPEN → REVIEW_DUE → JUSTIFIED | UNJUSTIFIED. REVIEW_DUE follows from block time, or from closing
/// early. A review that is overdue blocks the department's next emergency.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false. "Handler" is an
/// operator with SHARE_HANDLER, "approver" one with SHARE_APPROVER.
interface IEmergencyShares {
    enum State {
        NONE,
        PROPOSED,
        OPEN,
        REVIEW_DUE,
        JUSTIFIED,
        UNJUSTIFIED
    }

    /// @dev What is opened.
    /// | resource 32 | catalogue code
    /// | decision 32 | salted commitment of the responsible body's decision document
    /// | items 32 | salted commitment of the set of items
    /// | article 4 | reason 2 | numHours 2 | maxReads 4 |
    /// `article`: of an emergency law, statute (101 to 199 of ledger/codes/statutes.csv) × 10000 + article. `reason`: 6xx
    /// of ledger/codes/share_reasons.csv. `numHours`: 1 to 72 from the second officer's act. `maxReads`: 1 to 1,000.
    struct Terms {
        bytes32 resource;
        bytes32 decision;
        bytes32 items;
        uint32 article;
        uint16 reason;
        uint16 numHours;
        uint32 maxReads;
    }

    /// @dev | terms 4 × 32 |
    /// | consumer 18 | state 1 | justification 2 |
    /// | provider 18 |
    /// | opener 18 |
    /// | openedAt 8 | closesAt 8 | reviewBy 8 |
    /// | officer 32 | report 32 |
    /// `opener`: who opened it, the consumer or its successor: the one whose next emergency waits for the review.
    /// `state`: as written; OPEN is REVIEW_DUE from `closesAt` on. `reviewBy`: first second at which the review is
    /// overdue. `officer`: the first officer's person hash. `report`: commitment of the consumer's account.
    struct Emergency {
        Terms terms;
        bytes18 consumer;
        State state;
        uint16 justification;
        bytes18 provider;
        bytes18 opener;
        uint64 openedAt;
        uint64 closesAt;
        uint64 reviewBy;
        bytes32 officer;
        bytes32 report;
    }

    /// @notice The first officer laid the emergency before the second. `person`: the first's.
    event EmergencyProposed(
        bytes32 indexed id, bytes32 indexed consumer, bytes32 indexed provider, address operator, bytes32 person, Terms terms
    );
    /// @notice The second officer opened it.
    event EmergencyOpened(
        bytes32 indexed id, bytes32 indexed department, address operator, uint64 closesAt, uint64 reviewBy
    );
    /// @notice It ended before its time.
    event EmergencyClosed(
        bytes32 indexed id, bytes32 indexed department, address operator, uint16 reason, uint32 reads, bytes32 basis
    );
    /// @notice The consumer gave account.
    event EmergencyReported(bytes32 indexed id, bytes32 indexed department, address operator, bytes32 report);
    /// @notice The sharing authority judged it.
    event EmergencyJudged(
        bytes32 indexed id, bytes32 indexed department, address operator, bool justified, uint16 reason, bytes32 basis
    );
    /// @notice The calendar was changed, and the review's deadline with it.
    event DeadlineMoved(bytes32 indexed id, uint64 from, uint64 to);

    /// @dev While the Council's pause lasts nothing is opened.
    error EmergencyShares_Paused();
    /// @dev An id is random, never zero.
    error EmergencyShares_IdZero();
    /// @dev The id stands for another emergency.
    error EmergencyShares_IdTaken(bytes32 id);
    /// @dev No such emergency.
    error EmergencyShares_Unknown(bytes32 id);
    /// @dev `department` isn't the one that may do this: `expected` is (zero: nobody is set).
    error EmergencyShares_NotParty(bytes32 id, bytes32 expected, bytes32 department);
    /// @dev A suspended department opens nothing, and as the authority judges nothing.
    error EmergencyShares_DepartmentSuspended(bytes32 department);
    /// @dev A member is missing or above its limit (its number in Terms, from 1).
    error EmergencyShares_TermInvalid(uint8 member);
    /// @dev The commitment stands in another emergency already, as part of it or behind one of its acts: it would join
    /// the two.
    error EmergencyShares_CommitmentUsed(bytes32 commitment);
    /// @dev The catalogue has no such published resource.
    error EmergencyShares_NotPublished(bytes32 resource);
    /// @dev The resource's class is "not shared".
    error EmergencyShares_NotShared(bytes32 resource);
    /// @dev A department's own resource needs no emergency.
    error EmergencyShares_OwnResource(bytes32 resource);
    /// @dev The operator is a machine; this takes a person.
    error EmergencyShares_PersonNeeded(address operator);
    /// @dev The two officers are different people.
    error EmergencyShares_SamePerson(bytes32 id);
    /// @dev The emergency is in `state`, which doesn't allow this.
    error EmergencyShares_MoveNotAllowed(bytes32 id, State state);
    /// @dev The review of emergency `overdue` is overdue: that comes first.
    error EmergencyShares_ReviewOverdue(bytes32 department, bytes32 overdue);
    /// @dev So many emergencies await their reviews; at most `limit` at once.
    error EmergencyShares_TooMany(bytes32 department, uint256 limit);
    /// @dev No such code for this act: see ledger/codes/share_reasons.csv.
    error EmergencyShares_ReasonInvalid(uint16 reason);
    /// @dev This act needs the commitment of its document.
    error EmergencyShares_CommitmentNeeded(bytes32 id);
    /// @dev Another account was given already.
    error EmergencyShares_ReportedAlready(bytes32 id);

    /// @notice Lays an emergency before the second officer; by a handler of the consumer, not while it is suspended.
    function propose(bytes32 id, Terms calldata terms) external returns (bool);

    /// @notice PROPOSED → OPEN, by an approver of the consumer, another person. Access lasts `numHours` from here; the
    /// review is due 10 working days after its end. Not while a review of the department is overdue.
    function open(bytes32 id) external returns (bool);

    /// @notice OPEN → REVIEW_DUE before its time: by an approver of consumer, provider or the consumer's sharing
    /// authority, or by a gateway of the provider that counted all reads (`reads` = the limit, reason 0).
    function close(bytes32 id, uint16 reason, uint32 reads, bytes32 basis) external returns (bool);

    /// @notice The consumer's account of what was read and why; by a handler, once.
    function report(bytes32 id, bytes32 account) external returns (bool);

    /// @notice REVIEW_DUE → JUSTIFIED | UNJUSTIFIED, by an approver of the consumer's sharing authority; of its government
    /// where the consumer is that authority.
    function judge(bytes32 id, bool justified, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Computes the review's deadline again after the calendar was changed; by anyone, only later.
    function moveDeadline(bytes32 id) external returns (bool);

    /// @notice All that is kept; the state as it was last written.
    function emergencyOf(bytes32 id) external view returns (Emergency memory);

    /// @notice The state as kept now, judged at `time`.
    function effectiveState(bytes32 id, uint64 time) external view returns (State);

    /// @notice Whether the review is overdue at `time`.
    function isOverdue(bytes32 id, uint64 time) external view returns (bool);

    /// @notice Emergencies of a department that were opened and not judged yet.
    function pendingOf(bytes32 department) external view returns (bytes32[] memory);
}
