// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {ICertificateStatus} from "./interfaces/ICertificateStatus.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Disclosures} from "./libraries/Disclosures.sol";
import {Entries} from "./libraries/Entries.sol";
import {Heads} from "./libraries/Heads.sol";
import {Moves} from "./libraries/Moves.sol";

/// @title CertificateStatus: see ICertificateStatus.
/// @dev One file, though long: proofs, rights, the line of versions and the rules are all asked within one
/// decision, over one private history; rules without a storage are in libraries/.
contract CertificateStatus is ICertificateStatus {
    using Heads for uint256;

    uint32 private constant STATUS = 2;
    uint256 private constant MANY = 100;

    /// @dev Kinds with a status: certificate, document, credit.
    uint256 private constant KINDS = 0x26; // 1, 2, 5
    /// @dev In a key's slot of `_owners`: the successor has the key's history now.
    bytes32 private constant MOVED = bytes32(uint256(1));
    /// @dev As in AnchorLog: asking one version after the other always ends.
    uint8 private constant VERSIONS = 16;

    /// | head 32 | see Heads
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
    ICertificateStatus private immutable _previous;
    /// @inheritdoc ICertificateStatus
    uint8 public immutable version;
    /// @inheritdoc ICertificateStatus
    IAnchorLog public log;
    /// @inheritdoc ICertificateStatus
    address public successor;

    /// | owner 18 | 0 13 | MOVED 1 |
    /// @dev The department whose log holds the entry, from the first decision on. The flag lies here because every later
    /// decision reads this slot anyway, and has no gas left for another one.
    mapping(bytes32 key => bytes32) private _owners;
    /// @dev From number 1 on; the first head that is zero ends them. A count beside them would cost every decision the
    /// change of one more slot.
    mapping(bytes32 key => mapping(uint32 number => Kept)) private _kept;
    mapping(bytes32 key => bytes32 typeCode) private _types;

    /// @param previous_ The CertificateStatus that this one follows; zero for the first.
    constructor(IDepartments departments_, IAnchorLog log_, ICertificateStatus previous_) {
        _departments = departments_;
        log = log_;
        _previous = previous_;
        version = address(previous_) == address(0) ? 1 : _versionAfter(previous_);
    }

    modifier onlyCouncil() {
        require(msg.sender == _departments.council(), CertificateStatus_NotCouncil(msg.sender));
        _;
    }

    // Decisions

    /// @inheritdoc ICertificateStatus
    function decideFirst(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata proof,
        TypeProof calldata typeProof
    ) external returns (bool) {
        bytes32 department = _operator();
        return _decide(key, department, decision, 0, _entitled(key, department, proof, typeProof));
    }

    /// @inheritdoc ICertificateStatus
    function decide(bytes32 key, DecisionInput calldata decision) external returns (bool) {
        bytes32 department = _operator();
        bytes18 owner = _ownerHere(key);
        require(owner != 0, CertificateStatus_ProofNeeded(key));
        if (owner != bytes18(department)) _requireEntitled(key, department, owner, typeOf(key));
        return _decide(key, department, decision, 0, owner);
    }

    /// @inheritdoc ICertificateStatus
    function supersede(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata oldProof,
        Proof calldata newProof,
        TypeProof calldata typeProof
    ) external returns (bool) {
        bytes32 department = _operator();
        bytes18 owner = _entitled(key, department, oldProof, typeProof);
        require(decision.code == Moves.SUPERSEDED, CertificateStatus_CodeNotSuperseded(decision.code));
        bytes32 newKey = _keyOf(key, newProof.entry);
        require(
            newKey != key && (decision.successor == 0 || decision.successor == newKey),
            CertificateStatus_SuccessorDiffers(decision.successor, newKey)
        );
        _requireIncluded(newProof);
        return _decide(key, department, decision, newKey, owner);
    }

    /// @inheritdoc ICertificateStatus
    function decideMany(DecisionItem[] calldata items) external returns (uint256 decided) {
        bytes32 department = _operator();
        require(items.length <= MANY, CertificateStatus_TooMany(items.length, MANY));
        for (uint256 i = 0; i < items.length; ++i) {
            DecisionItem calldata item = items[i];
            bytes18 owner = _entitled(item.key, department, item.proof, item.typeProof);
            if (_decide(item.key, department, item.decision, 0, owner)) ++decided;
        }
    }

    /// @inheritdoc ICertificateStatus
    function annul(bytes32 key, uint32 number, bytes32 basis) external returns (bool) {
        bytes32 department = _operator();
        bytes18 owner = _ownerHere(key);
        Kept storage kept = _kept[key][number];
        uint256 head = kept.head;
        require(head != 0, CertificateStatus_DecisionUnknown(key, number));
        _requireDecider(key, number, _departmentOf(kept, head, owner), department);
        require(!_departments.isSuspended(department), CertificateStatus_DepartmentSuspended(department, 0));
        if (head.annulledAt() != 0) return false;
        kept.head = head.annulled();
        emit Annulled(key, department, number, msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICertificateStatus
    function proveType(bytes32 key, TypeProof calldata proof) external returns (bool) {
        bytes32 department = _operator();
        bytes32 known = typeOf(key);
        if (known == 0) {
            _prove(key, department, proof);
            return true;
        }
        _requireType(key, proof);
        require(known == proof.typeCode, CertificateStatus_TypeDiffers(key, known));
        return false;
    }

    // The Council

    /// @inheritdoc ICertificateStatus
    function followLog(IAnchorLog newLog, bytes32 basis) external onlyCouncil returns (bool) {
        if (newLog == log) return false;
        address named = log.successor();
        require(
            address(newLog) == named && named != address(0),
            CertificateStatus_LogNotSuccessor(address(newLog), named)
        );
        log = newLog;
        emit LogFollowed(address(newLog), msg.sender, basis);
        return true;
    }

    /// @inheritdoc ICertificateStatus
    function retire(address successor_, bytes32 basis) external onlyCouncil returns (bool) {
        if (successor == successor_ && successor_ != address(0)) return false;
        require(successor == address(0), CertificateStatus_Retired(successor));
        require(_follows(successor_), CertificateStatus_SuccessorInvalid(successor_));
        successor = successor_;
        emit Retired(successor_, msg.sender, basis);
        return true;
    }

    // Moving

    /// @inheritdoc ICertificateStatus
    function carry(bytes32[] calldata keys) external returns (uint256 carried) {
        _requireNamed();
        for (uint256 i = 0; i < keys.length; ++i) {
            if (_owners[keys[i]] == 0 && _carry(keys[i]) != 0) ++carried;
        }
    }

    /// @inheritdoc ICertificateStatus
    function release(bytes32 key) external returns (bytes32 owner, Decision[] memory list) {
        require(msg.sender == successor, CertificateStatus_NotSuccessor(msg.sender, successor));
        owner = _ownerHere(key);
        if (owner == 0) return (owner, list);
        list = decisions(key);
        _owners[key] = owner | MOVED;
    }

    // Views

    /// @inheritdoc ICertificateStatus
    function previous() external view returns (address) {
        return address(_previous);
    }

    /// @inheritdoc ICertificateStatus
    function decisions(bytes32 key) public view returns (Decision[] memory list) {
        if (_isElsewhere(key)) return _previous.decisions(key);
        bytes18 owner = bytes18(_owners[key]);
        uint32 count = _count(key);
        list = new Decision[](count);
        for (uint32 i = 0; i < count; ++i) {
            Kept storage kept = _kept[key][i + 1];
            uint256 head = kept.head;
            list[i] = Decision({
                number: i + 1,
                code: head.code(),
                cause: head.cause(),
                department: bytes32(_departmentOf(kept, head, owner)),
                effectiveFrom: head.effectiveFrom(),
                recordedAt: head.recordedAt(),
                basis: kept.basis,
                successor: kept.successor,
                until: head.until(),
                ends: head.ends(),
                annulledAt: head.annulledAt()
            });
        }
    }

    /// @inheritdoc ICertificateStatus
    function typeOf(bytes32 key) public view returns (bytes32 typeCode) {
        typeCode = _types[key];
        if (typeCode == 0 && address(_previous) != address(0)) typeCode = _previous.typeOf(key);
    }

    /// @inheritdoc ICertificateStatus
    function statusAt(bytes32 key, uint64 time, uint64 known) external view returns (uint8 code, uint32 number) {
        if (_isElsewhere(key)) return _previous.statusAt(key, time, known);
        uint32 count = _count(key);
        bool[] memory ended = new bool[](uint256(count) + 1);
        for (uint32 n = count; n > 0; --n) {
            uint256 head = _kept[key][n].head;
            if (head.recordedAt() > known || head.effectiveFrom() > time) continue;
            (uint256 annulledAt, uint256 until) = (head.annulledAt(), head.until());
            if (annulledAt != 0 && annulledAt <= known) continue;
            if (head.code() == Moves.RESUMED) {
                ended[head.ends()] = true;
                if (number == 0) (code, number) = (Moves.RESUMED, n);
            } else if (!ended[n] && (until == 0 || time < until)) {
                return (head.code(), n);
            }
        }
    }

    // Who may, and on what

    function _operator() private view returns (bytes32) {
        return _departments.requireOperator(msg.sender, STATUS);
    }

    /// @dev The owner of a key on which the department may decide. Where the key has decisions, a proof is one that came
    /// second and isn't looked at; nor is the type's where nobody needs it.
    function _entitled(bytes32 key, bytes32 department, Proof calldata proof, TypeProof calldata typeProof)
        private
        returns (bytes18 owner)
    {
        owner = _ownerHere(key);
        bool first = owner == 0;
        if (first) {
            require(proof.entry.length != 0, CertificateStatus_ProofNeeded(key));
            bytes32 entryKey = _keyOf(key, proof.entry);
            require(entryKey == key, CertificateStatus_KeyDiffers(key, entryKey));
            owner = Entries.issuer(proof.entry);
        }
        if (owner != bytes18(department)) {
            bytes32 typeCode = typeOf(key);
            if (typeCode == 0 && typeProof.n != 0 && !_standsFor(department, owner, 0)) {
                typeCode = _prove(key, department, typeProof);
            }
            _requireEntitled(key, department, owner, typeCode);
        }
        if (first) {
            require(successor == address(0), CertificateStatus_Retired(successor));
            // Before the previous one is retired it might begin the same key itself.
            if (address(_previous) != address(0)) _requireNamed();
            _requireIncluded(proof);
        }
    }

    /// @dev Another department than the owner: the competent one of the type, or who carries what was the owner's.
    function _requireEntitled(bytes32 key, bytes32 department, bytes18 owner, bytes32 typeCode) private view {
        if (_standsFor(department, owner, typeCode)) return;
        require(typeCode != 0, CertificateStatus_TypeNotProven(key, bytes32(owner), department));
        revert CertificateStatus_NotEntitled(key, bytes32(owner), department);
    }

    /// @dev Whether `department` is competent for the type, or succeeded `other` in what is of that type (0: not proven).
    function _standsFor(bytes32 department, bytes18 other, bytes32 typeCode) private view returns (bool) {
        return (typeCode != 0 && _departments.competentFor(typeCode) == department)
            || _departments.carrierOf(bytes32(other), typeCode) == department;
    }

    function _requireType(bytes32 key, TypeProof calldata proof) private view {
        require(Disclosures.leadsTo(key, proof), CertificateStatus_TypeProofInvalid(key, proof.typeCode));
    }

    function _prove(bytes32 key, bytes32 department, TypeProof calldata proof) private returns (bytes32 typeCode) {
        _requireType(key, proof);
        typeCode = proof.typeCode;
        _types[key] = typeCode;
        emit TypeProven(key, typeCode, department, msg.sender);
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
            log.isIncluded(proof.logId, proof.size, proof.index, proof.entry, proof.path),
            CertificateStatus_NotIncluded(proof.logId, proof.index, proof.size)
        );
    }

    /// @dev Only who decided, who succeeded it, or the competent department, ends or annuls a decision.
    function _requireDecider(bytes32 key, uint32 number, bytes18 decidedBy, bytes32 department) private view {
        require(
            decidedBy == bytes18(department) || _standsFor(department, decidedBy, typeOf(key)),
            CertificateStatus_NotDecider(key, number, bytes32(decidedBy), department)
        );
    }

    // Which version has a key's history

    /// @dev The owner of a key whose history is here, or comes here now; 0 for one without decisions.
    function _ownerHere(bytes32 key) private returns (bytes18 owner) {
        bytes32 slot = _owners[key];
        // Not `require`: the error's argument would be read from its slot each time.
        if (slot & MOVED != 0) revert CertificateStatus_Retired(successor);
        owner = bytes18(slot);
        if (owner == 0 && address(_previous) != address(0)) owner = _carry(key);
    }

    /// @dev Takes over the decisions that the previous contract has; it lets go of them for this one only, and once.
    function _carry(bytes32 key) private returns (bytes18 owner) {
        _requireNamed();
        (bytes32 owner_, Decision[] memory list) = _previous.release(key);
        if (owner_ == 0) return 0;
        owner = bytes18(owner_);
        _owners[key] = owner_;
        for (uint256 i = 0; i < list.length; ++i) {
            Decision memory d = list[i];
            bool byOther = bytes18(d.department) != owner;
            Kept storage kept = _kept[key][d.number];
            kept.head = Heads.content(d.code, d.cause, d.effectiveFrom, d.until, d.ends, byOther)
                .withTimes(d.recordedAt, d.annulledAt);
            if (d.basis != 0) kept.basis = d.basis;
            if (d.successor != 0) kept.successor = d.successor;
            if (byOther) kept.department = bytes18(d.department);
        }
        emit StatusCarried(key, owner_, address(_previous), uint32(list.length), msg.sender);
    }

    /// @dev Whether the previous contract, if there is one, has the answers about the key.
    function _isElsewhere(bytes32 key) private view returns (bool) {
        return address(_previous) != address(0) && _owners[key] == 0;
    }

    /// @dev The previous contract is retired, and names this one.
    function _requireNamed() private view {
        address named = address(_previous) == address(0) ? address(0) : _previous.successor();
        require(named == address(this), CertificateStatus_NotInForce(address(_previous), named));
    }

    /// @dev Whether `account` is a contract that was made to follow this one.
    function _follows(address account) private view returns (bool) {
        (bool ok, bytes memory answer) = account.staticcall(abi.encodeCall(ICertificateStatus.previous, ()));
        return ok && answer.length == 32 && abi.decode(answer, (uint256)) == uint160(address(this));
    }

    function _versionAfter(ICertificateStatus previous_) private view returns (uint8) {
        require(address(previous_).code.length != 0, CertificateStatus_PreviousInvalid(address(previous_)));
        try previous_.version() returns (uint8 number) {
            require(number < VERSIONS, CertificateStatus_PreviousInvalid(address(previous_)));
            return number + 1;
        } catch {
            revert CertificateStatus_PreviousInvalid(address(previous_));
        }
    }

    // The rules of a decision

    function _decide(
        bytes32 key,
        bytes32 department,
        DecisionInput calldata decision,
        bytes32 newKey,
        bytes18 owner
    ) private returns (bool) {
        uint8 code = decision.code;
        require(Moves.isCode(code), CertificateStatus_CodeUnknown(code));
        // 8 comes with a proven successor, by way of `supersede`; no other code names one.
        require(
            (code == Moves.SUPERSEDED) == (newKey != 0) && (newKey != 0 || decision.successor == 0),
            CertificateStatus_SuccessorUnexpected(code)
        );
        require(
            code == Moves.SUSPENDED || code == Moves.RESCINDED || !_departments.isSuspended(department),
            CertificateStatus_DepartmentSuspended(department, code)
        );
        require(
            decision.effectiveFrom <= block.timestamp,
            CertificateStatus_EffectiveLater(decision.effectiveFrom, uint64(block.timestamp))
        );
        require(
            decision.until <= type(uint40).max, CertificateStatus_UntilInvalid(decision.effectiveFrom, decision.until)
        );
        uint256 content = Heads.content(
            code,
            decision.cause,
            decision.effectiveFrom,
            decision.until,
            decision.ends,
            owner != bytes18(department)
        );
        uint32 count = _count(key);
        Situation memory met = _situation(key, bytes18(department), owner, decision, newKey, content, count);
        // Before the other rules: a resent decision would break those that it itself brought about.
        if (met.repeats != 0) {
            require(!met.annulled, CertificateStatus_DecisionAnnulled(key, met.repeats));
            return false;
        }
        _requireMembers(decision);
        _requireMove(key, department, decision, met);
        if (count == 0) _owners[key] = bytes32(owner);
        _keep(key, count + 1, department, decision, newKey, content);
        return true;
    }

    function _requireMembers(DecisionInput calldata decision) private pure {
        uint8 code = decision.code;
        if (decision.until != 0) {
            require(code == Moves.SUSPENDED, CertificateStatus_UntilUnexpected(code));
            require(
                decision.until > decision.effectiveFrom,
                CertificateStatus_UntilInvalid(decision.effectiveFrom, decision.until)
            );
        }
        require((code == Moves.RESUMED) == (decision.ends != 0), CertificateStatus_EndsUnexpected(code, decision.ends));
    }

    function _requireMove(bytes32 key, bytes32 department, DecisionInput calldata decision, Situation memory met)
        private
        view
    {
        uint8 code = decision.code;
        require(
            Moves.mayFollow(met.state, code) && !(code == Moves.SUSPENDED && met.suspendedBySame),
            CertificateStatus_MoveNotAllowed(key, met.state, met.number, code)
        );
        if (code == Moves.RESUMED) {
            require(met.endsBy != 0, CertificateStatus_NothingToEnd(key, decision.ends));
            _requireDecider(key, decision.ends, met.endsBy, department);
        }
    }

    /// @dev One pass over the history, newest first: `statusAt(key, now, now)` and what else the rules ask. Everything
    /// kept was recorded and effective by now, and a decision 1 comes after what it ends.
    function _situation(
        bytes32 key,
        bytes18 department,
        bytes18 owner,
        DecisionInput calldata decision,
        bytes32 newKey,
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
            bool annulled = head.annulledAt() != 0;
            if (
                head.hasContent(content) && decidedBy == department && kept.basis == decision.basis
                    && kept.successor == newKey
            ) {
                (met.repeats, met.annulled) = (n, annulled);
                return met;
            }
            if (annulled) continue;
            uint8 code = head.code();
            if (code == Moves.RESUMED) {
                ended[head.ends()] = true;
                if (met.number == 0) (met.state, met.number) = (Moves.RESUMED, n);
                continue;
            }
            uint256 until = head.until();
            if (ended[n] || (until != 0 && until <= block.timestamp)) continue;
            if (met.number == 0 || met.state == Moves.RESUMED) (met.state, met.number) = (code, n);
            if (code != Moves.SUSPENDED && code != Moves.TRANSFERRED_OUT) continue;
            if (code == Moves.SUSPENDED && decidedBy == department) met.suspendedBySame = true;
            if (n == decision.ends) met.endsBy = decidedBy;
        }
    }

    /// @dev How many decisions there are. The empty head found last is the one that is written next, so finding it
    /// costs nothing more.
    function _count(bytes32 key) private view returns (uint32 count) {
        mapping(uint32 number => Kept) storage history = _kept[key];
        while (history[count + 1].head != 0) ++count;
    }

    function _departmentOf(Kept storage kept, uint256 head, bytes18 owner) private view returns (bytes18) {
        return head.byOther() ? kept.department : owner;
    }

    function _keep(
        bytes32 key,
        uint32 number,
        bytes32 department,
        DecisionInput calldata decision,
        bytes32 newKey,
        uint256 content
    ) private {
        Kept storage kept = _kept[key][number];
        kept.head = content.recorded();
        if (decision.basis != 0) kept.basis = decision.basis;
        if (newKey != 0) kept.successor = newKey;
        if (content.byOther()) kept.department = bytes18(department);
        emit Decided(
            key,
            department,
            number,
            msg.sender,
            decision.code,
            decision.cause,
            decision.effectiveFrom,
            decision.basis,
            newKey,
            decision.until,
            decision.ends
        );
    }
}
