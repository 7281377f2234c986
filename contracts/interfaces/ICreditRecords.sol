// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title CreditRecords: what happened to the items of veterans' credit files, and nothing that joins two of one person.
/// @notice A file class is its keeper and a field of use: the keeper's 18 ASCII bytes, 13 zero bytes and the field (1
/// placement, 2 benefits, 3 hardship help), so that no class can be made for one person. An item has a random id; which
/// items one file has stands in the keeper's log, never here. A replaced item doesn't name the new one, but a salted
/// commitment to it. Each commitment (entry, notice, decision, objection, statement, filing) belongs to one act on one
/// item: a second use is refused, as a shared one would join the two.
///
/// States: 1 ACTIVE → 2 OBJECTED → ACTIVE (upheld) | 3 CORRECTED | 4 WITHDRAWN; ACTIVE → CORRECTED | WITHDRAWN (own
/// mistake, annulled act); ACTIVE | OBJECTED → 5 REPAIRED; any → 6 ARCHIVED, by time alone once `stopAt` is reached or
/// the item's class is sealed.
/// Severities: 0 none, 1 minor, 2 general, 3 serious; negative items have one. Polarities: 1 merit, 2 negative, 3 plain
/// fact. Measures: 0 none, 1 benefits cancelled for fraud (Veterans Protection Law art. 78: a veterans' authority of
/// county level or above), 2 benefits suspended, reduced or cancelled for a crime (art. 79: the provincial one).
/// Dates are given as the first second of a day of Asia/Shanghai: an hour and minute would join what one person did.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false.
/// "Authority": the veterans' authority over the keeper's division (IAuthorities, domain 2); where that is the owner
/// itself, the next one above, and above the province the government (domain 3), unless that is the owner too.
/// @dev One file, though long: it is the whole of what one contract tells others, and half of it says what that means.
interface ICreditRecords {
    /// @dev Figures by rule: working days, months. Published: 0 or between minimum and maximum; the minimum is also
    /// that of repair.
    struct Profile {
        uint16 markDays;
        uint16 answerDays;
        uint16 answerOtherDays;
        uint16 minorMaxMonths;
        uint16 generalMinMonths;
        uint16 generalMaxMonths;
        uint16 seriousMinMonths;
        uint16 seriousMaxMonths;
        uint16 stopMonths;
    }

    /// @dev What an owner adds. `commitment`: of the item's own entry (kind 5). `notice`: that the person was told;
    /// `decision`, `decidedAt`: the deciding document; all three only needed for negative items. `publishMonths` 0: not
    /// published. `eventEnd`: the conduct's or event's last day; 0 (not negative): it lasts.
    struct ItemInput {
        bytes32 fileClass;
        uint16 itemClass;
        uint8 severity;
        bytes32 commitment;
        bytes32 notice;
        bytes32 decision;
        uint64 decidedAt;
        uint64 eventEnd;
        uint16 publishMonths;
    }

    /// @dev An item as it is kept. `state` is the recorded one, `stateAt` the true one. `repairFrom`, `publishUntil`,
    /// `stopAt` 0: doesn't apply. `outcome`: commitment of the last act's decision. `replacement`: CORRECTED only.
    struct Item {
        bytes32 owner;
        bytes32 fileClass;
        uint16 itemClass;
        uint8 severity;
        uint8 state;
        bytes32 commitment;
        bytes32 notice;
        bytes32 decision;
        uint64 decidedAt;
        uint64 eventEnd;
        uint64 publishUntil;
        uint64 repairFrom;
        uint64 stopAt;
        uint64 addedAt;
        uint64 changedAt;
        uint32 objections;
        bytes32 outcome;
        bytes32 replacement;
        bytes32 filing;
    }

    /// @dev One objection or appeal; `number` counts from 1 within the item. It is answered in `answerDays` from the day
    /// it came in, and never in less than `leastDays` from the day it was recorded: who records late, or dates back,
    /// takes nothing from the time of who must answer. `stage`: 1 the owner answers, 2 the
    /// authority rules. `markBy`, `answerBy` 0: the calendar has no such year yet (provisional). `answer`: 0 open, 1
    /// upheld, 2 corrected, 3 withdrawn, 4 repaired, 5 ruled that it must be corrected or withdrawn, 6 archived, 7 not in
    /// time: an appeal followed.
    struct Objection {
        uint32 number;
        uint8 stage;
        uint8 answer;
        uint16 answerDays;
        uint16 leastDays;
        uint64 receivedAt;
        uint64 recordedAt;
        uint64 markBy;
        uint64 answerBy;
        uint64 answeredAt;
        bytes32 department;
        bytes32 request;
        bytes32 decision;
    }

