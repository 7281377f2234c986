// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ShareAuthorisations: who was allowed which data of whom, on which legal basis, and what became of it.
/// @notice An application becomes a grant under the same id, which is random and given by the applicant. On the chain are
/// codes, window, limits and salted commitments; bodies, lists and texts stay off it.
/// Life (sharing.md, "Grant: states"; drafts stay off the chain):
/// INTERNAL_APPROVAL → SUBMITTED → PROVIDER_REVIEW → GRANTED → ACTIVE ⇄ SUSPENDED → REVOKED | SURRENDERED | EXHAUSTED |
/// SUPERSEDED; EXPIRED follows from block time and is never written. SUBMITTED, PROVIDER_REVIEW → RETURNED (once) →
/// SUBMITTED. PROVIDER_REVIEW → REJECTED → DISPUTED → PROVIDER_REVIEW | REJECTED_FINAL. Before the grant: WITHDRAWN.
/// Deadlines are computed here from the working calendar. Silence is overdue (`isOverdue`), never consent; it can be taken
/// to the sharing authority as a dispute.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false. "Handler" is an
/// operator with SHARE_HANDLER, "approver" one with SHARE_APPROVER, "authority" an approver of the sharing authority.
/// A department that carries another one's grants acts for it. Where the sharing authority is consumer or provider itself,
/// the government of the division has its part.
/// @dev One file, though long: it is the whole of what one contract tells others, and half of it says what that means.
interface IShareAuthorisations {
    enum State {
        NONE,
        INTERNAL_APPROVAL,
        SUBMITTED,
        PROVIDER_REVIEW,
        RETURNED,
        WITHDRAWN,
        REJECTED,
        DISPUTED,
        REJECTED_FINAL,
        GRANTED,
        ACTIVE,
        SUSPENDED,
        EXPIRED,
        EXHAUSTED,
        REVOKED,
        SURRENDERED,
        SUPERSEDED
    }

    /// @dev What is applied for. All commitments are salted and used for this application only.
    /// | resource 32 | catalogue code
    /// | body 32 | commitment of the application's own entry
    /// | items 32 | commitment of the set of items
    /// | subjects 32 | root of the list of subjects, scope 2 only
    /// | document 32 | commitment of the document that the legal basis is; zero where `article` says it
    /// | supersedes 32 | the grant that this one renews, or zero
    /// | notBefore 8 | notAfter 8 | maxUses 4 | ratePerDay 4 | article 4 | purpose 2 | basisKind 1 | scope 1 |
    /// | dataLife 2 | method 1 | mode 1 |
    /// `article`: statute × 10000 + article (ledger/codes/statutes.csv). `basisKind`: 1 statute, 2 holder's
    /// authorisation, 3 court, 4 emergency; 1 needs an article, 4 one of an emergency law (101 to 199), 2 and 3 a document. `scope`: 1 all, 2 a list,
    /// 3 per-subject authorisation. `method`: 1 query, 2 verify, 3 batch, 4 push. `mode`: 1 VIEW, 2 STORE.
    /// `notAfter`: first second outside. `dataLife`: days that stored data may live after the grant's end, STORE only.
    struct Terms {
        bytes32 resource;
        bytes32 body;
        bytes32 items;
        bytes32 subjects;
        bytes32 document;
        bytes32 supersedes;
        uint64 notBefore;
        uint64 notAfter;
        uint32 maxUses;
        uint32 ratePerDay;
        uint32 article;
        uint16 purpose;
        uint8 basisKind;
        uint8 scope;
        uint16 dataLife;
        uint8 method;
        uint8 mode;
    }

    /// @dev A term of `workingDays` working days after the day of `start`; in time is t < `deadline`. `start` 0: it
    /// doesn't run; the days are kept for when it does.
    struct Clock {
        uint64 start;
        uint16 workingDays;
        uint64 deadline;
    }

