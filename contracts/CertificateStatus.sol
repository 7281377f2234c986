// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {ICertificateStatus} from "./interfaces/ICertificateStatus.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Entries} from "./libraries/Entries.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";

/// @title CertificateStatus: see ICertificateStatus.
contract CertificateStatus is ICertificateStatus {
    uint32 private constant STATUS = 2;
    uint256 private constant MANY = 100;

    uint8 private constant IN_FORCE = 0;
    uint8 private constant RESUMED = 1;
    uint8 private constant SUSPENDED = 2;
    uint8 private constant RESCINDED = 3;
    uint8 private constant DEREGISTERED = 4;
    uint8 private constant LAPSED = 5;
    uint8 private constant TRANSFERRED_OUT = 6;
    uint8 private constant SUPERSEDED = 8;
    uint8 private constant OTHER = 10;

    /// @dev Codes as bits: what may follow which state.
    uint256 private constant FROM_IN_FORCE = 0x7fc; // 2-10
    uint256 private constant FROM_SUSPENDED = 0x7fe; // 1-10
    uint256 private constant FROM_LAPSED = 0x98; // 3, 4, 7
    uint256 private constant FROM_TRANSFERRED_OUT = 0x9a; // 1, 3, 4, 7
    uint256 private constant FROM_ENDED = 0x10; // 4: deregistration follows (Licensing Law art. 70)

    /// @dev Kinds with a status: certificate, document, credit.
    uint256 private constant KINDS = 0x26; // 1, 2, 5

    /// @dev Where the members of a head begin, in bits; see Kept.
    uint256 private constant CODE_AT = 216;
    uint256 private constant CAUSE_AT = 200;
    uint256 private constant EFFECTIVE_AT = 160;
    uint256 private constant UNTIL_AT = 120;
    uint256 private constant ENDS_AT = 88;
    uint256 private constant RECORDED_AT = 40;
    /// @dev Flag: another department than the owner decided.
    uint256 private constant BY_OTHER = 1 << 80;
    /// @dev What two sendings of one decision have in common: all above recordedAt.
    uint256 private constant CONTENT = type(uint256).max << 80;

    /// | head: 0 4 | code 1 | cause 2 | effectiveFrom 5 | until 5 | ends 4 | byOther 1 | recordedAt 5 | annulledAt 5 |
    ///   packed here by hand: one slot read and one written keep a later decision under its limit of gas
    /// | basis 32 |
    /// | successor 32 |
    /// | department 18 | only where it isn't the owner
    struct Kept {
        uint256 head;
        bytes32 basis;
        bytes32 successor;
        bytes18 department;
    }

    /// @dev What a new decision meets: the state now, an earlier decision of the same content, a standing suspension
    /// of the same department, and who made the standing decision that it ends.
    struct Situation {
        uint8 state;
        uint32 number;
        uint32 repeats;
        bool annulled;
        bool suspendedBySame;
        bytes18 endsBy;
    }

    IDepartments private immutable _departments;
    IAnchorLog private immutable _log;

    /// @dev The department whose log holds the entry, from the first decision on.
    mapping(bytes32 key => bytes18) private _owners;
    /// @dev From number 1 on; the first head that is zero ends them. A count beside them would cost every decision the
    /// change of one more slot.
    mapping(bytes32 key => mapping(uint32 number => Kept)) private _kept;
    mapping(bytes32 key => bytes32 typeCode) private _types;

    constructor(IDepartments departments_, IAnchorLog log_) {
        _departments = departments_;
        _log = log_;
    }

    // Decisions

    /// @inheritdoc ICertificateStatus
    function decideFirst(bytes32 key, DecisionInput calldata decision, Proof calldata proof) external returns (bool) {
        bytes32 department = _operator();
        return _decide(key, department, decision, 0, _ownerOf(key, department, proof));
    }

    /// @inheritdoc ICertificateStatus
    function decide(bytes32 key, DecisionInput calldata decision) external returns (bool) {
        bytes32 department = _operator();
        return _decide(key, department, decision, 0, _owners[key]);
    }

    /// @inheritdoc ICertificateStatus
    function supersede(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata oldProof,
        Proof calldata newProof
    ) external returns (bool) {
        bytes32 department = _operator();
        bytes18 owner = _ownerOf(key, department, oldProof);
        _requireEntitled(key, department, owner);
        require(decision.code == SUPERSEDED, CertificateStatus_CodeNotSuperseded(decision.code));
        bytes32 successor = _keyOf(key, newProof.entry);
        require(
            successor != key && (decision.successor == 0 || decision.successor == successor),
            CertificateStatus_SuccessorDiffers(decision.successor, successor)
        );
        _requireIncluded(newProof);
        return _decide(key, department, decision, successor, owner);
    }

    /// @inheritdoc ICertificateStatus
    function decideMany(DecisionItem[] calldata items) external returns (uint256 decided) {
        bytes32 department = _operator();
        require(items.length <= MANY, CertificateStatus_TooMany(items.length, MANY));
        for (uint256 i = 0; i < items.length; ++i) {
            DecisionItem calldata item = items[i];
            bytes18 owner = _ownerOf(item.key, department, item.proof);
            if (_decide(item.key, department, item.decision, 0, owner)) ++decided;
        }
    }

    /// @inheritdoc ICertificateStatus
    function annul(bytes32 key, uint32 number, bytes32 basis) external returns (bool) {
        bytes32 department = _operator();
        Kept storage kept = _kept[key][number];
        uint256 head = kept.head;
        require(head != 0, CertificateStatus_DecisionUnknown(key, number));
        _requireDecider(key, number, _departmentOf(kept, head, _owners[key]), department);
        require(!_departments.isSuspended(department), CertificateStatus_DepartmentSuspended(department, 0));
        if (_annulledAt(head) != 0) return false;
        kept.head = head | block.timestamp;
        emit Annulled(key, department, number, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICertificateStatus
    function proveType(bytes32 key, TypeProof calldata proof) external returns (bool) {
        bytes32 department = _operator();
        require(_leadsToKey(key, proof), CertificateStatus_TypeProofInvalid(key, proof.typeCode));
        bytes32 known = _types[key];
        require(known == 0 || known == proof.typeCode, CertificateStatus_TypeDiffers(key, known));
        if (known != 0) return false;
        _types[key] = proof.typeCode;
        emit TypeProven(key, proof.typeCode, department, msg.sender);
        return true;
    }

    // Views

    /// @inheritdoc ICertificateStatus
    function decisions(bytes32 key) external view returns (Decision[] memory list) {
        uint32 count = _count(key);
        list = new Decision[](count);
        for (uint32 i = 0; i < count; ++i) {
            Kept storage kept = _kept[key][i + 1];
            uint256 head = kept.head;
            list[i] = Decision({
                number: i + 1,
                code: _code(head),
                cause: uint16(head >> CAUSE_AT),
                department: bytes32(_departmentOf(kept, head, _owners[key])),
                effectiveFrom: uint40(head >> EFFECTIVE_AT),
                recordedAt: uint40(head >> RECORDED_AT),
                basis: kept.basis,
                successor: kept.successor,
                until: _until(head),
                ends: _ends(head),
                annulledAt: _annulledAt(head)
            });
        }
    }

    /// @inheritdoc ICertificateStatus
    function typeOf(bytes32 key) external view returns (bytes32) {
        return _types[key];
    }

    /// @inheritdoc ICertificateStatus
    function statusAt(bytes32 key, uint64 time, uint64 known) external view returns (uint8 code, uint32 number) {
        uint32 count = _count(key);
        bool[] memory ended = new bool[](uint256(count) + 1);
        for (uint32 n = count; n > 0; --n) {
            uint256 head = _kept[key][n].head;
            if (uint40(head >> RECORDED_AT) > known || uint40(head >> EFFECTIVE_AT) > time) continue;
            (uint256 annulledAt, uint256 until) = (_annulledAt(head), _until(head));
            if (annulledAt != 0 && annulledAt <= known) continue;
            if (_code(head) == RESUMED) {
                ended[_ends(head)] = true;
                if (number == 0) (code, number) = (RESUMED, n);
            } else if (!ended[n] && (until == 0 || time < until)) {
                return (_code(head), n);
            }
        }
    }

    // Who may, and on what

    function _operator() private view returns (bytes32) {
        return _departments.requireOperator(msg.sender, STATUS);
    }

    /// @dev The owner of a key. A first decision proves that its entry is anchored and the caller's own; where the key
    /// has decisions, the proof is one that came second and isn't looked at.
    function _ownerOf(bytes32 key, bytes32 department, Proof calldata proof) private view returns (bytes18 owner) {
        owner = _owners[key];
        if (owner != 0 || proof.entry.length == 0) return owner;
        bytes32 entryKey = _keyOf(key, proof.entry);
        bytes18 issuer = Entries.issuer(proof.entry);
        require(
            issuer == bytes18(department), CertificateStatus_FirstByOwner(key, bytes32(issuer), department)
        );
        require(entryKey == key, CertificateStatus_KeyDiffers(key, entryKey));
        _requireIncluded(proof);
        return issuer;
    }

    /// @dev The status key of an entry whose kind has a status.
    function _keyOf(bytes32 key, bytes calldata entry) private pure returns (bytes32) {
        require(Entries.isEntry(entry), CertificateStatus_EntryInvalid(key));
        uint8 kind = Entries.kind(entry);
        require(kind < 8 && (KINDS >> kind) & 1 == 1, CertificateStatus_KindWithoutStatus(key, kind));
        return Entries.statusKey(Entries.issuer(entry), Entries.commitment(entry));
    }

    function _requireIncluded(Proof calldata proof) private view {
        require(
            _log.isIncluded(proof.logId, proof.size, proof.index, proof.entry, proof.path),
            CertificateStatus_NotIncluded(proof.logId, proof.index, proof.size)
        );
    }

    function _requireEntitled(bytes32 key, bytes32 department, bytes18 owner) private view {
        require(owner != 0, CertificateStatus_ProofNeeded(key));
        if (owner == bytes18(department)) return;
        bytes32 typeCode = _types[key];
        require(typeCode != 0, CertificateStatus_TypeNotProven(key, bytes32(owner), department));
        require(
            _departments.competentFor(typeCode) == department,
            CertificateStatus_NotEntitled(key, bytes32(owner), department)
        );
    }

    /// @dev Only who decided, or the competent department, ends or annuls a decision.
    function _requireDecider(bytes32 key, uint32 number, bytes18 decidedBy, bytes32 department) private view {
        if (decidedBy == bytes18(department)) return;
        bytes32 typeCode = _types[key];
        require(
            typeCode != 0 && _departments.competentFor(typeCode) == department,
            CertificateStatus_NotDecider(key, number, bytes32(decidedBy), department)
        );
    }

    /// @dev formats.md §2: the member is built here, so that nothing but `type` can be shown for a type.
    function _leadsToKey(bytes32 key, TypeProof calldata proof) private view returns (bool) {
        bytes18 issuer = bytes18(proof.issuer);
        bytes21 typeCode = bytes21(proof.typeCode);
        if (bytes32(issuer) != proof.issuer || bytes32(typeCode) != proof.typeCode) return false;
        if (Entries.statusKey(issuer, proof.commitment) != key) return false;
        bytes32 digest =
            sha256(abi.encodePacked("chuzheng/field/v1", bytes1(0), proof.salt, '["type","', typeCode, '"]'));
        (bool ok, bytes32 root) =
            Rfc9162.rootFromInclusion(proof.i, proof.n, Rfc9162.leafHash(digest), proof.path);
        return ok
            && sha256(abi.encodePacked("chuzheng/record/v1", bytes1(0), proof.n, root)) == proof.commitment;
    }

    // The rules of a decision

    function _decide(
        bytes32 key,
        bytes32 department,
        DecisionInput calldata decision,
        bytes32 successor,
        bytes18 owner
    ) private returns (bool) {
        _requireEntitled(key, department, owner);
        uint8 code = decision.code;
        require(code != IN_FORCE && code <= OTHER, CertificateStatus_CodeUnknown(code));
        // 8 comes with a proven successor, by way of `supersede`; no other code names one.
        require(
            (code == SUPERSEDED) == (successor != 0) && (successor != 0 || decision.successor == 0),
            CertificateStatus_SuccessorUnexpected(code)
        );
        require(
            code == SUSPENDED || code == RESCINDED || !_departments.isSuspended(department),
            CertificateStatus_DepartmentSuspended(department, code)
        );
        require(
            decision.effectiveFrom <= block.timestamp,
            CertificateStatus_EffectiveLater(decision.effectiveFrom, uint64(block.timestamp))
        );
        require(
            decision.until <= type(uint40).max, CertificateStatus_UntilInvalid(decision.effectiveFrom, decision.until)
        );
        uint256 content = _content(decision, owner != bytes18(department));
        uint32 count = _count(key);
        Situation memory met = _situation(key, bytes18(department), owner, decision, successor, content, count);
        // Before the other rules: a resent decision would break those that it itself brought about.
        if (met.repeats != 0) {
            require(!met.annulled, CertificateStatus_DecisionAnnulled(key, met.repeats));
            return false;
        }
        _requireMembers(decision);
        _requireMove(key, department, decision, met);
        if (count == 0) _owners[key] = owner;
        _keep(key, count + 1, department, decision, successor, content);
        return true;
    }

    function _requireMembers(DecisionInput calldata decision) private pure {
        uint8 code = decision.code;
        if (decision.until != 0) {
            require(code == SUSPENDED, CertificateStatus_UntilUnexpected(code));
            require(
                decision.until > decision.effectiveFrom,
                CertificateStatus_UntilInvalid(decision.effectiveFrom, decision.until)
            );
        }
        require((code == RESUMED) == (decision.ends != 0), CertificateStatus_EndsUnexpected(code, decision.ends));
    }

    function _requireMove(bytes32 key, bytes32 department, DecisionInput calldata decision, Situation memory met)
        private
        view
    {
        uint8 code = decision.code;
        require(
            (_followers(met.state) >> code) & 1 == 1 && !(code == SUSPENDED && met.suspendedBySame),
            CertificateStatus_MoveNotAllowed(key, met.state, met.number, code)
        );
        if (code == RESUMED) {
            require(met.endsBy != 0, CertificateStatus_NothingToEnd(key, decision.ends));
            _requireDecider(key, decision.ends, met.endsBy, department);
        }
    }

    /// @dev The codes that may follow a state, as bits.
    function _followers(uint8 state) private pure returns (uint256) {
        if (state == IN_FORCE || state == RESUMED) return FROM_IN_FORCE;
        if (state == SUSPENDED) return FROM_SUSPENDED;
        if (state == LAPSED) return FROM_LAPSED;
        if (state == TRANSFERRED_OUT) return FROM_TRANSFERRED_OUT;
        if (state == DEREGISTERED || state == SUPERSEDED) return 0;
        return FROM_ENDED;
    }

    /// @dev One pass over the history, newest first: `statusAt(key, now, now)` and what else the rules ask. Everything
    /// kept was recorded and effective by now, and a decision 1 comes after what it ends.
    function _situation(
        bytes32 key,
        bytes18 department,
        bytes18 owner,
        DecisionInput calldata decision,
        bytes32 successor,
        uint256 content,
        uint32 count
    ) private view returns (Situation memory met) {
        if (count == 0) return met;
        mapping(uint32 number => Kept) storage history = _kept[key];
        bool[] memory ended = new bool[](uint256(count) + 1);
        for (uint32 n = count; n > 0; --n) {
            Kept storage kept = history[n];
            uint256 head = kept.head;
            bytes18 decidedBy = _departmentOf(kept, head, owner);
            bool annulled = _annulledAt(head) != 0;
            if (
                head & CONTENT == content && decidedBy == department && kept.basis == decision.basis
                    && kept.successor == successor
            ) {
                (met.repeats, met.annulled) = (n, annulled);
                return met;
            }
            if (annulled) continue;
            uint8 code = _code(head);
            if (code == RESUMED) {
                ended[_ends(head)] = true;
                if (met.number == 0) (met.state, met.number) = (RESUMED, n);
                continue;
            }
            uint256 until = _until(head);
            if (ended[n] || (until != 0 && until <= block.timestamp)) continue;
            if (met.number == 0 || met.state == RESUMED) (met.state, met.number) = (code, n);
            if (code != SUSPENDED && code != TRANSFERRED_OUT) continue;
            if (code == SUSPENDED && decidedBy == department) met.suspendedBySame = true;
            if (n == decision.ends) met.endsBy = decidedBy;
        }
    }

    /// @dev How many decisions there are. The empty head found last is the one that is written next, so finding it
    /// costs nothing more.
    function _count(bytes32 key) private view returns (uint32 count) {
        mapping(uint32 number => Kept) storage history = _kept[key];
        while (history[count + 1].head != 0) ++count;
    }

    /// @dev A head but for `recordedAt` and `annulledAt`. `until` is within its bits by now.
    function _content(DecisionInput calldata decision, bool byOther) private pure returns (uint256) {
        return (uint256(decision.code) << CODE_AT) | (uint256(decision.cause) << CAUSE_AT)
            | (uint256(decision.effectiveFrom) << EFFECTIVE_AT) | (uint256(decision.until) << UNTIL_AT)
            | (uint256(decision.ends) << ENDS_AT) | (byOther ? BY_OTHER : 0);
    }

    function _code(uint256 head) private pure returns (uint8) {
        return uint8(head >> CODE_AT);
    }

    function _until(uint256 head) private pure returns (uint40) {
        return uint40(head >> UNTIL_AT);
    }

    function _ends(uint256 head) private pure returns (uint32) {
        return uint32(head >> ENDS_AT);
    }

    function _annulledAt(uint256 head) private pure returns (uint40) {
        return uint40(head);
    }

    function _departmentOf(Kept storage kept, uint256 head, bytes18 owner) private view returns (bytes18) {
        return head & BY_OTHER == 0 ? owner : kept.department;
    }

    function _keep(
        bytes32 key,
        uint32 number,
        bytes32 department,
        DecisionInput calldata decision,
        bytes32 successor,
        uint256 content
    ) private {
        Kept storage kept = _kept[key][number];
        kept.head = content | (block.timestamp << RECORDED_AT);
        if (decision.basis != 0) kept.basis = decision.basis;
        if (successor != 0) kept.successor = successor;
        if (content & BY_OTHER != 0) kept.department = bytes18(department);
        emit Decided(
            key,
            department,
            number,
            msg.sender,
            decision.code,
            decision.cause,
            decision.effectiveFrom,
            decision.basis,
            successor,
            decision.until,
            decision.ends
        );
    }
}