    /// @notice The catalogue has this class of items from this block on; `department` is zero for the Council.
    event ItemClassSet(
        uint16 indexed itemClass,
        bytes32 indexed department,
        uint8 polarity,
        uint8 measure,
        address operator,
        bytes32 basis
    );
    /// @notice The law seals this class: no item of it is added or shown any more, for ever.
    event ItemClassSealed(uint16 indexed itemClass, bytes32 indexed department, address operator, bytes32 basis);
    /// @notice `contributor` may add items of that class for since <= t < until (0: no end).
    event ContributorAuthorised(
        bytes32 indexed fileClass,
        bytes32 indexed contributor,
        uint16 indexed itemClass,
        uint64 since,
        uint64 until,
        bytes32 department,
        address operator,
        bytes32 basis
    );
    /// @notice `contributor` adds no more items of that class from this block on.
    event ContributorEnded(
        bytes32 indexed fileClass,
        bytes32 indexed contributor,
        uint16 indexed itemClass,
        uint16 reason,
        bytes32 department,
        address operator,
        bytes32 basis
    );
    /// @notice An item was added.
    event ItemAdded(
        bytes32 indexed itemId,
        bytes32 indexed department,
        ItemInput item,
        uint64 publishUntil,
        uint64 repairFrom,
        uint64 stopAt,
        address operator
    );
    /// @notice The person objects; from this block on every answer is marked.
    event Objected(
        bytes32 indexed itemId,
        bytes32 indexed department,
        uint32 number,
        uint8 stage,
        bytes32 request,
        uint64 receivedAt,
        uint16 answerDays,
        uint16 leastDays,
        uint64 markBy,
        uint64 answerBy,
        address operator
    );
    /// @notice The owner (stage 1) or the authority (stage 2) upheld the item: ACTIVE.
    event Upheld(
        bytes32 indexed itemId,
        bytes32 indexed department,
        uint32 number,
        bytes32 decision,
        address operator
    );
    /// @notice The authority ruled that the owner must correct or withdraw; OBJECTED until it does.
    event CorrectionOrdered(
        bytes32 indexed itemId,
        bytes32 indexed department,
        uint32 number,
        bytes32 decision,
        address operator
    );
    /// @notice Another item takes its place; which one, only `replacement`'s salt tells.
    event Corrected(
        bytes32 indexed itemId,
        bytes32 indexed department,
        bytes32 replacement,
        bytes32 decision,
        address operator
    );
    /// @notice The item counts as never made.
    event Withdrawn(
        bytes32 indexed itemId,
        bytes32 indexed department,
        uint16 reason,
        bytes32 decision,
        address operator
    );
    /// @notice Publication, sharing, use and measures end.
    event Repaired(bytes32 indexed itemId, bytes32 indexed department, bytes32 decision, address operator);
    /// @notice The item is archived; `department` is zero where the time was up and anyone could say so.
    event Archived(bytes32 indexed itemId, bytes32 indexed department, bytes32 decision, address operator);
    /// @notice The person's own statement goes with the item.
    event StatementAttached(
        bytes32 indexed itemId,
        bytes32 indexed department,
        bytes32 statement,
        address operator
    );
    /// @notice The item's decision was filed with the ministry (art. 79).
    event Filed(bytes32 indexed itemId, bytes32 indexed department, bytes32 filing, address operator);
    /// @notice What lasted has ended; five years later the item stops.
    event EventEnded(
        bytes32 indexed itemId,
        bytes32 indexed department,
        uint64 eventEnd,
        uint64 stopAt,
        address operator
    );
    /// @notice The calendar changed: the open objection is answered by `newDeadline`.
    event DeadlineMoved(bytes32 indexed itemId, uint64 oldDeadline, uint64 newDeadline);
    /// @notice Clocks that start from this block on follow these figures.
    event ProfileSet(Profile profile, address operator, bytes32 basis);
    /// @notice The grade's rule set of this version has this hash, for ever.
    event RulesSet(
        uint32 indexed version,
        bytes32 indexed department,
        bytes32 rulesHash,
        address operator,
        bytes32 basis
    );

