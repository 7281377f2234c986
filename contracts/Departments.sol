// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ICouncil} from "./interfaces/ICouncil.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Departments: see IDepartments. The owner is the Council.
/// @dev One file, though long: operators, accreditations and successions hang on the same members, and the other
/// contracts ask all of them at one address.
contract Departments is IDepartments, Ownable2Step {
    uint32 private constant STATUS = 2;
    uint32 private constant NODE = 64;
    uint32 private constant ALL_ROLES = 127;
    /// @dev GATEWAY and NODE.
    uint32 private constant SERVICE_ROLES = 96;
    uint8 private constant DEPARTMENT = 1;
    uint8 private constant SERVICE_OPERATOR = 2;

    /// | kind 1 | suspended 1 | admittedAt 8 | division 4 | succeededAt 8 | one slot, as every write of every contract
    /// | successor 18 | asked 8 |                                           reads it
    /// | partsHash 32 | with `asked`, the time that was asked for: a succession sent again is known by them
    /// the history in its own slots
    struct Member {
        uint8 kind;
        bool suspended;
        uint64 admittedAt;
        uint32 division;
        uint64 succeededAt;
        bytes18 successor;
        uint64 asked;
        bytes32 partsHash;
        Suspension[] suspensions;
    }

    /// | department 18 | roles 4 | until 8 | one slot, as every write of every contract reads it; personHash 32 |
    struct Operator {
        bytes18 department;
        uint32 roles;
        uint64 until;
        bytes32 personHash;
    }

    mapping(bytes32 code => Member) private _members;
    mapping(address account => Operator) private _operators;
    mapping(bytes32 typeCode => bytes32 competent) private _competent;
    mapping(bytes32 issuer => mapping(bytes32 typeCode => Accreditation[])) private _accreditations;
    mapping(bytes32 from => mapping(bytes32 what => bytes32 to)) private _parts;
    mapping(bytes32 to => bytes32[] from) private _predecessors;

    constructor(address council) Ownable(council) {}

    modifier onlyCouncil() {
        require(msg.sender == owner(), Departments_NotCouncil(msg.sender));
        _;
    }

    /// @notice The Council can only be handed over (`transferOwnership`, `acceptOwnership`).
    function renounceOwnership() public view override onlyCouncil {
        revert Departments_CouncilNeeded();
    }

    // Departments

    /// @inheritdoc IDepartments
    function admit(bytes32 code, uint32 division, bytes32 basis) external onlyCouncil returns (bool) {
        if (!_admit(code, division, DEPARTMENT)) return false;
        emit DepartmentAdmitted(code, division, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function admitServiceOperator(bytes32 code, uint32 division, bytes32 basis) external onlyCouncil returns (bool) {
        if (!_admit(code, division, SERVICE_OPERATOR)) return false;
        emit ServiceOperatorAdmitted(code, division, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function succeed(bytes32 from, bytes32 to, uint64 at, Part[] calldata parts, bytes32 basis)
        external
        onlyCouncil
        returns (bool)
    {
        Member storage member = _admitted(from);
        bytes32 partsHash = keccak256(abi.encode(parts));
        if (member.succeededAt != 0) {
            require(
                member.successor == bytes18(to) && member.asked == at && member.partsHash == partsHash,
                Departments_Succeeded(from, bytes32(member.successor))
            );
            return false;
        }
        uint64 since = at > _now() ? at : _now();
        // Before the targets are looked at: nobody succeeds a department that will itself be succeeded.
        (member.succeededAt, member.successor, member.asked, member.partsHash) = (since, bytes18(to), at, partsHash);
        _precede(from, to, member.kind);
        emit DepartmentSucceeded(from, to, since, msg.sender, basis);
        for (uint256 i = 0; i < parts.length; ++i) {
            (bytes32 what, bytes32 target) = (parts[i].what, parts[i].to);
            require(what != 0 && _parts[from][what] == 0, Departments_PartInvalid(from, what));
            _parts[from][what] = target;
            _precede(from, target, member.kind);
            emit DepartmentSplit(from, what, target, since);
        }
        return true;
    }

    /// @inheritdoc IDepartments
    function suspend(bytes32 code, uint16 reason, bytes32 basis) external onlyCouncil returns (bool) {
        Member storage member = _admitted(code);
        if (member.suspended) return false;
        member.suspended = true;
        member.suspensions.push(Suspension({since: _now(), until: 0, reason: reason}));
        emit DepartmentSuspended(code, msg.sender, reason, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function reinstate(bytes32 code, bytes32 basis) external onlyCouncil returns (bool) {
        Member storage member = _admitted(code);
        if (!member.suspended) return false;
        member.suspended = false;
        member.suspensions[member.suspensions.length - 1].until = _now();
        emit DepartmentReinstated(code, msg.sender, basis);
        return true;
    }

    // Operators

    /// @inheritdoc IDepartments
    function appointOperator(address operator, bytes32 code, uint32 roles, uint64 until, bytes32 personHash)
        external
        returns (bool)
    {
        bytes32 by = _requireAppointer(code, roles, until);
        Member storage member = _standing(code);
        require(operator != address(0), Departments_OperatorZero());
        require(roles != 0 && roles & ~ALL_ROLES == 0, Departments_RolesInvalid(roles));
        require(
            member.kind == DEPARTMENT || roles & ~SERVICE_ROLES == 0, Departments_RolesNotForKind(code, roles)
        );
        require(until == 0 || until > block.timestamp, Departments_PeriodInvalid(_now(), until));
        Operator storage known = _operators[operator];
        bool acts = _acts(known);
        require(
            !acts || known.department == bytes18(code), Departments_OperatorOfOther(operator, bytes32(known.department))
        );
        if (acts && known.roles == roles && known.until == until && known.personHash == personHash) return false;
        _operators[operator] =
            Operator({department: bytes18(code), roles: roles, until: until, personHash: personHash});
        emit OperatorAppointed(code, operator, roles, until, personHash, by, msg.sender);
        return true;
    }

    /// @inheritdoc IDepartments
    function endOperator(address operator, uint16 reason) external returns (bool) {
        Operator storage known = _operators[operator];
        bytes32 code = bytes32(known.department);
        bytes32 by = msg.sender == operator ? code : _requireCouncilOr(code);
        if (!_acts(known)) return false;
        known.roles = 0;
        known.until = _now();
        emit OperatorEnded(code, operator, reason, by, msg.sender);
        return true;
    }

    // Types and accreditations

    /// @inheritdoc IDepartments
    function defineType(bytes32 typeCode, bytes32 competent, bytes32 basis) external onlyCouncil returns (bool) {
        uint8 reason = Uscc.checkType(typeCode);
        require(reason == Uscc.OK, Departments_TypeCodeInvalid(typeCode, reason));
        _requireKind(competent, DEPARTMENT);
        if (_competentNow(typeCode) == competent) return false;
        _competent[typeCode] = competent;
        emit TypeDefined(typeCode, competent, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function accredit(bytes32 issuer, bytes32 typeCode, uint64 since, uint64 until, bytes32 basis)
        external
        returns (bool)
    {
        bytes32 by = _requireCouncilOr(_competentNow(typeCode));
        require(by == 0 || !_members[by].suspended, Departments_Suspended(by));
        require(_competent[typeCode] != 0, Departments_TypeUnknown(typeCode));
        _requireKind(issuer, DEPARTMENT);
        require(since != 0 && (until == 0 || until > since), Departments_PeriodInvalid(since, until));
        Accreditation[] storage known = _accreditations[issuer][typeCode];
        if (known.length > 0) {
            Accreditation memory last = known[known.length - 1];
            if (last.since == since && last.until == until && last.withdrawnFrom == 0) return false;
            uint64 end = _end(last);
            // In order and apart, so that an instant has one answer. Withdrawn from the start frees its whole time.
            require(
                end != 0 && since >= end, Departments_AccreditationOverlaps(issuer, typeCode, last.since, end)
            );
        }
        _requireNotPaused();
        known.push(Accreditation({since: since, until: until, withdrawnFrom: 0}));
        emit Accredited(issuer, typeCode, since, until, by, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function withdrawAccreditation(bytes32 issuer, bytes32 typeCode, uint64 from, uint16 reason, bytes32 basis)
        external
        returns (bool)
    {
        bytes32 by = _requireCouncilOr(_competentNow(typeCode));
        require(_competent[typeCode] != 0, Departments_TypeUnknown(typeCode));
        require(from != 0, Departments_PeriodInvalid(from, 0));
        (bool known, bool changed) = _withdraw(issuer, typeCode, from, reason, by, basis);
        require(known, Departments_NotAccredited(issuer, typeCode));
        return changed;
    }

    // Views

    /// @inheritdoc IDepartments
    function department(bytes32 code)
        external
        view
        returns (bool admitted, uint64 admittedAt, uint32 division, Suspension[] memory suspensions)
    {
        Member storage member = _members[code];
        return (member.kind != 0, member.admittedAt, member.division, member.suspensions);
    }

    /// @inheritdoc IDepartments
    function memberOf(bytes32 code)
        external
        view
        returns (
            uint8 kind,
            uint64 admittedAt,
            uint32 division,
            uint64 succeededAt,
            bytes32 successor,
            Suspension[] memory suspensions
        )
    {
        Member storage member = _members[code];
        (kind, admittedAt, division) = (member.kind, member.admittedAt, member.division);
        (succeededAt, successor) = (member.succeededAt, bytes32(member.successor));
        suspensions = member.suspensions;
    }

    /// @inheritdoc IDepartments
    function kindOf(bytes32 code) external view returns (uint8) {
        return _members[code].kind;
    }

    /// @inheritdoc IDepartments
    function divisionOf(bytes32 code) external view returns (uint32) {
        return _members[code].division;
    }

    /// @inheritdoc IDepartments
    function carrierOf(bytes32 code, bytes32 what) external view returns (bytes32) {
        return _carrier(code, what);
    }

    /// @inheritdoc IDepartments
    function predecessorsOf(bytes32 code) external view returns (bytes32[] memory) {
        return _predecessors[code];
    }

    /// @inheritdoc IDepartments
    function council() external view returns (address) {
        return owner();
    }

    /// @inheritdoc IDepartments
    function isPaused() public view returns (bool) {
        return owner().code.length != 0 && ICouncil(owner()).paused();
    }

    /// @inheritdoc IDepartments
    function isSuspended(bytes32 code) external view returns (bool) {
        return _members[code].suspended;
    }

    /// @inheritdoc IDepartments
    function accreditations(bytes32 issuer, bytes32 typeCode) external view returns (Accreditation[] memory) {
        return _allAccreditations(issuer, typeCode);
    }

    /// @inheritdoc IDepartments
    function isRecognised(bytes32 issuer, bytes32 typeCode, uint64 time) external view returns (bool) {
        Member storage member = _members[issuer];
        if (member.kind == 0 || member.admittedAt > time) return false;
        if (member.succeededAt != 0 && member.succeededAt <= time) return false;
        for (uint256 i = member.suspensions.length; i > 0; --i) {
            Suspension storage s = member.suspensions[i - 1];
            if (s.since <= time && (s.until == 0 || time < s.until)) return false;
        }
        Accreditation[] memory known = _allAccreditations(issuer, typeCode);
        for (uint256 i = known.length; i > 0; --i) {
            Accreditation memory period = known[i - 1];
            uint64 end = _end(period);
            if (period.since <= time && (end == 0 || time < end)) return true;
        }
        return false;
    }

    /// @inheritdoc IDepartments
    function competentFor(bytes32 typeCode) external view returns (bytes32) {
        return _competentNow(typeCode);
    }

    /// @inheritdoc IDepartments
    function operatorOf(address operator)
        external
        view
        returns (bytes32 code, uint32 roles, uint64 until, bytes32 personHash)
    {
        Operator storage known = _operators[operator];
        return (bytes32(known.department), known.roles, known.until, known.personHash);
    }

    /// @inheritdoc IDepartments
    function requireOperator(address operator, uint32 role) external view returns (bytes32) {
        return _requireOperator(_operators[operator], operator, role);
    }

    /// @inheritdoc IDepartments
    function actor(address operator, uint32 role) external view returns (bytes32 code, bytes32 personHash) {
        Operator storage known = _operators[operator];
        code = _requireOperator(known, operator, role);
        personHash = known.personHash;
    }

    // Rules

    function _requireOperator(Operator storage known, address operator, uint32 role)
        private
        view
        returns (bytes32 code)
    {
        require(_holds(known, role), Departments_RoleMissing(operator, role));
        code = bytes32(known.department);
        _requireNotSucceeded(code);
    }

    /// @dev Zero for the Council, else `code` if the caller acts for it with STATUS (a service operator's: NODE).
    function _requireCouncilOr(bytes32 code) private view returns (bytes32) {
        if (msg.sender == owner()) return 0;
        Operator storage caller = _operators[msg.sender];
        uint32 role = _members[code].kind == SERVICE_OPERATOR ? NODE : STATUS;
        require(
            code != 0 && caller.department == bytes18(code) && _holds(caller, role),
            Departments_NotEntitled(msg.sender, code)
        );
        _requireNotSucceeded(code);
        return code;
    }

    /// @dev A department's operator passes on no role that it lacks, for no longer than its own time, and none while the
    /// department is suspended: then the Council alone appoints.
    function _requireAppointer(bytes32 code, uint32 roles, uint64 until) private view returns (bytes32 by) {
        by = _requireCouncilOr(code);
        if (by == 0) return by;
        Operator storage caller = _operators[msg.sender];
        require(
            _holds(caller, roles) && (caller.until == 0 || (until != 0 && until <= caller.until)),
            Departments_NotEntitled(msg.sender, code)
        );
        require(!_members[code].suspended, Departments_Suspended(code));
    }

    /// @dev False if the code is admitted with this division and kind.
    function _admit(bytes32 code, uint32 division, uint8 kind) private returns (bool) {
        uint8 reason = Uscc.check(code);
        require(reason == Uscc.OK, Departments_CodeInvalid(code, reason));
        Member storage member = _members[code];
        if (member.kind != 0) {
            require(member.kind == kind, Departments_KindDiffers(code, member.kind));
            require(member.division == division, Departments_AlreadyAdmitted(code, member.division));
            return false;
        }
        _requireNotPaused();
        (member.kind, member.admittedAt, member.division) = (kind, _now(), division);
        return true;
    }

    function _requireNotPaused() private view {
        require(!isPaused(), Departments_Paused());
    }

    function _admitted(bytes32 code) private view returns (Member storage member) {
        member = _members[code];
        require(member.kind != 0, Departments_NotAdmitted(code));
    }

    /// @dev Admitted, and nobody has succeeded it yet.
    function _standing(bytes32 code) private view returns (Member storage member) {
        member = _admitted(code);
        _requireNotSucceeded(code);
    }

    function _requireKind(bytes32 code, uint8 kind) private view {
        Member storage member = _standing(code);
        require(member.kind == kind, Departments_KindDiffers(code, member.kind));
    }

    function _requireNotSucceeded(bytes32 code) private view {
        Member storage member = _members[code];
        // Not by `require`, which would read the successor's slot each time.
        if (_isSucceeded(member)) revert Departments_Succeeded(code, bytes32(member.successor));
    }

    function _isSucceeded(Member storage member) private view returns (bool) {
        uint64 at = member.succeededAt;
        return at != 0 && at <= block.timestamp;
    }

    function _acts(Operator storage operator) private view returns (bool) {
        return _holds(operator, 0) && !_isSucceeded(_members[bytes32(operator.department)]);
    }

    /// @dev Whether the operator acts now, with every bit of `role`.
    function _holds(Operator storage operator, uint32 role) private view returns (bool) {
        (uint32 roles, uint64 until) = (operator.roles, operator.until);
        return roles != 0 && roles & role == role && (until == 0 || block.timestamp < until);
    }

    // Succession

    /// @dev Notes that `to` succeeds `from` in something. A target was not and will not be succeeded itself: no circles.
    function _precede(bytes32 from, bytes32 to, uint8 kind) private {
        require(from != to, Departments_SuccessorInvalid(from, to));
        Member storage member = _admitted(to);
        require(member.kind == kind, Departments_KindDiffers(to, member.kind));
        require(member.succeededAt == 0, Departments_Succeeded(to, bytes32(member.successor)));
        bytes32[] storage known = _predecessors[to];
        // There is one act for each `from`: if it is noted already, it came last.
        if (known.length == 0 || known[known.length - 1] != from) known.push(from);
    }

    function _next(bytes32 code, bytes32 what) private view returns (bytes32) {
        bytes32 part = _parts[code][what];
        return part != 0 ? part : bytes32(_members[code].successor);
    }

    function _carrier(bytes32 code, bytes32 what) private view returns (bytes32) {
        while (_isSucceeded(_members[code])) code = _next(code, what);
        return code;
    }

    function _competentNow(bytes32 typeCode) private view returns (bytes32) {
        return _carrier(_competent[typeCode], typeCode);
    }

    // Accreditations

    function _allAccreditations(bytes32 issuer, bytes32 typeCode) private view returns (Accreditation[] memory all) {
        all = new Accreditation[](_gather(issuer, typeCode, 0, all, 0));
        _gather(issuer, typeCode, 0, all, 0);
    }

    /// @dev Puts the issuer's own accreditations into `all` from `count` on, then its predecessors', each from the time on
    /// at which it came. With an empty `all` it only counts.
    function _gather(bytes32 issuer, bytes32 typeCode, uint64 from, Accreditation[] memory all, uint256 count)
        private
        view
        returns (uint256)
    {
        Accreditation[] storage own = _accreditations[issuer][typeCode];
        for (uint256 i = 0; i < own.length; ++i) {
            Accreditation memory period = own[i];
            if (from > period.since) {
                uint64 end = _end(period);
                if (end != 0 && end <= from) continue;
                period.since = from;
            }
            if (all.length != 0) all[count] = period;
            ++count;
        }
        bytes32[] storage before = _predecessors[issuer];
        for (uint256 i = 0; i < before.length; ++i) {
            bytes32 code = before[i];
            if (_next(code, typeCode) != issuer) continue;
            uint64 at = _members[code].succeededAt;
            count = _gather(code, typeCode, at > from ? at : from, all, count);
        }
        return count;
    }

    /// @dev (whether there is any, whether one changed). A predecessor's are cut no earlier than the succession.
    function _withdraw(bytes32 issuer, bytes32 typeCode, uint64 from, uint16 reason, bytes32 by, bytes32 basis)
        private
        returns (bool known, bool changed)
    {
        Accreditation[] storage own = _accreditations[issuer][typeCode];
        known = own.length != 0;
        // Periods are in order: those before the first that ended by `from` did so too.
        for (uint256 i = own.length; i > 0; --i) {
            Accreditation storage period = own[i - 1];
            uint64 end = _end(period);
            if (end != 0 && end <= from) break;
            period.withdrawnFrom = from;
            changed = true;
        }
        if (changed) emit AccreditationWithdrawn(issuer, typeCode, from, reason, by, msg.sender, basis);
        bytes32[] storage before = _predecessors[issuer];
        for (uint256 i = 0; i < before.length; ++i) {
            bytes32 code = before[i];
            if (_next(code, typeCode) != issuer) continue;
            uint64 at = _members[code].succeededAt;
            (bool one, bool cut) = _withdraw(code, typeCode, at > from ? at : from, reason, by, basis);
            (known, changed) = (known || one, changed || cut);
        }
    }

    /// @dev First second at which the accreditation no longer counts; 0: never. At or before `since`: it never counted.
    function _end(Accreditation memory period) private pure returns (uint64) {
        (uint64 until, uint64 withdrawn) = (period.until, period.withdrawnFrom);
        if (until == 0 || (withdrawn != 0 && withdrawn < until)) return withdrawn;
        return until;
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }
}
