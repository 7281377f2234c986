// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Authorities: which department is in charge of what, in which administrative division.
/// @notice Divisions are GB/T 2260 codes, six digits: county PPCCXX, prefecture PPCC00, province PP0000. A county whose
/// middle digits are 90 lies directly under its province (429004 under 420000).
///
/// Domains: 1 SHARING, the sharing authority (政务数据共享主管部门); 2 VETERANS, the veterans' authority (退役军人工作主管
/// 部门); 3 GOVERNMENT, the government that decides last.
interface IAuthorities {
    /// @notice `department` is the authority of the domain in the division from this block on; zero: none is.
    event AuthoritySet(
        uint8 indexed domain,
        uint32 indexed division,
        bytes32 indexed department,
        address operator,
        bytes32 basis
    );

    /// @dev Only the Council sets authorities.
    error Authorities_NotCouncil(address account);
    /// @dev Domains are 1 to 3.
    error Authorities_DomainUnknown(uint8 domain);
    /// @dev Not six digits, or no province's.
    error Authorities_DivisionInvalid(uint32 division);
    /// @dev Not an admitted department; a service operator is none.
    error Authorities_NotDepartment(bytes32 department);

    /// @notice Names the authority of a domain in a division, or with zero removes it. Council only. False if it is
    /// that one already.
    /// @param basis Commitment of the entry that holds the government's decision, or zero.
    function setAuthority(uint8 domain, uint32 division, bytes32 department, bytes32 basis) external returns (bool);

    /// @notice The authority for a division: its own, or the first one above it, county → prefecture → province; zero if
    /// there is none. A succeeded department is replaced by the one that carries it now.
    function authorityFor(uint8 domain, uint32 division) external view returns (bytes32);

    /// @notice The lowest authority at or above both divisions; zero if there is none, as between two provinces.
    function commonAuthority(uint8 domain, uint32 a, uint32 b) external view returns (bytes32);

    /// @notice What was set for just this division, successions left aside; zero if nothing.
    function authorityAt(uint8 domain, uint32 division) external view returns (bytes32);
}