    /// @dev Only the Council may do this.
    error CreditRecords_NotCouncil(address account);
    /// @dev For the Council and the provincial veterans' authority.
    error CreditRecords_NotProvincial(bytes32 department);
    /// @dev A pause stops new contributors, classes and items.
    error CreditRecords_Paused();
    /// @dev A suspended department adds, authorises, upholds and rules nothing.
    error CreditRecords_Suspended(bytes32 department);
    /// @dev Not a keeper's code, zeros and a field 1-3.
    error CreditRecords_FileClassInvalid(bytes32 fileClass);
    /// @dev `keeper` keeps that file class.
    error CreditRecords_NotKeeper(bytes32 fileClass, bytes32 keeper, bytes32 department);
    /// @dev Only a veterans' authority of a county or above keeps files and cancels benefits.
    error CreditRecords_NotVeterans(bytes32 department);
    /// @dev The catalogue has no such class.
    error CreditRecords_ItemClassUnknown(uint16 itemClass);
    /// @dev The law seals this class.
    error CreditRecords_ItemClassSealed(uint16 itemClass);
    /// @dev Classes count from 1; polarity 1-3, measure 0-2, and a measure is negative; a basis is needed.
    error CreditRecords_ItemClassInvalid(uint16 itemClass, uint8 polarity, uint8 measure);
    /// @dev The class is in use with another polarity or measure; a new meaning takes a new number.
    error CreditRecords_ItemClassFixed(uint16 itemClass, uint8 polarity, uint8 measure);
    /// @dev The period is empty or over.
    error CreditRecords_PeriodInvalid(uint64 since, uint64 until);
    /// @dev No department that takes part: service operators contribute nothing.
    error CreditRecords_ContributorInvalid(bytes32 contributor);
    /// @dev The keeper hasn't authorised the department for that class now.
    error CreditRecords_NotContributor(bytes32 fileClass, bytes32 department, uint16 itemClass);
    /// @dev Benefits are suspended, reduced or cancelled for a crime only by the provincial authority.
    error CreditRecords_LevelTooLow(bytes32 department, uint16 itemClass);
    /// @dev Zero is no id.
    error CreditRecords_IdZero();
    /// @dev There is another item of that id.
    error CreditRecords_ItemExists(bytes32 itemId);
    /// @dev There is no such item.
    error CreditRecords_ItemUnknown(bytes32 itemId);
    /// @dev The commitment that must be given is zero.
    error CreditRecords_CommitmentMissing(bytes32 itemId);
    /// @dev The commitment belongs to another act or item; each has an entry of its own.
    error CreditRecords_CommitmentUsed(bytes32 commitment);
    /// @dev A negative item needs the commitment of the notice to the person.
    error CreditRecords_NoticeMissing(bytes32 itemId);
    /// @dev A negative item needs its deciding document, with its date.
    error CreditRecords_DecisionMissing(bytes32 itemId);
    /// @dev Negative items have a severity 1-3, others 0.
    error CreditRecords_SeverityInvalid(bytes32 itemId, uint8 severity);
    /// @dev Not the first second of a day of Asia/Shanghai, or a day to come, or zero where a day is needed.
    error CreditRecords_DateInvalid(uint64 date);
    /// @dev Published for 0 or for `least` to `most` months.
    error CreditRecords_PublicationInvalid(uint16 months, uint16 least, uint16 most);
    /// @dev The time in which the item may be kept is over.
    error CreditRecords_TooOld(bytes32 itemId, uint64 stopAt);
    /// @dev Only `owner` may do this.
    error CreditRecords_NotOwner(bytes32 itemId, bytes32 owner, bytes32 department);
    /// @dev Only the owner, the keeper and the authority may do this.
    error CreditRecords_NotParty(bytes32 itemId, bytes32 department);
    /// @dev Only `authority` rules on this item.
    error CreditRecords_NotAuthority(bytes32 itemId, bytes32 authority, bytes32 department);
    /// @dev The item's state, and where its last objection stands, don't allow this.
    error CreditRecords_MoveNotAllowed(bytes32 itemId, uint8 state, uint32 objection, uint8 stage, uint8 answer);
    /// @dev A ruling is 1 upheld, 3 withdrawn or 5 to be corrected.
    error CreditRecords_RulingInvalid(uint8 ruling);
    /// @dev The owner has until `answerBy` to answer; then the person may go to the authority.
    error CreditRecords_AnswerNotDue(bytes32 itemId, uint64 answerBy);
    /// @dev The minimum period ends at `repairFrom` (0: there is nothing to repair).
    error CreditRecords_RepairTooEarly(bytes32 itemId, uint64 repairFrom);
    /// @dev Only items of measure 2 are filed with the ministry, once.
    error CreditRecords_FilingUnexpected(bytes32 itemId);
    /// @dev The event's end is recorded already.
    error CreditRecords_EventEnded(bytes32 itemId, uint64 eventEnd);
    /// @dev Withdrawal takes a reason 1, 2 or 4.
    error CreditRecords_ReasonInvalid(uint16 reason);
    /// @dev Figures out of range: 1 <= mark <= answer <= answer with another unit <= 30 working days; minor <= 3,
    /// general 3-12, serious 12-36 months, each minimum <= its maximum; the stop 1-60 months; a basis is needed.
    error CreditRecords_ProfileInvalid();
    /// @dev The calendar answered neither with a deadline nor with an unknown year.
    error CreditRecords_CalendarSilent();
    /// @dev That version has a hash; a change is a new version.
    error CreditRecords_RulesFixed(uint32 version, bytes32 rulesHash);
    /// @dev The next version is `latest` + 1, and the hash isn't zero.
    error CreditRecords_RulesInvalid(uint32 version, uint32 latest);

