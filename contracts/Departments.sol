// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Departments: see IDepartments. The owner stands in for the Council.
contract Departments is IDepartments, Ownable2Step {
    uint32 private constant STATUS = 2;
    uint32 private constant ALL_ROLES = 127;

    /// | admitted 1 | suspended 1 | admittedAt 8 | division 4 |; the history in its own slots
    struct Member {
        bool admitted;
        bool suspended;
        uint64 admittedAt;
        uint32 division;
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
        uint8 reason = Uscc.check(code);
        require(reason == Uscc.OK, Departments_CodeInvalid(code, reason));
        Member storage member = _members[code];
        if (member.admitted) {
            require(member.division == division, Departments_AlreadyAdmitted(code, member.division));
            return false;
        }
        member.admitted = true;
        member.admittedAt = _now();
        member.division = division;
        emit DepartmentAdmitted(code, division, msg.sender, basis);
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
        bytes32 actor = _requireAppointer(code, roles, until);
        _admitted(code);
        require(operator != address(0), Departments_OperatorZero());
        require(roles != 0 && roles & ~ALL_ROLES == 0, Departments_RolesInvalid(roles));
        require(until == 0 || until > block.timestamp, Departments_PeriodInvalid(_now(), until));
        Operator storage known = _operators[operator];
        bool acts = _acts(known);
        require(
            !acts || known.department == bytes18(code), Departments_OperatorOfOther(operator, bytes32(known.department))
        );
        if (acts && known.roles == roles && known.until == until && known.personHash == personHash) return false;
        _operators[operator] =
            Operator({department: bytes18(code), roles: roles, until: until, personHash: personHash});
        emit OperatorAppointed(code, operator, roles, until, personHash, actor, msg.sender);
        return true;
    }

    /// @inheritdoc IDepartments
    function endOperator(address operator, uint16 reason) external returns (bool) {
        Operator storage known = _operators[operator];
        bytes32 code = bytes32(known.department);
        bytes32 actor = msg.sender == operator ? code : _requireCouncilOr(code);
        if (!_acts(known)) return false;
        known.roles = 0;
        known.until = _now();
        emit OperatorEnded(code, operator, reason, actor, msg.sender);
        return true;
    }

    // Types and accreditations

    /// @inheritdoc IDepartments
    function defineType(bytes32 typeCode, bytes32 competent, bytes32 basis) external onlyCouncil returns (bool) {
        uint8 reason = Uscc.checkType(typeCode);
        require(reason == Uscc.OK, Departments_TypeCodeInvalid(typeCode, reason));
        _admitted(competent);
        if (_competent[typeCode] == competent) return false;
        _competent[typeCode] = competent;
        emit TypeDefined(typeCode, competent, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function accredit(bytes32 issuer, bytes32 typeCode, uint64 since, uint64 until, bytes32 basis)
        external
        returns (bool)
    {
        bytes32 actor = _requireCouncilOr(_competent[typeCode]);
        require(actor == 0 || !_members[actor].suspended, Departments_Suspended(actor));
        require(_competent[typeCode] != 0, Departments_TypeUnknown(typeCode));
        _admitted(issuer);
        require(since != 0 && (until == 0 || until > since), Departments_PeriodInvalid(since, until));
        Accreditation[] storage known = _accreditations[issuer][typeCode];
        if (known.length > 0) {
            Accreditation storage last = known[known.length - 1];
            if (last.since == since && last.until == until && last.withdrawnFrom == 0) return false;
            uint64 end = _end(last);
            // In order and apart, so that an instant has one answer. Withdrawn from the start frees its whole time.
            require(
                end != 0 && since >= end, Departments_AccreditationOverlaps(issuer, typeCode, last.since, end)
            );
        }
        known.push(Accreditation({since: since, until: until, withdrawnFrom: 0}));
        emit Accredited(issuer, typeCode, since, until, actor, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartments
    function withdrawAccreditation(bytes32 issuer, bytes32 typeCode, uint64 from, uint16 reason, bytes32 basis)
        external
        returns (bool)
    {
        bytes32 actor = _requireCouncilOr(_competent[typeCode]);
        require(_competent[typeCode] != 0, Departments_TypeUnknown(typeCode));
        require(from != 0, Departments_PeriodInvalid(from, 0));
        Accreditation[] storage known = _accreditations[issuer][typeCode];
        require(known.length > 0, Departments_NotAccredited(issuer, typeCode));
        bool changed = false;
        // Periods are in order: those before the first that ended by `from` did so too.
        for (uint256 i = known.length; i > 0; --i) {
            Accreditation storage period = known[i - 1];
            uint64 end = _end(period);
            if (end != 0 && end <= from) break;
            period.withdrawnFrom = from;
            changed = true;
        }
        if (changed) emit AccreditationWithdrawn(issuer, typeCode, from, reason, actor, msg.sender, basis);
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
        return (member.admitted, member.admittedAt, member.division, member.suspensions);
    }

    /// @inheritdoc IDepartments
    function isSuspended(bytes32 code) external view returns (bool) {
        return _members[code].suspended;
    }

    /// @inheritdoc IDepartments
    function accreditations(bytes32 issuer, bytes32 typeCode) external view returns (Accreditation[] memory) {
        return _accreditations[issuer][typeCode];
    }

    /// @inheritdoc IDepartments
    function isRecognised(bytes32 issuer, bytes32 typeCode, uint64 time) external view returns (bool) {
        Member storage member = _members[issuer];
        if (!member.admitted || member.admittedAt > time) return false;
        for (uint256 i = member.suspensions.length; i > 0; --i) {
            Suspension storage s = member.suspensions[i - 1];
            if (s.since <= time && (s.until == 0 || time < s.until)) return false;
        }
        Accreditation[] storage known = _accreditations[issuer][typeCode];
        for (uint256 i = known.length; i > 0; --i) {
            Accreditation storage period = known[i - 1];
            uint64 end = _end(period);
            if (period.since <= time && (end == 0 || time < end)) return true;
        }
        return false;
    }

    /// @inheritdoc IDepartments
    function competentFor(bytes32 typeCode) external view returns (bytes32) {
        return _competent[typeCode];
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
    function requireOperator(address operator, uint32 role) external view returns (bytes32 code) {
        Operator storage known = _operators[operator];
        require(_holds(known, role), Departments_RoleMissing(operator, role));
        return bytes32(known.department);
    }

    // Rules

    /// @dev Zero for the Council, else `code` if the caller acts for it with STATUS.
    function _requireCouncilOr(bytes32 code) private view returns (bytes32 actor) {
        if (msg.sender == owner()) return 0;
        Operator storage caller = _operators[msg.sender];
        require(
            code != 0 && caller.department == bytes18(code) && _holds(caller, STATUS),
            Departments_NotEntitled(msg.sender, code)
        );
        return code;
    }

    /// @dev A department's operator passes on no role that it lacks, and for no longer than its own time.
    function _requireAppointer(bytes32 code, uint32 roles, uint64 until) private view returns (bytes32 actor) {
        actor = _requireCouncilOr(code);
        if (actor == 0) return actor;
        Operator storage caller = _operators[msg.sender];
        require(
            _holds(caller, roles) && (caller.until == 0 || (until != 0 && until <= caller.until)),
            Departments_NotEntitled(msg.sender, code)
        );
    }

    function _admitted(bytes32 code) private view returns (Member storage member) {
        member = _members[code];
        require(member.admitted, Departments_NotAdmitted(code));
    }

    function _acts(Operator storage operator) private view returns (bool) {
        return _holds(operator, 0);
    }

    /// @dev Whether the operator acts now, with every bit of `role`.
    function _holds(Operator storage operator, uint32 role) private view returns (bool) {
        (uint32 roles, uint64 until) = (operator.roles, operator.until);
        return roles != 0 && roles & role == role && (until == 0 || block.timestamp < until);
    }

    /// @dev First second at which the accreditation no longer counts; 0: never. At or before `since`: it never counted.
    function _end(Accreditation storage period) private view returns (uint64) {
        (uint64 until, uint64 withdrawn) = (period.until, period.withdrawnFrom);
        if (until == 0 || (withdrawn != 0 && withdrawn < until)) return withdrawn;
        return until;
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }
}