    /// @dev A grant as it is kept.
    /// | terms 8 × 32 |
    /// | consumer 18 | state 1 | sharingClass 1 | stage 1 | records 1 | extension 1 | returned, extended, preReview,
    ///   provided 4 | stops 4 |
    /// | provider 18 | ground 2 | filedGround 2 | article 4 |
    /// | clock.start 8 | clock.workingDays 2 | clock.deadline 8 |
    /// | endedAt 8 | stopBlock 8 | uses 4 |
    /// | consumerHandler 32 | providerHandler 32 | successor 32 |
    /// `consumer`, `provider`: as they were at the application; `carrierOf` says who they are now. `stage` of a dispute:
    /// 1 negotiation, 2 sharing authority, 3 government. `records`: bit 0 storage, 1 effect, 2 destruction.
    /// `extension`: days asked for. `preReview`: still waits for the authority's pre-review. `provided`: was ever ACTIVE.
    /// `stops`: how often it was stopped, the last time in block `stopBlock`. `ground`: code of the last rejection or
    /// stop, `article` the rejection's. Handlers are person hashes.
    struct Grant {
        Terms terms;
        bytes18 consumer;
        State state;
        uint8 sharingClass;
        uint8 stage;
        uint8 records;
        uint8 extension;
        bool returned;
        bool extended;
        bool preReview;
        bool provided;
        uint32 stops;
        bytes18 provider;
        uint16 ground;
        uint16 filedGround;
        uint32 article;
        Clock clock;
        uint64 endedAt;
        uint64 stopBlock;
        uint32 uses;
        bytes32 consumerHandler;
        bytes32 providerHandler;
        bytes32 successor;
    }

    /// @notice A handler of the consumer laid an application before the approver. `person`: the handler's.
    event Proposed(
        bytes32 indexed id, bytes32 indexed consumer, bytes32 indexed provider, address operator, bytes32 person, Terms terms
    );
    /// @notice The state changed. `reason`: code of a ground, or 0. `detail`: the article for REJECTED, the stage for
    /// DISPUTED and for what it is settled on, the uses for EXHAUSTED, the sharing class for SUBMITTED, whose clock
    /// doesn't run while it waits for the pre-review; passing that is a move from SUBMITTED to SUBMITTED. `basis`: for
    /// SUBMITTED the (new) body, for RETURNED the list, for SUPERSEDED the successor's id, else the commitment of the
    /// act's own entry. `clock`: the one that runs from now on.
    event Moved(
        bytes32 indexed id,
        bytes32 indexed department,
        address operator,
        State from,
        State to,
        uint16 reason,
        uint32 detail,
        bytes32 basis,
        Clock clock
    );
    /// @notice A handler of the provider took the application up: it is in PROVIDER_REVIEW. `person`: the handler's.
    event ReviewStarted(bytes32 indexed id, bytes32 indexed department, address operator, bytes32 person);
    /// @notice The dispute went on to `stage`.
    event Escalated(bytes32 indexed id, bytes32 indexed department, address operator, uint8 stage, bytes32 basis);
    /// @notice The provider asks its sharing authority for `workingDays` more.
    event ExtensionAsked(
        bytes32 indexed id,
        bytes32 indexed department,
        address operator,
        uint8 workingDays,
        uint16 reason,
        bytes32 basis
    );
    /// @notice The sharing authority consented; this is the applicant's notice too.
    event Extended(bytes32 indexed id, bytes32 indexed department, address operator, bytes32 basis, Clock clock);
    /// @notice The calendar was changed, and the deadline with it.
    event DeadlineMoved(bytes32 indexed id, uint64 from, uint64 to);
    /// @notice A stop for another ground than misuse was negotiated and is filed with the sharing authority.
    event StopFiled(
        bytes32 indexed id, bytes32 indexed department, address operator, uint16 ground, bytes32 negotiation
    );
    /// @notice A record of storage (1), effect (2) or destruction (3) exists.
    event UseRecorded(
        bytes32 indexed id, bytes32 indexed department, address operator, uint8 kind, bytes32 commitment
    );
    /// @notice A gateway applied the stop with this number at block `appliedAt`.
    event Acknowledged(
        bytes32 indexed id, bytes32 indexed department, address indexed gateway, uint32 stop, uint64 appliedAt
    );
    /// @notice What holds where `authority` is the provider's sharing authority. `returnClock`: 0 the clock runs on,
    /// 1 it rests while the application is returned, 2 it begins anew.
    event ProfileSet(bytes32 indexed authority, address operator, bool preReview, uint8 returnClock, bytes32 basis);

