// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Departments: who takes part, who acts for them, and which certificate types they may issue.
/// @notice A department is its unified social credit code, 18 ASCII bytes, left-aligned; a type code is 21 of them: the
/// defining authority's code and three digits. Times are block times in seconds. `until` is the first second that no
/// longer counts; 0 means "no end". A `basis` is the `commitment_sha256` of the act's own entry, or zero.
/// "The Council" is the owner: the Council contract, or in tests any address.
///
/// Members are of two kinds: 1 departments, 2 service operators (运营公司), which run nodes and gateways and keep no
/// records: they hold no role but GATEWAY and NODE, issue nothing and are competent for nothing. What STATUS is to a
/// department's own affairs (its operators, its keys), NODE is to a service operator's.
///
/// Succession (机构改革): from its time on the old department's operators are refused, and who `carrierOf` names decides
/// on what was its own. A department that was succeeded, or will be, succeeds nobody, so successions form no circle.
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

    /// @dev One thing that a split gives to somebody else than the successor. `what`: a type code, log id, resource, grant
    /// id, item id … as the contract that keeps it names it.
    struct Part {
        bytes32 what;
        bytes32 to;
    }

    /// @notice The department was admitted at this block.
    event DepartmentAdmitted(bytes32 indexed department, uint32 division, address operator, bytes32 basis);
    /// @notice The service operator was admitted at this block.
    event ServiceOperatorAdmitted(bytes32 indexed department, uint32 division, address operator, bytes32 basis);
    /// @notice From this block on the department is suspended.
    event DepartmentSuspended(bytes32 indexed department, address operator, uint16 reason, bytes32 basis);
    /// @notice From this block on the department is no longer suspended.
    event DepartmentReinstated(bytes32 indexed department, address operator, bytes32 basis);
    /// @notice From `at` on `to` carries what was `from`'s, except what `DepartmentSplit` names in the same transaction.
    event DepartmentSucceeded(
        bytes32 indexed from,
        bytes32 indexed to,
        uint64 at,
        address operator,
        bytes32 basis
    );
    /// @notice From `at` on `to` carries `what` of `from`.
    event DepartmentSplit(bytes32 indexed from, bytes32 indexed what, bytes32 indexed to, uint64 at);
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
    /// @dev `account` isn't the Council, nor an operator of `department` with STATUS (a service operator's: NODE) and the
    /// roles that it gives.
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
    /// @dev The code is a member of kind `kind`, and the other one is needed (1 department, 2 service operator).
    error Departments_KindDiffers(bytes32 department, uint8 kind);
    /// @dev A service operator holds no role but GATEWAY and NODE.
    error Departments_RolesNotForKind(bytes32 department, uint32 roles);
    /// @dev The department was succeeded by `to` (or, in `succeed` itself, will be).
    error Departments_Succeeded(bytes32 department, bytes32 to);
    /// @dev A department can't succeed itself.
    error Departments_SuccessorInvalid(bytes32 department, bytes32 to);
    /// @dev A part without a name, or named twice.
    error Departments_PartInvalid(bytes32 department, bytes32 what);
    /// @dev The Council's pause stops admissions and accreditations.
    error Departments_Paused();
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

    /// @notice Admits a department. Council only, not while paused. False if it is admitted with this division.
    /// @param division Administrative division code (GB/T 2260), six digits.
    function admit(bytes32 department, uint32 division, bytes32 basis) external returns (bool);

    /// @notice Admits a service operator (运营公司): as `admit`, for nodes and gateways only.
    function admitServiceOperator(bytes32 department, uint32 division, bytes32 basis) external returns (bool);

    /// @notice Lets `to` succeed `from` (机构改革) from `at` on, and `parts` name what goes to others instead. Council
    /// only; both of one kind; once. Competences for types and accreditations go along. False if this very succession
    /// stands already.
    /// @param at First second of the successor; this block's time where that is later.
    function succeed(bytes32 from, bytes32 to, uint64 at, Part[] calldata parts, bytes32 basis)
        external
        returns (bool);

    /// @notice Suspends a department from this block on. Council only. False if it is suspended.
    function suspend(bytes32 department, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Ends a department's suspension at this block. Council only. False if it isn't suspended.
    function reinstate(bytes32 department, bytes32 basis) external returns (bool);

    /// @notice Appoints an operator, or changes its roles, end and person. By the Council, or by an operator of the
    /// department with STATUS (a service operator's: NODE) that has every role which it gives, not beyond its own end
    /// and not while the department is suspended. False if nothing differs.
    /// @param until First second at which it no longer acts; 0: no end.
    /// @param personHash Salted hash of the person behind the address; zero for a machine.
    function appointOperator(address operator, bytes32 department, uint32 roles, uint64 until, bytes32 personHash)
        external
        returns (bool);

    /// @notice Ends an operator at this block. By the Council, by an operator of its department with STATUS (NODE), or by
    /// itself. False if it doesn't act for anyone.
    function endOperator(address operator, uint16 reason) external returns (bool);

    /// @notice Defines a type, or gives it another competent department. Council only. False if nothing differs.
    function defineType(bytes32 typeCode, bytes32 competent, bytes32 basis) external returns (bool);

    /// @notice Lets an issuer issue a type for a time. By the Council, or by STATUS of the type's competent department
    /// (not while that is suspended). Not while paused. False if that period stands already.
    /// @param since First second; not 0.
    function accredit(bytes32 issuer, bytes32 typeCode, uint64 since, uint64 until, bytes32 basis)
        external
        returns (bool);

    /// @notice Ends an issuer's accreditations for a type at `from` (1 = from the start); later ones never begin. By
    /// the Council, or by STATUS of the type's competent department. Those that the issuer has by succession end for it
    /// alone: what its predecessor issued before keeps them. False if none reaches `from`.
    function withdrawAccreditation(bytes32 issuer, bytes32 typeCode, uint64 from, uint16 reason, bytes32 basis)
        external
        returns (bool);

    /// @notice A department and the history of its suspensions, oldest first.
    function department(bytes32 code)
        external
        view
        returns (bool admitted, uint64 admittedAt, uint32 division, Suspension[] memory suspensions);

    /// @notice A member of either kind with all that is recorded of itself. `kind` 0: not admitted; `succeededAt` 0: not
    /// succeeded; it may still be to come.
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
        );

    /// @notice 0 not admitted, 1 department, 2 service operator.
    function kindOf(bytes32 code) external view returns (uint8);

    /// @notice The member's administrative division (GB/T 2260); 0 if it isn't admitted.
    function divisionOf(bytes32 code) external view returns (uint32);

    /// @notice Who carries `what` of `code` now: itself, or the last of its successors whose time has come.
    /// @param what As in `Part`; 0 for what no part names.
    function carrierOf(bytes32 code, bytes32 what) external view returns (bytes32);

    /// @notice Whose successor the department is, or will be, in whole or in part.
    function predecessorsOf(bytes32 code) external view returns (bytes32[] memory);

    /// @notice The Council: the owner.
    function council() external view returns (address);

    /// @notice Whether the Council has paused grants, admissions and openings. Never, where it is no contract.
    function isPaused() external view returns (bool);

    /// @notice Whether the department is suspended now.
    function isSuspended(bytes32 code) external view returns (bool);

    /// @notice The accreditations of an issuer for a type, oldest first; then those by succession, which begin with it.
    function accreditations(bytes32 issuer, bytes32 typeCode) external view returns (Accreditation[] memory);

    /// @notice Whether the issuer was admitted, not succeeded, not suspended, and accredited for the type at `time`.
    function isRecognised(bytes32 issuer, bytes32 typeCode, uint64 time) external view returns (bool);

    /// @notice The competent department of a type, or who carries that now; zero if the type isn't defined.
    function competentFor(bytes32 typeCode) external view returns (bytes32);

    /// @notice What is recorded of an operator; `roles` is 0 once it was ended, not yet at its `until`.
    function operatorOf(address operator)
        external
        view
        returns (bytes32 department, uint32 roles, uint64 until, bytes32 personHash);

    /// @notice The department for which `operator` acts now with every bit of `role`; reverts if there is none, or if the
    /// department was succeeded.
    function requireOperator(address operator, uint32 role) external view returns (bytes32 department);

    /// @notice The same with the person behind the operator: two acts are by two people if these differ and neither is
    /// zero (a machine).
    function actor(address operator, uint32 role) external view returns (bytes32 department, bytes32 personHash);
}
