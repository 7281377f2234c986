// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {ICreditRecords} from "./interfaces/ICreditRecords.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {IWorkingCalendar} from "./interfaces/IWorkingCalendar.sol";
import {Divisions} from "./libraries/Divisions.sol";

/// @title CreditRecords: see ICreditRecords.
/// @dev One file, though long: each act on an item asks its class, contributors, objections and commitments, in one
/// private storage.
contract CreditRecords is ICreditRecords {
    uint32 private constant CREDIT = 16;
    uint8 private constant VETERANS = 2;
    uint8 private constant GOVERNMENT = 3;
    uint8 private constant DEPARTMENT = 1;

    uint8 private constant ACTIVE = 1;
    uint8 private constant OBJECTED = 2;
    uint8 private constant CORRECTED = 3;
    uint8 private constant WITHDRAWN = 4;
    uint8 private constant REPAIRED = 5;
    uint8 private constant ARCHIVED = 6;

    uint8 private constant NEGATIVE = 2;
    uint8 private constant FRAUD = 1;
    uint8 private constant CRIME = 2;

    uint8 private constant BY_OWNER = 1;
    uint8 private constant BY_AUTHORITY = 2;

    uint8 private constant OPEN = 0;
    uint8 private constant UPHELD = 1;
    uint8 private constant ENDED_CORRECTED = 2;
    uint8 private constant ENDED_WITHDRAWN = 3;
    uint8 private constant ENDED_REPAIRED = 4;
    uint8 private constant ORDERED = 5;
    uint8 private constant ENDED_ARCHIVED = 6;
    uint8 private constant SILENT = 7;

    uint16 private constant RULED = 3;
    /// @dev From here on: what the law seals. No act of anyone opens these.
    uint16 private constant SEALED_FROM = 9000;

    /// @dev 00:00 in Asia/Shanghai is 16:00 UTC of the day before.
    uint64 private constant SHANGHAI = 8 hours;
    /// @dev 18 bytes of the keeper, the field in the last byte.
    uint256 private constant KEEPER = uint256(type(uint144).max) << 112;
    uint256 private constant FIELDS = 3;

    /// | polarity 1 | measure 1 | sealed 1 |; basis 32
    struct Class {
        uint8 polarity;
        uint8 measure;
        bool isSealed;
        bytes32 basis;
    }

    /// | since 5 | until 5 |
    struct Period {
        uint40 since;
        uint40 until;
    }

    /// | owner 18 | itemClass 2 | severity 1 | state 1 | objections 4 | changedAt 5 |
    /// | decidedAt 5 | eventEnd 5 | publishUntil 5 | repairFrom 5 | stopAt 5 | addedAt 5 |
    /// | fileClass 32 | commitment 32 | notice 32 | decision 32 | the last three only where they are given:
    /// | outcome 32 | replacement 32 | filing 32 |
    struct Kept {
        bytes18 owner;
        uint16 itemClass;
        uint8 severity;
        uint8 state;
        uint32 objections;
        uint40 changedAt;
        uint40 decidedAt;
        uint40 eventEnd;
        uint40 publishUntil;
        uint40 repairFrom;
        uint40 stopAt;
        uint40 addedAt;
        bytes32 fileClass;
        bytes32 commitment;
        bytes32 notice;
        bytes32 decision;
        bytes32 outcome;
        bytes32 replacement;
        bytes32 filing;
    }

    /// | stage 1 | answer 1 | answerDays 1 | leastDays 1 | receivedAt 5 | recordedAt 5 | markBy 5 | answerBy 5 |
    /// | answeredAt 5 | = 29;
    /// | department 18 |; request 32; decision 32
    struct Raised {
        uint8 stage;
        uint8 answer;
        uint8 answerDays;
        uint8 leastDays;
        uint40 receivedAt;
        uint40 recordedAt;
        uint40 markBy;
        uint40 answerBy;
        uint40 answeredAt;
        bytes18 department;
        bytes32 request;
        bytes32 decision;
    }

    IDepartments private immutable _departments;
    IAuthorities private immutable _authorities;
    IWorkingCalendar private immutable _calendar;

    Profile private _profile;
    mapping(uint16 itemClass => Class) private _classes;
    mapping(bytes32 fileClass => mapping(bytes32 contributor => mapping(uint16 itemClass => Period))) private
        _contributors;
    mapping(bytes32 itemId => Kept) private _items;
    mapping(bytes32 itemId => mapping(uint32 number => Raised)) private _raised;
    mapping(bytes32 itemId => bytes32[]) private _statements;
    /// @dev The one act that a commitment belongs to, with all that was said in it: sent again, it changes nothing.
    mapping(bytes32 commitment => bytes32 act) private _acts;
    mapping(uint32 version => bytes32 rulesHash) private _rules;
    uint32 private _latestRules;

    /// @dev The figures of credit_rules.csv: DEFAULT-MARK, DEFAULT-DECIDE, OBJ-SH-AGENCY; PUB-MINOR, PUB-GENERAL,
    /// PUB-SERIOUS; DEFAULT-STOP. A test holds them to the file.
    constructor(IDepartments departments_, IAuthorities authorities_, IWorkingCalendar calendar_) {
        _departments = departments_;
        _authorities = authorities_;
        _calendar = calendar_;
        _profile = Profile({
            markDays: 1,
            answerDays: 5,
            answerOtherDays: 7,
            minorMaxMonths: 3,
            generalMinMonths: 3,
            generalMaxMonths: 12,
            seriousMinMonths: 12,
            seriousMaxMonths: 36,
            stopMonths: 60
        });
    }

    // Catalogue, contributors, figures, rules

    /// @inheritdoc ICreditRecords
    function setItemClass(uint16 itemClass, uint8 polarity, uint8 measure, bytes32 basis) external returns (bool) {
        bytes32 actor = _councilOrProvince();
        Class storage known = _classes[itemClass];
        require(!_isSealed(itemClass, known), CreditRecords_ItemClassSealed(itemClass));
        bool same = known.polarity == polarity && known.measure == measure;
        if (polarity != 0 && same && known.basis == basis) return false;
        _requireOpen();
        require(
            itemClass != 0 && polarity >= 1 && polarity <= 3 && measure <= CRIME
                && (measure == 0 || polarity == NEGATIVE) && basis != 0,
            CreditRecords_ItemClassInvalid(itemClass, polarity, measure)
        );
        require(
            known.polarity == 0 || same, CreditRecords_ItemClassFixed(itemClass, known.polarity, known.measure)
        );
        (known.polarity, known.measure, known.basis) = (polarity, measure, basis);
        emit ItemClassSet(itemClass, actor, polarity, measure, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function sealItemClass(uint16 itemClass, bytes32 basis) external returns (bool) {
        require(msg.sender == _departments.council(), CreditRecords_NotCouncil(msg.sender));
        Class storage known = _classes[itemClass];
        if (_isSealed(itemClass, known)) return false;
        require(basis != 0, CreditRecords_ItemClassInvalid(itemClass, known.polarity, known.measure));
        known.isSealed = true;
        emit ItemClassSealed(itemClass, 0, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function authoriseContributor(
        bytes32 fileClass,
        bytes32 contributor,
        uint16 itemClass,
        uint64 since,
        uint64 until,
        bytes32 basis
    ) external returns (bool) {
        bytes32 department = _keeper(fileClass);
        _requireUnsuspended(department);
        require(_isVeterans(department), CreditRecords_NotVeterans(department));
        Period storage period = _contributors[fileClass][contributor][itemClass];
        if (since != 0 && period.since == since && period.until == until) return false;
        _requireOpen();
        require(_departments.kindOf(contributor) == DEPARTMENT, CreditRecords_ContributorInvalid(contributor));
        _requireClass(itemClass);
        require(
            since != 0 && since <= type(uint40).max && until <= type(uint40).max
                && (until == 0 || (until > since && until > block.timestamp)),
            CreditRecords_PeriodInvalid(since, until)
        );
        (period.since, period.until) = (uint40(since), uint40(until));
        emit ContributorAuthorised(
            fileClass, contributor, itemClass, since, until, department, msg.sender, basis
        );
        return true;
    }

    /// @inheritdoc ICreditRecords
    function endContributor(
        bytes32 fileClass,
        bytes32 contributor,
        uint16 itemClass,
        uint16 reason,
        bytes32 basis
    ) external returns (bool) {
        bytes32 department = _keeper(fileClass);
        Period storage period = _contributors[fileClass][contributor][itemClass];
        if (period.since == 0 || (period.until != 0 && period.until <= block.timestamp)) return false;
        // One that hasn't begun is empty: until <= since.
        period.until = _now();
        emit ContributorEnded(fileClass, contributor, itemClass, reason, department, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function setProfile(Profile calldata profile_, bytes32 basis) external returns (bool) {
        require(msg.sender == _departments.council(), CreditRecords_NotCouncil(msg.sender));
        Profile calldata p = profile_;
        require(
            basis != 0 && 1 <= p.markDays && p.markDays <= p.answerDays && p.answerDays <= p.answerOtherDays
                && p.answerOtherDays <= 30 && p.minorMaxMonths <= 3,
            CreditRecords_ProfileInvalid()
        );
        require(
            3 <= p.generalMinMonths && p.generalMinMonths <= p.generalMaxMonths && p.generalMaxMonths <= 12
                && 12 <= p.seriousMinMonths && p.seriousMinMonths <= p.seriousMaxMonths && p.seriousMaxMonths <= 36
                && 1 <= p.stopMonths && p.stopMonths <= 60,
            CreditRecords_ProfileInvalid()
        );
        if (keccak256(abi.encode(p)) == keccak256(abi.encode(_profile))) return false;
        _profile = p;
        emit ProfileSet(p, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function setRules(uint32 version, bytes32 rulesHash, bytes32 basis) external returns (bool) {
        bytes32 actor = _councilOrProvince();
        bytes32 known = _rules[version];
        if (known != 0) {
            require(known == rulesHash, CreditRecords_RulesFixed(version, known));
            return false;
        }
        // One by one: a single high number would be the last one for ever.
        require(
            uint256(version) == uint256(_latestRules) + 1 && rulesHash != 0,
            CreditRecords_RulesInvalid(version, _latestRules)
        );
        _rules[version] = rulesHash;
        _latestRules = version;
        emit RulesSet(version, actor, rulesHash, msg.sender, basis);
        return true;
    }

    // Items

    /// @inheritdoc ICreditRecords
    function add(bytes32 itemId, ItemInput calldata item) external returns (bool) {
        bytes32 department = _operator();
        _requireUnsuspended(department);
        Class storage class = _classes[item.itemClass];
        _requireContributor(item.fileClass, department, item.itemClass);
        _requireLevel(department, item.itemClass, class.measure);
        bytes32 act = keccak256(abi.encode(msg.sig, itemId, department, item));
        if (_acts[item.commitment] == act) return false;
        _requireOpen();
        require(itemId != 0, CreditRecords_IdZero());
        require(_items[itemId].state == 0, CreditRecords_ItemExists(itemId));
        require(!_isSealed(item.itemClass, class), CreditRecords_ItemClassSealed(item.itemClass));
        _requireMembers(itemId, item, class.polarity == NEGATIVE);
        _claim(itemId, item.commitment, act);
        if (item.notice != 0) _claim(itemId, item.notice, act);
        if (item.decision != 0) _claim(itemId, item.decision, act);
        _keep(itemId, department, item);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function objectTo(bytes32 itemId, bytes32 request, uint64 receivedAt) external returns (bool) {
        (Kept storage kept, bytes32 department, bool owns) = _party(itemId);
        bytes32 act = keccak256(abi.encode(msg.sig, itemId, department, receivedAt));
        if (_repeats(itemId, request, act)) return false;
        _allow(_state(kept) == ACTIVE, itemId, kept);
        _raise(itemId, kept, department, BY_OWNER, owns, request, receivedAt);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function appeal(bytes32 itemId, bytes32 request, uint64 receivedAt) external returns (bool) {
        (Kept storage kept, bytes32 department,) = _party(itemId);
        bytes32 act = keccak256(abi.encode(msg.sig, itemId, department, receivedAt));
        if (_repeats(itemId, request, act)) return false;
        Raised storage last = _raised[itemId][kept.objections];
        uint8 state = _state(kept);
        _allow(
            last.stage == BY_OWNER
                && ((state == ACTIVE && last.answer == UPHELD) || (state == OBJECTED && last.answer == OPEN)),
            itemId,
            kept
        );
        if (state == OBJECTED) {
            uint40 answerBy = last.answerBy;
            bool due = answerBy != 0 && block.timestamp >= answerBy;
            // Else an owner that upholds and at once objects to its own item would keep it from the authority for ever.
            Raised storage before = _raised[itemId][kept.objections - 1];
            bool upheld = before.stage == BY_OWNER && before.answer == UPHELD;
            require(due || upheld, CreditRecords_AnswerNotDue(itemId, answerBy));
            (last.answer, last.answeredAt) = (SILENT, _now());
        }
        _raise(itemId, kept, department, BY_AUTHORITY, false, request, receivedAt);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function uphold(bytes32 itemId, bytes32 decision) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        _requireUnsuspended(department);
        if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department)))) return false;
        Raised storage last = _raised[itemId][kept.objections];
        _allow(_state(kept) == OBJECTED && last.stage == BY_OWNER && last.answer == OPEN, itemId, kept);
        _answer(itemId, kept, UPHELD, decision);
        _move(kept, ACTIVE, decision);
        emit Upheld(itemId, department, kept.objections, decision, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function rule(bytes32 itemId, uint8 ruling, bytes32 decision) external returns (bool) {
        (Kept storage kept, bytes32 department) = _item(itemId);
        bytes32 authority = _authority(itemId, kept);
        require(department == authority, CreditRecords_NotAuthority(itemId, authority, department));
        _requireUnsuspended(department);
        if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department, ruling)))) return false;
        Raised storage last = _raised[itemId][kept.objections];
        // What it ordered and the owner doesn't do, it may end itself.
        bool waits = last.answer == OPEN || (last.answer == ORDERED && ruling == ENDED_WITHDRAWN);
        _allow(_state(kept) == OBJECTED && last.stage == BY_AUTHORITY && waits, itemId, kept);
        require(
            ruling == UPHELD || ruling == ENDED_WITHDRAWN || ruling == ORDERED, CreditRecords_RulingInvalid(ruling)
        );
        _answer(itemId, kept, ruling, decision);
        if (ruling == UPHELD) {
            _move(kept, ACTIVE, decision);
            emit Upheld(itemId, department, kept.objections, decision, msg.sender);
        } else if (ruling == ORDERED) {
            _move(kept, OBJECTED, decision);
            emit CorrectionOrdered(itemId, department, kept.objections, decision, msg.sender);
        } else {
            _move(kept, WITHDRAWN, decision);
            emit Withdrawn(itemId, department, RULED, decision, msg.sender);
        }
        return true;
    }

    /// @inheritdoc ICreditRecords
    function correct(bytes32 itemId, bytes32 replacement, bytes32 decision) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department, replacement)))) return false;
        _requireInUse(itemId, kept);
        _claim(itemId, replacement, itemId);
        _answer(itemId, kept, ENDED_CORRECTED, decision);
        _move(kept, CORRECTED, decision);
        kept.replacement = replacement;
        emit Corrected(itemId, department, replacement, decision, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function withdraw(bytes32 itemId, uint16 reason, bytes32 decision) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department, reason)))) return false;
        _requireInUse(itemId, kept);
        require(reason >= 1 && reason <= 4 && reason != RULED, CreditRecords_ReasonInvalid(reason));
        _answer(itemId, kept, ENDED_WITHDRAWN, decision);
        _move(kept, WITHDRAWN, decision);
        emit Withdrawn(itemId, department, reason, decision, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function repair(bytes32 itemId, bytes32 decision) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department)))) return false;
        _requireInUse(itemId, kept);
        require(
            kept.repairFrom != 0 && block.timestamp >= kept.repairFrom,
            CreditRecords_RepairTooEarly(itemId, kept.repairFrom)
        );
        _answer(itemId, kept, ENDED_REPAIRED, decision);
        _move(kept, REPAIRED, decision);
        emit Repaired(itemId, department, decision, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function archive(bytes32 itemId, bytes32 decision) external returns (bool) {
        Kept storage kept = _items[itemId];
        bytes32 department = 0;
        bool timeIsUp = kept.state != 0 && kept.state != ARCHIVED && _state(kept) == ARCHIVED;
        if (!timeIsUp) {
            (kept, department) = _owner(itemId);
            if (kept.state == ARCHIVED) return false;
            if (_repeats(itemId, decision, keccak256(abi.encode(msg.sig, itemId, department)))) return false;
        }
        bytes32 why = timeIsUp ? bytes32(0) : decision;
        _answer(itemId, kept, ENDED_ARCHIVED, why);
        _move(kept, ARCHIVED, why);
        emit Archived(itemId, department, why, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function attachStatement(bytes32 itemId, bytes32 statement) external returns (bool) {
        (Kept storage kept, bytes32 department,) = _party(itemId);
        if (_repeats(itemId, statement, keccak256(abi.encode(msg.sig, itemId)))) return false;
        _allow(_state(kept) != ARCHIVED, itemId, kept);
        _statements[itemId].push(statement);
        emit StatementAttached(itemId, department, statement, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function recordFiling(bytes32 itemId, bytes32 filing) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        if (_repeats(itemId, filing, keccak256(abi.encode(msg.sig, itemId)))) return false;
        require(
            _classes[kept.itemClass].measure == CRIME && kept.filing == 0, CreditRecords_FilingUnexpected(itemId)
        );
        kept.filing = filing;
        emit Filed(itemId, department, filing, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function endEvent(bytes32 itemId, uint64 eventEnd) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owner(itemId);
        if (eventEnd != 0 && kept.eventEnd == eventEnd) return false;
        require(kept.eventEnd == 0, CreditRecords_EventEnded(itemId, kept.eventEnd));
        _requireDay(eventEnd);
        uint64 stopAt = _months(eventEnd, _profile.stopMonths);
        (kept.eventEnd, kept.stopAt) = (uint40(eventEnd), uint40(stopAt));
        emit EventEnded(itemId, department, eventEnd, stopAt, msg.sender);
        return true;
    }

    /// @inheritdoc ICreditRecords
    function moveDeadline(bytes32 itemId) external returns (bool) {
        Kept storage kept = _items[itemId];
        require(kept.state != 0, CreditRecords_ItemUnknown(itemId));
        Raised storage last = _raised[itemId][kept.objections];
        if (_state(kept) != OBJECTED || last.answer != OPEN) return false;
        uint64 found = _answerBy(last);
        uint64 known = last.answerBy;
        if (found <= known) return false;
        last.answerBy = uint40(found);
        emit DeadlineMoved(itemId, known, found);
        return true;
    }

    // Views

    /// @inheritdoc ICreditRecords
    function profile() external view returns (Profile memory) {
        return _profile;
    }

    /// @inheritdoc ICreditRecords
    function itemClassOf(uint16 itemClass)
        external
        view
        returns (uint8 polarity, uint8 measure, bool isSealed, bytes32 basis)
    {
        Class storage class = _classes[itemClass];
        return (class.polarity, class.measure, _isSealed(itemClass, class), class.basis);
    }

    /// @inheritdoc ICreditRecords
    function contributorOf(bytes32 fileClass, bytes32 contributor, uint16 itemClass)
        external
        view
        returns (uint64 since, uint64 until)
    {
        Period storage period = _contributors[fileClass][contributor][itemClass];
        return (period.since, period.until);
    }

    /// @inheritdoc ICreditRecords
    function itemOf(bytes32 itemId) external view returns (Item memory) {
        Kept storage kept = _items[itemId];
        return Item({
            owner: bytes32(kept.owner),
            fileClass: kept.fileClass,
            itemClass: kept.itemClass,
            severity: kept.severity,
            state: kept.state,
            commitment: kept.commitment,
            notice: kept.notice,
            decision: kept.decision,
            decidedAt: kept.decidedAt,
            eventEnd: kept.eventEnd,
            publishUntil: kept.publishUntil,
            repairFrom: kept.repairFrom,
            stopAt: kept.stopAt,
            addedAt: kept.addedAt,
            changedAt: kept.changedAt,
            objections: kept.objections,
            outcome: kept.outcome,
            replacement: kept.replacement,
            filing: kept.filing
        });
    }

    /// @inheritdoc ICreditRecords
    function objectionsOf(bytes32 itemId) external view returns (Objection[] memory found) {
        uint32 count = _items[itemId].objections;
        found = new Objection[](count);
        for (uint32 n = 1; n <= count; ++n) {
            Raised storage r = _raised[itemId][n];
            found[n - 1] = Objection({
                number: n,
                stage: r.stage,
                answer: r.answer,
                answerDays: r.answerDays,
                leastDays: r.leastDays,
                receivedAt: r.receivedAt,
                recordedAt: r.recordedAt,
                markBy: r.markBy,
                answerBy: r.answerBy,
                answeredAt: r.answeredAt,
                department: bytes32(r.department),
                request: r.request,
                decision: r.decision
            });
        }
    }

    /// @inheritdoc ICreditRecords
    function statementsOf(bytes32 itemId) external view returns (bytes32[] memory) {
        return _statements[itemId];
    }

    /// @inheritdoc ICreditRecords
    function stateAt(bytes32 itemId, uint64 time) external view returns (uint8) {
        return _stateAt(_items[itemId], time);
    }

    /// @inheritdoc ICreditRecords
    function isPublished(bytes32 itemId, uint64 time) external view returns (bool) {
        Kept storage kept = _items[itemId];
        uint8 state = _stateAt(kept, time);
        return (state == ACTIVE || state == OBJECTED) && time < kept.publishUntil;
    }

    /// @inheritdoc ICreditRecords
    function isReplacedBy(bytes32 itemId, bytes32 newItemId, bytes32 salt) external view returns (bool) {
        bytes32 replacement = _items[itemId].replacement;
        return replacement != 0 && _items[newItemId].state != 0
            && replacement == sha256(abi.encodePacked("chuzheng/credit/replaces/v1", bytes1(0), salt, itemId, newItemId));
    }

    /// @inheritdoc ICreditRecords
    function authorityOf(bytes32 itemId) external view returns (bytes32) {
        Kept storage kept = _items[itemId];
        require(kept.state != 0, CreditRecords_ItemUnknown(itemId));
        return _authority(itemId, kept);
    }

    /// @inheritdoc ICreditRecords
    function rulesOf(uint32 version) external view returns (bytes32 rulesHash, uint32 latest) {
        return (_rules[version], _latestRules);
    }

    // Who may

    function _operator() private view returns (bytes32) {
        return _departments.requireOperator(msg.sender, CREDIT);
    }

    /// @dev Zero for the Council, else the provincial veterans' authority that the caller acts for.
    function _councilOrProvince() private view returns (bytes32 actor) {
        if (msg.sender == _departments.council()) return 0;
        actor = _operator();
        require(
            _isVeterans(actor) && _isProvincial(actor), CreditRecords_NotProvincial(actor)
        );
        _requireUnsuspended(actor);
    }

    /// @dev The file class's keeper by now, which the caller acts for.
    function _keeper(bytes32 fileClass) private view returns (bytes32 department) {
        department = _operator();
        uint256 field = uint256(fileClass) & ~KEEPER;
        require(field >= 1 && field <= FIELDS, CreditRecords_FileClassInvalid(fileClass));
        bytes32 keeper = _keeperOf(fileClass);
        require(department == keeper, CreditRecords_NotKeeper(fileClass, keeper, department));
    }

    function _keeperOf(bytes32 fileClass) private view returns (bytes32) {
        return _departments.carrierOf(fileClass & bytes32(KEEPER), fileClass);
    }

    function _item(bytes32 itemId) private view returns (Kept storage kept, bytes32 department) {
        department = _operator();
        kept = _items[itemId];
        require(kept.state != 0, CreditRecords_ItemUnknown(itemId));
    }

    function _ownerOf(bytes32 itemId, Kept storage kept) private view returns (bytes32) {
        return _departments.carrierOf(bytes32(kept.owner), itemId);
    }

    function _owner(bytes32 itemId) private view returns (Kept storage kept, bytes32 department) {
        (kept, department) = _item(itemId);
        bytes32 owner = _ownerOf(itemId, kept);
        require(department == owner, CreditRecords_NotOwner(itemId, owner, department));
    }

    function _party(bytes32 itemId) private view returns (Kept storage kept, bytes32 department, bool owns) {
        (kept, department) = _item(itemId);
        owns = department == _ownerOf(itemId, kept);
        require(
            owns || department == _keeperOf(kept.fileClass) || department == _authority(itemId, kept),
            CreditRecords_NotParty(itemId, department)
        );
    }

    /// @dev Nobody rules on its own item: where owner and authority are one, the next authority above does, and above
    /// the province the government.
    function _authority(bytes32 itemId, Kept storage kept) private view returns (bytes32 authority) {
        bytes32 owner = _ownerOf(itemId, kept);
        uint32 division = _departments.divisionOf(_keeperOf(kept.fileClass));
        while (true) {
            authority = _authorities.authorityFor(VETERANS, division);
            if (authority != owner) return authority;
            uint32 above = Divisions.above(division);
            if (above == 0) break;
            division = above;
        }
        authority = _authorities.authorityFor(GOVERNMENT, division);
        if (authority == owner) authority = 0;
    }

    /// @dev The veterans' authority of its own county, prefecture or province.
    function _isVeterans(bytes32 department) private view returns (bool) {
        return _authorities.authorityFor(VETERANS, _departments.divisionOf(department)) == department;
    }

    function _isProvincial(bytes32 department) private view returns (bool) {
        return Divisions.above(_departments.divisionOf(department)) == 0;
    }

    function _requireUnsuspended(bytes32 department) private view {
        require(!_departments.isSuspended(department), CreditRecords_Suspended(department));
    }

    function _requireOpen() private view {
        require(!_departments.isPaused(), CreditRecords_Paused());
    }

    function _requireContributor(bytes32 fileClass, bytes32 department, uint16 itemClass) private view {
        Period storage period = _contributors[fileClass][department][itemClass];
        (uint40 since, uint40 until) = (period.since, period.until);
        require(
            since != 0 && since <= block.timestamp && (until == 0 || block.timestamp < until),
            CreditRecords_NotContributor(fileClass, department, itemClass)
        );
    }

    function _requireLevel(bytes32 department, uint16 itemClass, uint8 measure) private view {
        if (measure == 0) return;
        require(_isVeterans(department), CreditRecords_NotVeterans(department));
        require(
            measure == FRAUD || _isProvincial(department),
            CreditRecords_LevelTooLow(department, itemClass)
        );
    }

    // Rules

    function _isSealed(uint16 itemClass, Class storage class) private view returns (bool) {
        return itemClass >= SEALED_FROM || class.isSealed;
    }

    function _requireClass(uint16 itemClass) private view {
        Class storage class = _classes[itemClass];
        require(!_isSealed(itemClass, class), CreditRecords_ItemClassSealed(itemClass));
        require(class.polarity != 0, CreditRecords_ItemClassUnknown(itemClass));
    }

    function _requireMembers(bytes32 itemId, ItemInput calldata item, bool negative) private view {
        require(
            negative ? item.severity >= 1 && item.severity <= 3 : item.severity == 0,
            CreditRecords_SeverityInvalid(itemId, item.severity)
        );
        require(!negative || item.notice != 0, CreditRecords_NoticeMissing(itemId));
        require(!negative || item.decision != 0, CreditRecords_DecisionMissing(itemId));
        // The terms of a negative item count from both days; so does the publication of any.
        if (negative || item.decidedAt != 0 || item.publishMonths != 0) _requireDay(item.decidedAt);
        if (negative || item.eventEnd != 0) _requireDay(item.eventEnd);
        (uint16 least, uint16 most) = _publication(item.severity);
        require(
            item.publishMonths == 0 || (item.publishMonths >= least && item.publishMonths <= most),
            CreditRecords_PublicationInvalid(item.publishMonths, least, most)
        );
    }

    /// @dev Months that an item may be published, from the deciding document; the first figure is also the time before
    /// a repair.
    function _publication(uint8 severity) private view returns (uint16 least, uint16 most) {
        if (severity == 1) return (0, _profile.minorMaxMonths);
        if (severity == 2) return (_profile.generalMinMonths, _profile.generalMaxMonths);
        if (severity == 3) return (_profile.seriousMinMonths, _profile.seriousMaxMonths);
        return (0, _profile.stopMonths);
    }

    function _requireDay(uint64 date) private view {
        require(
            date <= block.timestamp && (date + SHANGHAI) % 1 days == 0, CreditRecords_DateInvalid(date)
        );
    }

    function _requireInUse(bytes32 itemId, Kept storage kept) private view {
        uint8 state = _state(kept);
        _allow(state == ACTIVE || state == OBJECTED, itemId, kept);
    }

    function _allow(bool allowed, bytes32 itemId, Kept storage kept) private view {
        if (allowed) return;
        Raised storage last = _raised[itemId][kept.objections];
        revert CreditRecords_MoveNotAllowed(itemId, _state(kept), kept.objections, last.stage, last.answer);
    }

    // States

    function _state(Kept storage kept) private view returns (uint8) {
        return _stateAt(kept, uint64(block.timestamp));
    }

    function _stateAt(Kept storage kept, uint64 time) private view returns (uint8 state) {
        state = kept.state;
        if (state == 0 || state == ARCHIVED) return state;
        uint40 stopAt = kept.stopAt;
        uint16 itemClass = kept.itemClass;
        if ((stopAt != 0 && time >= stopAt) || _isSealed(itemClass, _classes[itemClass])) return ARCHIVED;
    }

    function _move(Kept storage kept, uint8 to, bytes32 outcome) private {
        (kept.state, kept.changedAt) = (to, _now());
        if (outcome != 0) kept.outcome = outcome;
    }

    /// @dev The last objection's answer, if it is open.
    function _answer(bytes32 itemId, Kept storage kept, uint8 answer, bytes32 decision) private {
        Raised storage last = _raised[itemId][kept.objections];
        if (last.stage == 0 || last.answer != OPEN) return;
        (last.answer, last.answeredAt) = (answer, _now());
        if (decision != 0) last.decision = decision;
    }

    function _raise(
        bytes32 itemId,
        Kept storage kept,
        bytes32 department,
        uint8 stage,
        bool ownMatter,
        bytes32 request,
        uint64 receivedAt
    ) private {
        _requireDay(receivedAt);
        uint32 number = kept.objections;
        kept.objections = ++number;
        _move(kept, OBJECTED, 0);
        Raised storage raised = _raised[itemId][number];
        // Another unit must check: more days, and some of them its own however late it hears of it.
        uint16 own = _profile.answerDays;
        (uint16 answerDays, uint16 leastDays) = ownMatter ? (own, uint16(0)) : (_profile.answerOtherDays, own);
        (raised.stage, raised.answerDays, raised.leastDays) = (stage, uint8(answerDays), uint8(leastDays));
        (raised.receivedAt, raised.recordedAt) = (uint40(receivedAt), _now());
        (raised.department, raised.request) = (bytes18(department), request);
        (uint64 markBy, uint64 answerBy) = (_deadline(receivedAt, _profile.markDays), _answerBy(raised));
        (raised.markBy, raised.answerBy) = (uint40(markBy), uint40(answerBy));
        emit Objected(
            itemId,
            department,
            number,
            stage,
            request,
            receivedAt,
            answerDays,
            leastDays,
            markBy,
            answerBy,
            msg.sender
        );
    }

    function _keep(bytes32 itemId, bytes32 department, ItemInput calldata item) private {
        (uint16 least,) = _publication(item.severity);
        uint64 publishUntil = item.publishMonths == 0 ? 0 : _months(item.decidedAt, item.publishMonths);
        uint64 repairFrom = item.severity == 0 ? 0 : _months(item.decidedAt, least);
        uint64 stopAt = item.eventEnd == 0 ? 0 : _months(item.eventEnd, _profile.stopMonths);
        require(stopAt == 0 || block.timestamp < stopAt, CreditRecords_TooOld(itemId, stopAt));
        Kept storage kept = _items[itemId];
        (kept.owner, kept.itemClass, kept.severity, kept.state) =
            (bytes18(department), item.itemClass, item.severity, ACTIVE);
        (kept.decidedAt, kept.eventEnd) = (uint40(item.decidedAt), uint40(item.eventEnd));
        (kept.publishUntil, kept.repairFrom, kept.stopAt) =
            (uint40(publishUntil), uint40(repairFrom), uint40(stopAt));
        (kept.addedAt, kept.changedAt) = (_now(), _now());
        (kept.fileClass, kept.commitment) = (item.fileClass, item.commitment);
        if (item.notice != 0) kept.notice = item.notice;
        if (item.decision != 0) kept.decision = item.decision;
        emit ItemAdded(itemId, department, item, publishUntil, repairFrom, stopAt, msg.sender);
    }

    // Commitments

    /// @dev Whether this very act was done before. If not, the commitment is the act's own from now on.
    function _repeats(bytes32 itemId, bytes32 commitment, bytes32 act) private returns (bool) {
        if (commitment != 0 && _acts[commitment] == act) return true;
        _claim(itemId, commitment, act);
        return false;
    }

    function _claim(bytes32 itemId, bytes32 commitment, bytes32 act) private {
        require(commitment != 0, CreditRecords_CommitmentMissing(itemId));
        require(_acts[commitment] == 0, CreditRecords_CommitmentUsed(commitment));
        _acts[commitment] = act;
    }

    // Times

    /// @dev The later of the two terms of an objection; zero while the calendar can't say.
    function _answerBy(Raised storage raised) private view returns (uint64) {
        uint64 fromReceipt = _deadline(raised.receivedAt, raised.answerDays);
        uint8 leastDays = raised.leastDays;
        if (fromReceipt == 0 || leastDays == 0) return fromReceipt;
        uint64 fromRecord = _deadline(raised.recordedAt, leastDays);
        return fromRecord == 0 || fromRecord > fromReceipt ? fromRecord : fromReceipt;
    }

    /// @dev Zero, "provisional", where the calendar has no such year yet: an objection is never stopped.
    function _deadline(uint64 start, uint16 workingDays) private view returns (uint64) {
        try _calendar.deadline(start, workingDays) returns (uint64 found) {
            return found;
        } catch (bytes memory refused) {
            if (bytes4(refused) == IWorkingCalendar.Calendar_YearUnknown.selector) return 0;
            revert CreditRecords_CalendarSilent();
        }
    }

    function _months(uint64 date, uint16 months) private view returns (uint64) {
        return months == 0 ? date : _calendar.monthsAfter(date, months);
    }

    function _now() private view returns (uint40) {
        return uint40(block.timestamp);
    }
}
