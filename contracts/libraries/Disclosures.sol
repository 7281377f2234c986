// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICertificateStatus} from "../interfaces/ICertificateStatus.sol";
import {Entries} from "./Entries.sol";
import {Rfc9162} from "./Rfc9162.sol";

/// @title One shown member of a record (formats.md §2).
library Disclosures {
    /// @notice Whether `type` with this value, under its salt, leads by the record's commitment to the status key.
    /// @dev The member is built here, so that nothing but `type` can be shown for a type. A code that JSON would escape
    /// can't be that of a defined type.
    function leadsTo(bytes32 key, ICertificateStatus.TypeProof calldata proof) internal view returns (bool) {
        bytes18 issuer = bytes18(proof.issuer);
        bytes21 typeCode = bytes21(proof.typeCode);
        if (bytes32(issuer) != proof.issuer || bytes32(typeCode) != proof.typeCode) return false;
        if (Entries.statusKey(issuer, proof.commitment) != key) return false;
        bytes32 digest =
            sha256(abi.encodePacked("chuzheng/field/v1", bytes1(0), proof.salt, '["type","', typeCode, '"]'));
        (bool ok, bytes32 root) = Rfc9162.rootFromInclusion(proof.i, proof.n, Rfc9162.leafHash(digest), proof.path);
        return ok && sha256(abi.encodePacked("chuzheng/record/v1", bytes1(0), proof.n, root)) == proof.commitment;
    }
}
