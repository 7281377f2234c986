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

    /// @dev Bits of `Kept.flags`: which further slots are in use, so that reading a plain decision costs one.
    uint8 private constant HAS_BASIS = 1;
    uint8 private constant HAS_MORE = 2;
    uint8 private constant HAS_SUCCESSOR = 4;

    /// | owner 18 | count 4 | one slot
    struct Key {
        bytes18 owner;
        uint32 count;
    }

    /// | department 18 | code 1 | cause 2 | effectiveFrom 5 | recordedAt 5 | flags 1 |
    /// | basis 32 |
    /// | until 8 | ends 4 | annulledAt 8 |
    /// | successor 32 |
    struct Kept {
        bytes18 department;
        uint8 code;
        uint16 cause;
        uint40 effectiveFrom;
        uint40 recordedAt;
        uint8 flags;
        bytes32 basis;
        uint64 until;
        uint32 ends;
        uint64 annulledAt;
        bytes32 successor;
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

    mapping(bytes32 key => Key) private _keys;
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
        return _decide(key, department, decision, 0, _known(key, department, proof));
    }

    /// @inheritdoc ICertificateStatus
    function decide(bytes32 key, DecisionInput calldata decision) external returns (bool) {
        bytes32 department = _operator();
        return _decide(key, department, decision, 0, _keys[key]);
    }

    /// @inheritdoc ICertificateStatus
    function supersede(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata oldProof,
        Proof calldata newProof
    ) external returns (bool) {
        bytes32 department = _operator();
        Key memory known = _known(key, department, oldProof);
        _requireEntitled(key, department, known);
        require(decision.code == SUPERSEDED, CertificateStatus_CodeNotSuperseded(decision.code));
        bytes32 successor = _keyOf(key, newProof.entry);
        require(
            successor != key && (decision.successor == 0 || decision.successor == successor),
            CertificateStatus_SuccessorDiffers(decision.successor, successor)
        );
        _requireIncluded(newProof);
        return _decide(key, department, decision, successor, known);
    }

    /// @inheritdoc ICertificateStatus
    function decideMany(DecisionItem[] calldata items) external returns (uint256 decided) {
        bytes32 department = _operator();
        require(items.length <= MANY, CertificateStatus_TooMany(items.length, MANY));
        for (uint256 i = 0; i < items.length; ++i) {
            DecisionItem calldata item = items[i];
            Key memory known = _known(item.key, department, item.proof);
            if (_decide(item.key, department, item.decision, 0, known)) ++decided;
        }
    }

    /// @inheritdoc ICertificateStatus
    function annul(bytes32 key, uint32 number, bytes32 basis) external returns (bool) {
        bytes32 department = _operator();
        Key memory known = _keys[key];
        require(number != 0 && number <= known.count, CertificateStatus_DecisionUnknown(key, number));
        Kept storage kept = _kept[key][number];
        _requireDecider(key, number, kept.department, department);
        require(!_departments.isSuspended(department), CertificateStatus_DepartmentSuspended(department, 0));
        if (kept.annulledAt != 0) return false;
        kept.annulledAt = uint64(block.timestamp);
        kept.flags |= HAS_MORE;
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
        uint32 count = _keys[key].count;
        list = new Decision[](count);
        for (uint32 i = 0; i < count; ++i) {
            Kept memory kept = _kept[key][i + 1];
            Decision memory decision = list[i];
            decision.number = i + 1;
            decision.code = kept.code;
            decision.cause = kept.cause;
            decision.department = bytes32(kept.department);
            decision.effectiveFrom = kept.effectiveFrom;
            decision.recordedAt = kept.recordedAt;
            decision.basis = kept.basis;
            decision.successor = kept.successor;
            decision.until = kept.until;
            decision.ends = kept.ends;
            decision.annulledAt = kept.annulledAt;
        }
    }

    /// @inheritdoc ICertificateStatus
    function typeOf(bytes32 key) external view returns (bytes32) {
        return _types[key];
    }

    /// @inheritdoc ICertificateStatus
    function statusAt(bytes32 key, uint64 time, uint64 known) external view returns (uint8 code, uint32 number) {
        uint32 count = _keys[key].count;
        bool[] memory ended = new bool[](uint256(count) + 1);
        for (uint32 n = count; n > 0; --n) {
            Kept storage kept = _kept[key][n];
            if (kept.recordedAt > known || kept.effectiveFrom > time) continue;
            if (kept.annulledAt != 0 && kept.annulledAt <= known) continue;
            if (kept.code == RESUMED) {
                ended[kept.ends] = true;
                if (number == 0) (code, number) = (RESUMED, n);
            } else if (!ended[n] && (kept.until == 0 || time < kept.until)) {
                return (kept.code, n);
            }
        }
    }

    // Who may, and on what

    function _operator() private view returns (bytes32) {
        return _departments.requireOperator(msg.sender, STATUS);
    }

    /// @dev The key's owner and count. A first decision proves that its entry is anchored and the caller's own; where
    /// the key has decisions, the proof is one that came second and isn't looked at.
    function _known(bytes32 key, bytes32 department, Proof calldata proof) private view returns (Key memory known) {
        known = _keys[key];
        if (known.count != 0 || proof.entry.length == 0) return known;
        bytes32 entryKey = _keyOf(key, proof.entry);
        bytes18 issuer = Entries.issuer(proof.entry);
        require(
            issuer == bytes18(department), CertificateStatus_FirstByOwner(key, bytes32(issuer), department)
        );
        require(entryKey == key, CertificateStatus_KeyDiffers(key, entryKey));
        _requireIncluded(proof);
        known.owner = issuer;
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

    function _requireEntitled(bytes32 key, bytes32 department, Key memory known) private view {
        require(known.owner != 0, CertificateStatus_ProofNeeded(key));
        if (known.owner == bytes18(department)) return;
        bytes32 typeCode = _types[key];
        require(typeCode != 0, CertificateStatus_TypeNotProven(key, bytes32(known.owner), department));
        require(
            _departments.competentFor(typeCode) == department,
            CertificateStatus_NotEntitled(key, bytes32(known.owner), department)
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
        Key memory known
    ) private returns (bool) {
        _requireEntitled(key, department, known);
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
        Situation memory met = _situation(key, bytes18(department), decision, successor, known.count);
        // Before the other rules: a resent decision would break those that it itself brought about.
        if (met.repeats != 0) {
            require(!met.annulled, CertificateStatus_DecisionAnnulled(key, met.repeats));
            return false;
        }
        _requireMembers(decision);
        _requireMove(key, department, decision, met);
        _keep(key, department, decision, successor, known);
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
        DecisionInput calldata decision,
        bytes32 successor,
        uint32 count
    ) private view returns (Situation memory met) {
        if (count == 0) return met;
        bool[] memory ended = new bool[](uint256(count) + 1);
        for (uint32 n = count; n > 0; --n) {
            Kept storage stored = _kept[key][n];
            Kept memory kept = _read(stored);
            if (_same(kept, department, decision, successor)) {
                (met.repeats, met.annulled) = (n, kept.annulledAt != 0);
                return met;
            }
            if (kept.annulledAt != 0) continue;
            if (kept.code == RESUMED) {
                ended[kept.ends] = true;
                if (met.number == 0) (met.state, met.number) = (RESUMED, n);
                continue;
            }
            if (ended[n] || (kept.until != 0 && kept.until <= block.timestamp)) continue;
            if (met.number == 0 || met.state == RESUMED) (met.state, met.number) = (kept.code, n);
            if (kept.code == SUSPENDED && kept.department == department) met.suspendedBySame = true;
            if (n == decision.ends && (kept.code == SUSPENDED || kept.code == TRANSFERRED_OUT)) {
                met.endsBy = kept.department;
            }
        }
    }

    function _same(Kept memory kept, bytes18 department, DecisionInput calldata decision, bytes32 successor)
        private
        pure
        returns (bool)
    {
        return kept.department == department && kept.code == decision.code && kept.cause == decision.cause
            && kept.effectiveFrom == decision.effectiveFrom && kept.basis == decision.basis
            && kept.until == decision.until && kept.ends == decision.ends && kept.successor == successor;
    }

    /// @dev Reads the slots in use only.
    function _read(Kept storage stored) private view returns (Kept memory kept) {
        kept.department = stored.department;
        kept.code = stored.code;
        kept.cause = stored.cause;
        kept.effectiveFrom = stored.effectiveFrom;
        kept.recordedAt = stored.recordedAt;
        uint8 flags = stored.flags;
        if (flags & HAS_BASIS != 0) kept.basis = stored.basis;
        if (flags & HAS_SUCCESSOR != 0) kept.successor = stored.successor;
        if (flags & HAS_MORE != 0) {
            (kept.until, kept.ends, kept.annulledAt) = (stored.until, stored.ends, stored.annulledAt);
        }
    }

    function _keep(
        bytes32 key,
        bytes32 department,
        DecisionInput calldata decision,
        bytes32 successor,
        Key memory known
    ) private {
        uint32 number = known.count + 1;
        _keys[key] = Key({owner: known.owner, count: number});
        bool more = decision.until != 0 || decision.ends != 0;
        Kept storage kept = _kept[key][number];
        kept.department = bytes18(department);
        kept.code = decision.code;
        kept.cause = decision.cause;
        kept.effectiveFrom = uint40(decision.effectiveFrom);
        kept.recordedAt = uint40(block.timestamp);
        kept.flags =
            (decision.basis != 0 ? HAS_BASIS : 0) | (successor != 0 ? HAS_SUCCESSOR : 0) | (more ? HAS_MORE : 0);
        if (decision.basis != 0) kept.basis = decision.basis;
        if (successor != 0) kept.successor = successor;
        if (more) (kept.until, kept.ends) = (decision.until, decision.ends);
        _tell(key, department, number, decision, successor);
    }

    /// @dev On its own, as eleven values and the locals of `_keep` are more than the stack holds.
    function _tell(
        bytes32 key,
        bytes32 department,
        uint32 number,
        DecisionInput calldata decision,
        bytes32 successor
    ) private {
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
