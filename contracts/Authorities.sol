// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Divisions} from "./libraries/Divisions.sol";

/// @title Authorities: see IAuthorities.
contract Authorities is IAuthorities {
    uint8 private constant LAST_DOMAIN = 3;
    uint8 private constant DEPARTMENT = 1;

    IDepartments private immutable _departments;
    mapping(uint8 domain => mapping(uint32 division => bytes32 department)) private _set;

    constructor(IDepartments departments_) {
        _departments = departments_;
    }

    /// @inheritdoc IAuthorities
    function setAuthority(uint8 domain, uint32 division, bytes32 department, bytes32 basis) external returns (bool) {
        require(msg.sender == _departments.council(), Authorities_NotCouncil(msg.sender));
        require(domain != 0 && domain <= LAST_DOMAIN, Authorities_DomainUnknown(domain));
        require(Divisions.isDivision(division), Authorities_DivisionInvalid(division));
        require(
            department == 0 || _departments.kindOf(department) == DEPARTMENT, Authorities_NotDepartment(department)
        );
        if (_set[domain][division] == department) return false;
        _set[domain][division] = department;
        emit AuthoritySet(domain, division, department, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IAuthorities
    function authorityFor(uint8 domain, uint32 division) external view returns (bytes32) {
        return _climb(domain, division);
    }

    /// @inheritdoc IAuthorities
    function commonAuthority(uint8 domain, uint32 a, uint32 b) external view returns (bytes32) {
        return _climb(domain, Divisions.common(a, b));
    }

    /// @inheritdoc IAuthorities
    function authorityAt(uint8 domain, uint32 division) external view returns (bytes32) {
        return _set[domain][division];
    }

    function _climb(uint8 domain, uint32 division) private view returns (bytes32) {
        for (; division != 0; division = Divisions.above(division)) {
            bytes32 department = _set[domain][division];
            if (department != 0) return _departments.carrierOf(department, 0);
        }
        return 0;
    }
}