    /// @notice Puts a class of items into the catalogue. By the Council or CREDIT of the provincial veterans'
    /// authority. Not while paused. False if it stands so. Classes from 9000 on are sealed by construction: 9001 records
    /// of public-security violations, 9002 juvenile records.
    /// @param basis Commitment of the entry with the legal basis.
    function setItemClass(uint16 itemClass, uint8 polarity, uint8 measure, bytes32 basis) external returns (bool);

    /// @notice Seals a class for ever, in the catalogue or not: its items are archived from then on, and nobody opens it
    /// again. Council only. False if it is sealed.
    /// @param basis Commitment of the entry with the legal basis.
    function sealItemClass(uint16 itemClass, bytes32 basis) external returns (bool);

    /// @notice Lets a department add items of a class for a time. By CREDIT of the keeper. Not while paused. False if
    /// it stands so.
    function authoriseContributor(
        bytes32 fileClass,
        bytes32 contributor,
        uint16 itemClass,
        uint64 since,
        uint64 until,
        bytes32 basis
    ) external returns (bool);

    /// @notice Ends that at this block. By CREDIT of the keeper. False if it isn't authorised now or later.
    function endContributor(
        bytes32 fileClass,
        bytes32 contributor,
        uint16 itemClass,
        uint16 reason,
        bytes32 basis
    ) external returns (bool);

    /// @notice Adds an item. By CREDIT of an authorised contributor, which owns it. Not while paused. False if it was
    /// added so.
    function add(bytes32 itemId, ItemInput calldata item) external returns (bool);

    /// @notice Marks an item that the person objects to: ACTIVE → OBJECTED. By CREDIT of the owner (which then answers
    /// in `answerDays`), the keeper or the authority (`answerOtherDays`, as another unit must check, and at least `answerDays` from now). False if this very
    /// objection is recorded.
    /// @param request Commitment of the objection's entry. @param receivedAt Day on which it came in.
    function objectTo(bytes32 itemId, bytes32 request, uint64 receivedAt) external returns (bool);

    /// @notice Takes the objection to the authority, once the owner has upheld the item or is overdue: OBJECTED, stage 2.
    /// Who was upheld against waits no second time: an objection right after it doesn't begin the owner's days anew.
    /// By CREDIT of the owner, the keeper or the authority. False if this very appeal is recorded.
    function appeal(bytes32 itemId, bytes32 request, uint64 receivedAt) external returns (bool);

    /// @notice The owner upholds the item against an objection at stage 1, with reasons: OBJECTED → ACTIVE.
    function uphold(bytes32 itemId, bytes32 decision) external returns (bool);

