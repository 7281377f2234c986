// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Catalogue: what data there is, who provides it, how it may be shared, and the three lists.
/// @notice A resource's code is 32 random bytes, or the salted hash of its number in a catalogue kept elsewhere; its text
/// stays off the chain, of which `versionHash` is the salted commitment. `basis` is the commitment of an entry, or zero.
///
/// States: 1 in preparation, 2 submitted (approved by its head, waits for the sharing authority), 3 published,
/// 4 connected (挂接), 5 withdrawn, for good. A published resource is updated or withdrawn by a new draft; until that is
/// published, the version before stands. A draft is at stage 1 drawn up, 2 reviewed (risk and secrecy), 3 approved.
/// Sharing classes: 1 unconditional, 2 conditional, 3 not shared, which needs a basis. Levels (分类分级) go from 1 to 6,
/// one for each item; a resource's level is its items' highest.
///
/// Clocks, by WorkingCalendar and Decree 809: 1 UPDATE, ten working days from a change or a new duty until the draft is
/// submitted (art. 17(2)), five more with the authority's consent, once; 2 REVIEW, two from submission until it is
/// published or sent back (art. 17(3)); 3 CONNECT, twenty from publication until it is connected (our choice, after
/// art. 22(1); not for class 3). An overdue clock changes no state: it shows.
///
/// The three lists: *responsibility* (责任清单), a provider owes a resource; *demand* (需求清单), a department asks for
/// data, of a provider or of none yet; *negative* (负面清单), the published resources of class 3 with their bases.
///
/// "The provider" is the department that carries it now. Its sharing authority is that of its division. Drafts are drawn
/// up by one person and approved by another. A suspended department does nothing here, except `disconnect`.
/// Every function checks the caller's rights first; a call that would then change nothing returns false.
interface ICatalogue {
    /// @dev A term: `workingDays` from the day of `start`; in time is t < `deadline`, which is 0 (provisional) while the
    /// calendar lacks its year: `moveDeadline` sets it then. `endedAt` 0: it runs; `start` 0: there is none.
    struct Clock {
        uint64 start;
        uint16 workingDays;
        uint64 deadline;
        uint64 endedAt;
    }

    /// @notice The provider owes this resource.
    event DutyAdded(
        bytes32 indexed code, bytes32 indexed provider, bytes32 department, address operator, bytes32 basis
    );
    /// @notice The provider no longer owes this resource.
    event DutyEnded(bytes32 indexed code, bytes32 department, address operator, uint16 reason, bytes32 basis);
    /// @notice `consumer` asks for data; `provider` and `code` are zero while nobody knows them.
    event Demanded(
        bytes32 indexed id,
        bytes32 indexed consumer,
        bytes32 indexed provider,
        bytes32 code,
        address operator,
        bytes32 basis
    );
    /// @notice The sharing authority named who answers a demand, and with which resource.
    event DemandAssigned(
        bytes32 indexed id,
        bytes32 indexed provider,
        bytes32 code,
        bytes32 department,
        address operator,
        bytes32 basis
    );
    /// @notice The consumer closed its demand.
    event DemandClosed(bytes32 indexed id, bytes32 department, address operator, uint16 reason, bytes32 basis);

    /// @notice A draft was drawn up, in place of one that wasn't published; `itemLevels` has a byte for each item.
    event DrawnUp(
        bytes32 indexed code,
        bytes32 indexed provider,
        bytes32 versionHash,
        uint8 sharingClass,
        bytes itemLevels,
        address operator,
        bytes32 personHash,
        bytes32 basis
    );
    /// @notice A draft was drawn up that withdraws the resource; `versionHash` is the commitment of the decision.
    event WithdrawalDrawnUp(
        bytes32 indexed code, bytes32 indexed provider, bytes32 versionHash, address operator, bytes32 personHash
    );
    /// @notice The draft passed the review of risk and secrecy.
    event Reviewed(bytes32 indexed code, bytes32 department, bytes32 versionHash, address operator, bytes32 basis);
    /// @notice The provider's head approved the draft, which thereby is submitted.
    event Approved(bytes32 indexed code, bytes32 department, bytes32 versionHash, address operator, bytes32 basis);
    /// @notice The sharing authority sent a submitted draft back; it is at stage 1 again.
    event SentBack(
        bytes32 indexed code, bytes32 department, bytes32 versionHash, address operator, uint16 reason, bytes32 basis
    );
    /// @notice The sharing authority published the draft: it is what counts from this block on.
    event Published(bytes32 indexed code, bytes32 department, bytes32 versionHash, address operator, bytes32 basis);
    /// @notice The sharing authority published the withdrawal.
    event Withdrawn(bytes32 indexed code, bytes32 department, bytes32 versionHash, address operator, bytes32 basis);
    /// @notice The resource can be had from this block on.
    event Connected(bytes32 indexed code, bytes32 department, address operator, bytes32 basis);
    /// @notice The resource can't be had any more; it is published still.
    event Disconnected(bytes32 indexed code, bytes32 department, address operator, uint16 reason, bytes32 basis);
    /// @notice Something changed at `changedAt` after which the resource must be updated.
    event ChangeRecorded(
        bytes32 indexed code, bytes32 department, uint64 changedAt, address operator, bytes32 basis
    );

