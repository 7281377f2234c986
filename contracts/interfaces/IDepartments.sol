// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Departments: who takes part, who acts for them, and which certificate types they may issue.
/// @notice A department is its unified social credit code, 18 ASCII bytes, left-aligned; a type code is 21 of them: the
/// defining authority's code and three digits. Times are block times in seconds. `until` is the first second that no
/// longer counts; 0 means "no end". A `basis` is the `commitment_sha256` of the act's own entry, or zero.
/// "The Council" is the owner address until the Council contract exists.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false, emits nothing
/// and doesn't revert.
///
/// Roles are bits: 1 ANCHOR, 2 STATUS, 4 SHARE_HANDLER, 8 SHARE_APPROVER, 16 CREDIT, 32 GATEWAY, 64 NODE.
interface IDepartments {
    /// @dev A time during which a department was suspended: since <= t < until; `until` 0: still.
    struct Suspension {
        uint64 since;
        uint64 until;
        uint16 reason;
    }

    /// @dev Issuer × type × period: since <= t < until, and t < withdrawnFrom where that isn't 0.
    /// `withdrawnFrom` <= `since` means withdrawn from the start.
    struct Accreditation {
        uint64 since;
        uint64 until;
        uint64 withdrawnFrom;
    }

    /// @notice The department was admitted at this block.
    event DepartmentAdmitted(bytes32 indexed department, uint32 division, address operator, bytes32 basis);
    /// @notice From this block on the department is suspended.
    event DepartmentSuspended(bytes32 indexed department, address operator, uint16 reason, bytes32 basis);
    /// @notice From this block on the department is no longer suspended.
    event DepartmentReinstated(bytes32 indexed department, address operator, bytes32 basis);
    /// @notice `operator` acts for `department` with `roles` before `until`; `actor` is zero for the Council.
    event OperatorAppointed(
        bytes32 indexed department,
        address indexed operator,
        uint32 roles,
        uint64 until,
        bytes32 personHash,
        bytes32 actor,
        address appointedBy
    );
    /// @notice `operator` no longer acts for `department`; `actor` is zero for the Council.
    event OperatorEnded(
        bytes32 indexed department,
        address indexed operator,
        uint16 reason,
        bytes32 actor,
        address endedBy
    );
    /// @notice The type exists, and `competent` is the competent department from this block on.
    event TypeDefined(bytes32 indexed typeCode, bytes32 indexed competent, address operator, bytes32 basis);
    /// @notice `issuer` may issue `typeCode` for since <= t < until; `actor` is zero for the Council.
    event Accredited(
        bytes32 indexed issuer,
        bytes32 indexed typeCode,
        uint64 since,
        uint64 until,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice `issuer` may no longer issue `typeCode` at and after `from`; `actor` is zero for the Council.
    event AccreditationWithdrawn(
        bytes32 indexed issuer,
        bytes32 indexed typeCode,
        uint64 from,
        uint16 reason,
        bytes32 actor,
        address operator,
        bytes32 basis
    );

    /// @dev Only the Council may do this.
    error Departments_NotCouncil(address account);
    /// @dev `account` isn't the Council, nor an operator of `department` with STATUS (and the roles that it gives).
    error Departments_NotEntitled(address account, bytes32 department);
    /// @dev The Council can't be given up, only handed over in two steps.
    error Departments_CouncilNeeded();
    /// @dev Not a unified social credit code. `reason`: 1 length, 2 character, 3 division, 4 check, 5 inner check.
    error Departments_CodeInvalid(bytes32 department, uint8 reason);
    /// @dev Not a type code: 21 characters, the authority's code (reasons as above) and three digits (reason 6).
    error Departments_TypeCodeInvalid(bytes32 typeCode, uint8 reason);
    /// @dev The department was admitted with another division.
    error Departments_AlreadyAdmitted(bytes32 department, uint32 division);
    /// @dev The department isn't admitted.
    error Departments_NotAdmitted(bytes32 department);
    /// @dev The acting department is suspended and may not grant anything.
    error Departments_Suspended(bytes32 department);
    /// @dev The type isn't defined.
    error Departments_TypeUnknown(bytes32 typeCode);
    /// @dev The address acts for another department; that one must end it first.
    error Departments_OperatorOfOther(address operator, bytes32 department);
    /// @dev The zero address can't act.
    error Departments_OperatorZero();
    /// @dev No role, or one that doesn't exist.
    error Departments_RolesInvalid(uint32 roles);
    /// @dev The period is empty or over: `until` must lie after `since`.
    error Departments_PeriodInvalid(uint64 since, uint64 until);
    /// @dev The period overlaps an accreditation that ends at `end` (0: never).
    error Departments_AccreditationOverlaps(bytes32 issuer, bytes32 typeCode, uint64 since, uint64 end);
    /// @dev The issuer was never accredited for the type.
    error Departments_NotAccredited(bytes32 issuer, bytes32 typeCode);
    /// @dev `account` doesn't act for any department with `role` now.
    error Departments_RoleMissing(address account, uint32 role);

    /// @notice Admits a department. Council only. False if it is admitted with this division.
    /// @param division Administrative division code (GB/T 2260), six digits.
    function admit(bytes32 department, uint32 division, bytes32 basis) external returns (bool);

    /// @notice Suspends a department from this block on. Council only. False if it is suspended.
    function suspend(bytes32 department, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Ends a department's suspension at this block. Council only. False if it isn't suspended.
    function reinstate(bytes32 department, bytes32 basis) external returns (bool);

    /// @notice Appoints an operator, or changes its roles, end and person. By the Council, or by an operator of the
    /// department with STATUS that has every role which it gives, and not beyond its own end. False if nothing differs.
    /// @param until First second at which it no longer acts; 0: no end.
    /// @param personHash Salted hash of the person behind the address; zero for a machine.
    function appointOperator(address operator, bytes32 department, uint32 roles, uint64 until, bytes32 personHash)
        external
        returns (bool);

    /// @notice Ends an operator at this block. By the Council, by an operator of its department with STATUS, or by
    /// itself. False if it doesn't act for anyone.
    function endOperator(address operator, uint16 reason) external returns (bool);

    /// @notice Defines a type, or gives it another competent department. Council only. False if nothing differs.
    function defineType(bytes32 typeCode, bytes32 competent, bytes32 basis) external returns (bool);

    /// @notice Lets an issuer issue a type for a time. By the Council, or by STATUS of the type's competent department
    /// (not while that is suspended). False if that period stands already.
    /// @param since First second; not 0.
    function accredit(bytes32 issuer, bytes32 typeCode, uint64 since, uint64 until, bytes32 basis)
        external
        returns (bool);

    /// @notice Ends an issuer's accreditations for a type at `from` (1 = from the start); later ones never begin. By
    /// the Council, or by STATUS of the type's competent department. False if none reaches `from`.
    function withdrawAccreditation(bytes32 issuer, bytes32 typeCode, uint64 from, uint16 reason, bytes32 basis)
        external
        returns (bool);

    /// @notice A department and the history of its suspensions, oldest first.
    function department(bytes32 code)
        external
        view
        returns (bool admitted, uint64 admittedAt, uint32 division, Suspension[] memory suspensions);

    /// @notice Whether the department is suspended now.
    function isSuspended(bytes32 code) external view returns (bool);

    /// @notice The accreditations of an issuer for a type, oldest first.
    function accreditations(bytes32 issuer, bytes32 typeCode) external view returns (Accreditation[] memory);

    /// @notice Whether the issuer was admitted, not suspended, and accredited for the type at `time`.
    function isRecognised(bytes32 issuer, bytes32 typeCode, uint64 time) external view returns (bool);

    /// @notice The competent department of a type; zero if the type isn't defined.
    function competentFor(bytes32 typeCode) external view returns (bytes32);

    /// @notice What is recorded of an operator; `roles` is 0 once it was ended, not yet at its `until`.
    function operatorOf(address operator)
        external
        view
        returns (bytes32 department, uint32 roles, uint64 until, bytes32 personHash);

    /// @notice The department for which `operator` acts now with every bit of `role`; reverts if there is none.
    function requireOperator(address operator, uint32 role) external view returns (bytes32 department);
}