    /// @notice The authority rules at stage 2. `ruling`: 1 upheld → ACTIVE, 3 → WITHDRAWN, 5 the owner must correct it;
    /// while the owner hasn't, the authority may still withdraw it.
    function rule(bytes32 itemId, uint8 ruling, bytes32 decision) external returns (bool);

    /// @notice Another item takes its place: ACTIVE | OBJECTED → CORRECTED. By the owner. The new one is added by itself
    /// and later, so that nobody else sees the two together.
    /// @param replacement SHA-256("chuzheng/credit/replaces/v1"0 || salt 32 || itemId 32 || new item's id 32).
    function correct(bytes32 itemId, bytes32 replacement, bytes32 decision) external returns (bool);

    /// @notice Wrong or annulled: ACTIVE | OBJECTED → WITHDRAWN. By the owner.
    /// @param reason 1 the owner's mistake, 2 annulled by review or a court, 3 ruled by the authority (`rule` alone), 4
    /// other.
    function withdraw(bytes32 itemId, uint16 reason, bytes32 decision) external returns (bool);

    /// @notice ACTIVE | OBJECTED → REPAIRED, from `repairFrom` on. By the owner.
    function repair(bytes32 itemId, bytes32 decision) external returns (bool);

    /// @notice Any → ARCHIVED. By anyone once the time is up or the class sealed (`decision` zero); before, by the owner
    /// with its decision. False if it is archived.
    function archive(bytes32 itemId, bytes32 decision) external returns (bool);

    /// @notice Attaches the person's own statement, in any state but ARCHIVED. By CREDIT of the owner, the keeper or the
    /// authority.
    function attachStatement(bytes32 itemId, bytes32 statement) external returns (bool);

    /// @notice Records that the decision of an item of measure 2 was filed with the ministry. By the owner.
    function recordFiling(bytes32 itemId, bytes32 filing) external returns (bool);

    /// @notice Records the end of an event that lasted: the item stops `stopMonths` after. By the owner.
    function endEvent(bytes32 itemId, uint64 eventEnd) external returns (bool);

    /// @notice Computes the open objection's deadline again from its days. By anyone. False unless it is known and later.
    function moveDeadline(bytes32 itemId) external returns (bool);

    /// @notice Sets the figures for clocks that start from now on. Council only. False if they stand so.
    function setProfile(Profile calldata profile_, bytes32 basis) external returns (bool);

    /// @notice Fixes the hash of a grade's rule set, versions one by one. By the Council or CREDIT of the provincial
    /// veterans' authority.
    /// False if it is that.
    function setRules(uint32 version, bytes32 rulesHash, bytes32 basis) external returns (bool);

    /// @notice The figures that clocks follow now.
    function profile() external view returns (Profile memory);

    /// @notice A class: polarity 0 if the catalogue has none.
    function itemClassOf(uint16 itemClass)
        external
        view
        returns (uint8 polarity, uint8 measure, bool isSealed, bytes32 basis);

    /// @notice A contributor's period; both 0: none.
    function contributorOf(bytes32 fileClass, bytes32 contributor, uint16 itemClass)
        external
        view
        returns (uint64 since, uint64 until);

    /// @notice An item as recorded; owner zero if there is none.
    function itemOf(bytes32 itemId) external view returns (Item memory);

    /// @notice Its objections and appeals in their order.
    function objectionsOf(bytes32 itemId) external view returns (Objection[] memory);

    /// @notice The person's statements in their order.
    function statementsOf(bytes32 itemId) external view returns (bytes32[] memory);

    /// @notice The state that counts at `time`, as recorded by now: ARCHIVED from `stopAt` on, or if the class is
    /// sealed. 0: no such item.
    function stateAt(bytes32 itemId, uint64 time) external view returns (uint8);

    /// @notice Whether the item may be shown in public at `time`: ACTIVE or OBJECTED (then with its mark).
    function isPublished(bytes32 itemId, uint64 time) external view returns (bool);

    /// @notice Whether `newItemId` replaces the corrected item, for who has the salt.
    function isReplacedBy(bytes32 itemId, bytes32 newItemId, bytes32 salt) external view returns (bool);

    /// @notice Who rules on the item when its owner and the person disagree; zero: nobody is named.
    function authorityOf(bytes32 itemId) external view returns (bytes32);

    /// @notice The rule set's hash of a version (zero: none) and the latest version.
    function rulesOf(uint32 version) external view returns (bytes32 rulesHash, uint32 latest);
}