    /// @dev Only the Council may do this.
    error ShareAuthorisations_NotCouncil(address account);
    /// @dev While the Council's pause lasts nothing is granted.
    error ShareAuthorisations_Paused();
    /// @dev An id is random, never zero.
    error ShareAuthorisations_IdZero();
    /// @dev The id stands for another application.
    error ShareAuthorisations_IdTaken(bytes32 id);
    /// @dev No such application.
    error ShareAuthorisations_Unknown(bytes32 id);
    /// @dev `department` isn't the one that may do this: `expected` is (zero: nobody is set).
    error ShareAuthorisations_NotParty(bytes32 id, bytes32 expected, bytes32 department);
    /// @dev A suspended department doesn't apply, is granted nothing and grants nothing; suspended authorities and
    /// governments pass, extend and settle nothing.
    error ShareAuthorisations_DepartmentSuspended(bytes32 department);
    /// @dev The application lacks this member or has one that doesn't fit (its number in Terms, from 1).
    error ShareAuthorisations_TermInvalid(uint8 member);
    /// @dev The commitment stands in another application already, as part of it or behind one of its acts: it would join
    /// the two.
    error ShareAuthorisations_CommitmentUsed(bytes32 commitment);
    /// @dev The catalogue has no such published resource.
    error ShareAuthorisations_NotPublished(bytes32 resource);
    /// @dev The resource's class is "not shared".
    error ShareAuthorisations_NotShared(bytes32 resource);
    /// @dev A department needs no grant for its own resource.
    error ShareAuthorisations_OwnResource(bytes32 resource);
    /// @dev The renewed grant is of other departments or of another resource, or was never granted.
    error ShareAuthorisations_SupersedesInvalid(bytes32 id, bytes32 supersedes);
    /// @dev The operator is a machine; this takes a person.
    error ShareAuthorisations_PersonNeeded(address operator);
    /// @dev Handler and approver are different people.
    error ShareAuthorisations_SamePerson(bytes32 id);
    /// @dev The application is in `state`, which doesn't allow this.
    error ShareAuthorisations_MoveNotAllowed(bytes32 id, State state);
    /// @dev An application is returned once and completely.
    error ShareAuthorisations_ReturnedAlready(bytes32 id);
    /// @dev The sharing authority's pre-review comes first.
    error ShareAuthorisations_PreReviewPending(bytes32 id);
    /// @dev No such code for this act: see ledger/codes/share_reasons.csv.
    error ShareAuthorisations_ReasonInvalid(uint16 reason);
    /// @dev A rejection names the article: statute × 10000 + article.
    error ShareAuthorisations_ArticleNeeded(bytes32 id);
    /// @dev This act needs the commitment of its document.
    error ShareAuthorisations_CommitmentNeeded(bytes32 id);
    /// @dev An extension is asked for once, 1 to `limit` working days: what was consented to doesn't change meanwhile.
    error ShareAuthorisations_ExtensionInvalid(bytes32 id, uint16 workingDays, uint16 limit);
    /// @dev The term is over (or doesn't run): it can't be extended any more.
    error ShareAuthorisations_TermOver(bytes32 id, uint64 deadline);
    /// @dev The window that was applied for is over.
    error ShareAuthorisations_WindowOver(bytes32 id, uint64 notAfter);
    /// @dev At this stage only a review anew can be settled on; the government alone rejects for good.
    error ShareAuthorisations_NotFinal(bytes32 id, uint8 stage);
    /// @dev A stop for misuse gives days to mend, another stop none.
    error ShareAuthorisations_MendDaysInvalid(bytes32 id, uint16 ground, uint16 workingDays);
    /// @dev Misuse: suspend first, terminate for the same ground once the time to mend is over (0: none was given for it).
    error ShareAuthorisations_MendPending(bytes32 id, uint64 deadline);
    /// @dev A stop for this ground is negotiated and filed first (`fileStop`).
    error ShareAuthorisations_NotFiled(bytes32 id, uint16 ground);
    /// @dev The reported count is below the limit.
    error ShareAuthorisations_UsesLeft(bytes32 id, uint32 uses, uint32 maxUses);
    /// @dev Not a record's kind, or destruction of what may still be used.
    error ShareAuthorisations_RecordInvalid(bytes32 id, uint8 kind);
    /// @dev No such stop, or not applied between its block and this one.
    error ShareAuthorisations_StopInvalid(bytes32 id, uint32 stop, uint64 appliedAt);
    /// @dev No such way to treat the clock.
    error ShareAuthorisations_ProfileInvalid(uint8 returnClock);

