// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Origins} from "../libraries/Origins.sol";
import {Rfc9162} from "../libraries/Rfc9162.sol";
import {Uscc} from "../libraries/Uscc.sol";

/// @title Tests only: the libraries, callable one by one.
contract MerkleHarness {
    function nodeHash(bytes32 left, bytes32 right) external view returns (bytes32) {
        return Rfc9162.nodeHash(left, right);
    }

    function leafHash(bytes calldata entry) external pure returns (bytes32) {
        return Rfc9162.leafHash(entry);
    }

    function rootFromInclusion(uint64 index, uint64 size, bytes32 leaf, bytes32[] calldata path)
        external
        view
        returns (bool ok, bytes32 root)
    {
        return Rfc9162.rootFromInclusion(index, size, leaf, path);
    }

    function isConsistent(uint64 size1, uint64 size2, bytes32 root1, bytes32 root2, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return Rfc9162.isConsistent(size1, size2, root1, root2, proof);
    }

    function checkDepartment(bytes32 code) external pure returns (uint8) {
        return Uscc.check(code);
    }

    function checkType(bytes32 typeCode) external pure returns (uint8) {
        return Uscc.checkType(typeCode);
    }

    function parseOrigin(string calldata origin) external pure returns (bool ok, bytes32 network, bytes32 issuer) {
        return Origins.parse(origin);
    }

    function logId(string calldata origin) external pure returns (bytes32) {
        return Origins.logId(origin);
    }
}