    /// @notice The sharing authority gave UPDATE five more working days.
    event UpdateExtended(bytes32 indexed code, bytes32 department, address operator, bytes32 basis);

    /// @notice A clock started, or got more working days; `start` is the time from whose day it counts.
    event ClockSet(bytes32 indexed code, uint8 indexed clock, uint64 start, uint16 workingDays, uint64 deadline);
    /// @notice A clock ended, in time or late.
    event ClockEnded(bytes32 indexed code, uint8 indexed clock);
    /// @notice The calendar was corrected, and so a running clock ends later.
    event DeadlineMoved(bytes32 indexed id, uint8 indexed clock, uint64 before, uint64 deadline);

    /// @dev Zero is no id.
    error Catalogue_IdZero();
    /// @dev Neither drawn up nor owed.
    error Catalogue_ResourceUnknown(bytes32 code);
    /// @dev The resource is, or is owed, by `provider`.
    error Catalogue_NotProvider(bytes32 code, bytes32 provider, bytes32 department);
    /// @dev That is for the sharing authority `authority`; zero: its division has none.
    error Catalogue_NotAuthority(bytes32 authority, bytes32 department);
    /// @dev That is for the provider or its sharing authority.
    error Catalogue_NotEntitled(bytes32 provider, bytes32 authority, bytes32 department);
    /// @dev The calendar answered neither a day nor that it lacks the year.
    error Catalogue_CalendarSilent();
    /// @dev A suspended department does nothing here, except `disconnect`.
    error Catalogue_DepartmentSuspended(bytes32 department);
    /// @dev A provider is an admitted department; a service operator is none.
    error Catalogue_ProviderInvalid(bytes32 provider);
    /// @dev The operator isn't a person: it has no person hash.
    error Catalogue_PersonNeeded(address operator);
    /// @dev Who drew the draft up neither reviews nor approves it.
    error Catalogue_SamePerson(bytes32 code);
    /// @dev Classes are 1 to 3.
    error Catalogue_ClassUnknown(uint8 sharingClass);
    /// @dev A resource has 1 to `limit` items.
    error Catalogue_ItemCountInvalid(uint256 items, uint256 limit);
    /// @dev Levels are 1 to 6; `index` counts from 0.
    error Catalogue_LevelInvalid(uint256 index, uint8 level);
    /// @dev What isn't shared, demanded or withdrawn needs its basis.
    error Catalogue_BasisNeeded(bytes32 id);
    /// @dev A version is a commitment, never zero.
    error Catalogue_VersionZero(bytes32 code);
    /// @dev The draft is `found` (zero: there is none), or was published already.
    error Catalogue_VersionDiffers(bytes32 code, bytes32 given, bytes32 found);
    /// @dev The draft is at `stage`; that act needs it at `needed`.
    error Catalogue_StageWrong(bytes32 code, uint8 stage, uint8 needed);
    /// @dev That isn't possible in this state.
    error Catalogue_StateWrong(bytes32 code, uint8 state);
    /// @dev Resources of class 3 aren't connected.
    error Catalogue_NotShared(bytes32 code);
    /// @dev The change lies after the block's time.
    error Catalogue_ChangeLater(uint64 changedAt, uint64 blockTime);
    /// @dev The UPDATE clock doesn't run, or ran out.
    error Catalogue_NoUpdateDue(bytes32 code);
    /// @dev No such demand.
    error Catalogue_DemandUnknown(bytes32 id);
    /// @dev The id is that of another demand, or of one of `consumer`.
    error Catalogue_DemandDiffers(bytes32 id, bytes32 consumer);
    /// @dev The demand is closed.
    error Catalogue_DemandClosed(bytes32 id);

    // The lists

    /// @notice Puts a resource on the list of what `provider` owes; starts UPDATE unless it was submitted already. By
    /// SHARE_HANDLER of the provider or of its sharing authority. False if it is owed.
    function addDuty(bytes32 code, bytes32 provider, bytes32 basis) external returns (bool);