    // The application

    /// @notice Lays an application before the own approver; by a handler of the consumer, not while it is suspended.
    /// @param id Random, not zero. False if it stands for this very application.
    function propose(bytes32 id, Terms calldata terms) external returns (bool);

    /// @notice INTERNAL_APPROVAL → SUBMITTED, by an approver of the consumer, another person than the handler. The reply's
    /// clock starts: 1 working day for the unconditional class, 10 for the conditional one; where the profile has a
    /// pre-review, it starts after that.
    function submit(bytes32 id) external returns (bool);

    /// @notice The sharing authority's pre-review: the reply's clock starts, or → REJECTED with reason and article.
    function preReview(bytes32 id, bool passed, uint16 reason, uint32 article, bytes32 basis) external returns (bool);

    /// @notice SUBMITTED → PROVIDER_REVIEW, by a handler of the provider; another handler may take over.
    function review(bytes32 id) external returns (bool);

    /// @notice SUBMITTED, PROVIDER_REVIEW → RETURNED, by a handler of the provider; once.
    /// @param list Commitment of the complete list of what is missing.
    function returnForMore(bytes32 id, bytes32 list) external returns (bool);

    /// @notice RETURNED → SUBMITTED, by an approver of the consumer, another person than the handler.
    /// @param body Commitment of the completed body.
    function resubmit(bytes32 id, bytes32 body) external returns (bool);

    /// @notice INTERNAL_APPROVAL, SUBMITTED, PROVIDER_REVIEW, RETURNED, DISPUTED → WITHDRAWN, by a handler of the consumer.
    function withdraw(bytes32 id, uint16 reason, bytes32 basis) external returns (bool);

    // The reply

