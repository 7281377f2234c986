// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Calendar, authorities and catalogue in one, as the sharing contracts ask them; tests set what they answer.
/// @dev A working day is a day here, in UTC, plus `slip` days for a calendar that was changed.
contract FakeSharingPlaces {
    struct Resource {
        bytes32 provider;
        uint8 sharingClass;
        uint8 state;
    }

    uint64 public slip;
    mapping(bytes32 => Resource) private _resources;
    mapping(uint8 domain => mapping(uint32 division => bytes32)) private _own;
    mapping(uint8 domain => mapping(uint32 a => mapping(uint32 b => bytes32))) private _common;

    function setSlip(uint64 days_) external returns (bool) {
        slip = days_;
        return true;
    }

    function setResource(bytes32 code, bytes32 provider, uint8 sharingClass, uint8 state) external returns (bool) {
        _resources[code] = Resource(provider, sharingClass, state);
        return true;
    }

    function setAuthority(uint8 domain, uint32 a, uint32 b, bytes32 department) external {
        if (a == b) _own[domain][a] = department;
        _common[domain][a][b] = department;
        _common[domain][b][a] = department;
    }

    function deadline(uint64 start, uint16 workingDays) external view returns (uint64) {
        return (start / 1 days + 1 + workingDays + slip) * 1 days;
    }

    function authorityFor(uint8 domain, uint32 division) external view returns (bytes32) {
        return _own[domain][division];
    }

    function commonAuthority(uint8 domain, uint32 a, uint32 b) external view returns (bytes32) {
        return _common[domain][a][b];
    }

    function resource(bytes32 code) external view returns (bytes32, uint8, uint8, uint8, uint16, bytes32) {
        Resource storage found = _resources[code];
        return (found.provider, found.sharingClass, 1, found.state, 1, 0);
    }
}