    /// @notice Takes a duty off the list; one of which nothing was drawn up may then go to another provider. By SHARE_APPROVER of the provider's sharing authority. False if it isn't owed
    /// any more.
    function endDuty(bytes32 code, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Puts a demand on its list. By SHARE_HANDLER of the consumer. False if it is there.
    /// @param provider Zero: not known yet. @param code Resource; zero: not known yet. @param basis Its text; not zero.
    function demand(bytes32 id, bytes32 provider, bytes32 code, bytes32 basis) external returns (bool);

    /// @notice Names provider and resource (or zero) for a demand. By SHARE_APPROVER of the sharing authority common to
    /// consumer and provider. False if they are so.
    function assignDemand(bytes32 id, bytes32 provider, bytes32 code, bytes32 basis) external returns (bool);

    /// @notice Closes a demand: met, or no longer needed. By SHARE_HANDLER of the consumer. False if closed.
    function closeDemand(bytes32 id, uint16 reason, bytes32 basis) external returns (bool);

    // The life of a resource

    /// @notice Draws up the first or a new version, in place of a draft that isn't published. By SHARE_HANDLER of the
    /// provider, a person. False if the draft, or what is published, is just that version.
    /// @param itemLevels A byte for each item: its level.
    function drawUp(
        bytes32 code,
        bytes32 versionHash,
        uint8 sharingClass,
        bytes calldata itemLevels,
        bytes32 basis
    ) external returns (bool);

    /// @notice Draws up the withdrawal of what is published. By SHARE_HANDLER of the provider, a person.
    /// @param decision Commitment of the decision to withdraw; it is the draft's version.
    function drawUpWithdrawal(bytes32 code, bytes32 decision) external returns (bool);

    /// @notice Notes that the draft passed the review of risk and secrecy. By SHARE_APPROVER of the provider, another
    /// person than who drew it up. False if it did.
    function review(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool);

    /// @notice The head's approval, which submits a reviewed draft; ends UPDATE, starts REVIEW. By SHARE_APPROVER of the
    /// provider, another person than who drew it up. False if approved or published.
    function approve(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool);

    /// @notice Publishes a submitted draft, or the withdrawal that it is; ends REVIEW, starts CONNECT where the resource
    /// isn't connected. By SHARE_APPROVER of the provider's sharing authority. False if published.
    function publish(bytes32 code, bytes32 versionHash, bytes32 basis) external returns (bool);

    /// @notice Sends a submitted draft back to stage 1; ends REVIEW; an UPDATE that it had ended runs on, from its own
    /// start. By SHARE_APPROVER of the provider's sharing authority. False if it is at stage 1.
    function sendBack(bytes32 code, bytes32 versionHash, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Notes that the published resource can be had; ends CONNECT. By SHARE_HANDLER of the provider. False if
    /// connected.
    function connect(bytes32 code, bytes32 basis) external returns (bool);

    /// @notice Notes that it can't be had any more; starts CONNECT, provisionally where the calendar lacks its year. By SHARE_HANDLER of the provider or of its sharing
    /// authority. False if it isn't connected.
    function disconnect(bytes32 code, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Notes a change of law, of a decision or of the provider's duties; starts UPDATE from its day. By
    /// SHARE_HANDLER of the provider or of its sharing authority. False if UPDATE runs from then or earlier, or ran so.
    function recordChange(bytes32 code, uint64 changedAt, bytes32 basis) external returns (bool);

    /// @notice Gives a running UPDATE five more working days, once. By SHARE_APPROVER of the provider's sharing
    /// authority, before it runs out. False if it has them.
    function extendUpdate(bytes32 code, bytes32 basis) external returns (bool);

    /// @notice Computes the running clocks again after a correction of the calendar; they only move later. By anyone.
    /// False if none moved.
    function moveDeadline(bytes32 code) external returns (bool);

    // Views

    /// @notice What is published under `code`; class, level, items and version are zero while nothing was. `provider`
    /// carries it now. `state` 0: no such resource, 3 and 4: it can be applied for, unless its class is 3.
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
        );

    /// @notice The basis of what is published.
    function basisOf(bytes32 code) external view returns (bytes32);

    /// @notice The draft that isn't published yet; `stage` 0: there is none. `sharingClass` 0: it withdraws.
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
        );

    /// @notice Clock 1 UPDATE, 2 REVIEW or 3 CONNECT of a resource.
    function clock(bytes32 code, uint8 which) external view returns (Clock memory);

    /// @notice Who owes the resource now; zero: nobody.
    function dutyOf(bytes32 code) external view returns (bytes32 provider);

    /// @notice A demand; `consumer` zero: there is none. Consumer and provider are those who carry them now.
    function demandOf(bytes32 id)
        external
        view
        returns (bytes32 consumer, bytes32 provider, bytes32 code, bytes32 basis, bool closed);
}