    /// @notice Asks the sharing authority for 1 to 10 more working days; by a handler of the provider, in time, once.
    function askExtension(bytes32 id, uint8 workingDays, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Consents to what was asked for; by the provider's sharing authority, in time, once.
    function extend(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice PROVIDER_REVIEW → GRANTED, by an approver of the provider, another person than its handler. 20 working
    /// days to provide start.
    function grant(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice PROVIDER_REVIEW → REJECTED, by an approver of the provider, another person than its handler.
    function reject(bytes32 id, uint16 reason, uint32 article, bytes32 basis) external returns (bool);

    // Disputes

    /// @notice REJECTED → DISPUTED, by an approver of the consumer. Departments of one division negotiate first (stage 1);
    /// else the common upper sharing authority has it (stage 2). SUBMITTED, PROVIDER_REVIEW → DISPUTED at stage 2 once the
    /// answer is overdue.
    function dispute(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice On to the next stage: by an approver of either side or of the sharing authority that has it.
    function escalate(bytes32 id, uint8 stage, bytes32 basis) external returns (bool);

    /// @notice DISPUTED → PROVIDER_REVIEW with a new term, by whoever has the stage: the provider (1), the sharing
    /// authority (2; the government where that is a party), the government (3); the last also → REJECTED_FINAL.
    function settle(bytes32 id, bool again, bytes32 basis) external returns (bool);

    // The grant

    /// @notice GRANTED → ACTIVE: the data is provided; by a handler of the provider. A renewed grant is SUPERSEDED.
    function activate(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice Files a stop that isn't for misuse, after negotiation; by a handler of the provider.
    /// @param negotiation Commitment of the record of the negotiation.
    function fileStop(bytes32 id, uint16 ground, bytes32 negotiation) external returns (bool);

    /// @notice ACTIVE → SUSPENDED. Grounds 1xx (misuse): by an approver of the provider, with working days to mend; 2xx
    /// (other): by the same, filed before; 3xx (ordered): by the provider's sharing authority.
    function suspend(bytes32 id, uint16 ground, uint16 mendDays, bytes32 basis) external returns (bool);

    /// @notice SUSPENDED → ACTIVE, by the side that suspended.
    function resume(bytes32 id, bytes32 basis) external returns (bool);

    /// @notice GRANTED, ACTIVE, SUSPENDED → REVOKED. Grounds as in `suspend`; for misuse only from SUSPENDED for this very
    /// ground, once the time to mend is over.
    function revoke(bytes32 id, uint16 ground, bytes32 basis) external returns (bool);

    /// @notice GRANTED, ACTIVE, SUSPENDED → SURRENDERED, by an approver of the consumer.
    function surrender(bytes32 id, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice ACTIVE, SUSPENDED → EXHAUSTED: a gateway of the provider, where uses are counted, reports the last one.
    /// @param basis Commitment of the provider's record of its final count.
    function exhaust(bytes32 id, uint32 uses, bytes32 basis) external returns (bool);

    /// @notice Records storage (1), effect (2) or, after the end, destruction (3) of what was received; by a handler of
    /// the consumer.
    function recordUse(bytes32 id, uint8 kind, bytes32 commitment) external returns (bool);

    /// @notice A gateway of consumer or provider applied stop number `stop` at block `appliedAt`. False if it has told
    /// so of this or a later stop.
    function acknowledge(bytes32 id, uint32 stop, uint64 appliedAt) external returns (bool);

    /// @notice Computes the open deadline again after the calendar was changed; by anyone, only later.
    function moveDeadline(bytes32 id) external returns (bool);

    /// @notice What the provider's sharing authority has laid down for its area. Council only.
    function setProfile(bytes32 authority, bool preReview_, uint8 returnClock, bytes32 basis) external returns (bool);

    // Views

    /// @notice All that is kept; the state as it was last written.
    function grantOf(bytes32 id) external view returns (Grant memory);

    /// @notice The state as kept now, judged at `time`: GRANTED, ACTIVE and SUSPENDED are EXPIRED from `notAfter` on.
    function effectiveState(bytes32 id, uint64 time) external view returns (State);

    /// @notice Whether a term that runs is over at `time`: nobody answered, provided or mended.
    function isOverdue(bytes32 id, uint64 time) external view returns (bool);

    /// @notice The disposal task at `time`: when it is due (0: none) and whether all three records exist. A STORE grant
    /// that was ever provided has one from its end on: `dataLife` days later, after a revocation one day; a renewal
    /// that stores takes it over.
    function disposal(bytes32 id, uint64 time) external view returns (uint64 due, bool done);

    /// @notice The last stop that a gateway acknowledged, and the block at which it had applied it; below the grant's
    /// `stops` it is unacknowledged.
    function acknowledged(bytes32 id, address gateway) external view returns (uint32 stop, uint64 appliedAt);

    /// @notice The profile where `authority` is the provider's sharing authority.
    function profileOf(bytes32 authority) external view returns (bool preReview_, uint8 returnClock);
}
