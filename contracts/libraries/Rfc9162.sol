// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 Merkle proofs with SHA-256.
/// @dev Nodes are hashed in assembly in 65 bytes of scratch beyond the free memory pointer: a proof of 25 nodes would
/// otherwise cost twice as much. The precompile can't fail but for want of gas, and then the call reverts.
library Rfc9162 {
    /// @notice H(0x00 || entry), RFC 9162 §2.1.1.
    function leafHash(bytes calldata entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    /// @notice H(0x00 || data) of 32 bytes: leaves of a record's fields (formats.md §2).
    function leafHash(bytes32 data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), data));
    }

    /// @notice H(0x01 || left || right), RFC 9162 §2.1.1.
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore8(p, 1)
            mstore(add(p, 1), left)
            mstore(add(p, 33), right)
            if iszero(staticcall(gas(), 2, p, 65, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice Root that an inclusion proof leads to, RFC 9162 §2.1.3.2.
    /// @return ok False if the path's length isn't the one for (index, size), or index >= size; `root` is 0 then.
    function rootFromInclusion(uint64 index, uint64 size, bytes32 leaf, bytes32[] calldata path)
        internal
        view
        returns (bool ok, bytes32 root)
    {
        if (index >= size) return (false, 0);
        uint256 fn = index;
        uint256 sn = uint256(size) - 1;
        root = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            if (sn == 0) return (false, 0);
            if (fn & 1 == 1 || fn == sn) {
                root = nodeHash(path[i], root);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                root = nodeHash(root, path[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        if (sn != 0) return (false, 0);
        return (true, root);
    }

    /// @notice Whether the tree (size1, root1) is a prefix of (size2, root2), RFC 9162 §2.1.4.2.
    /// @dev size1 = 0 is false: it would prove nothing. Equal sizes need equal roots and an empty proof.
    function isConsistent(uint64 size1, uint64 size2, bytes32 root1, bytes32 root2, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (size1 == 0 || size1 > size2) return false;
        if (size1 == size2) return proof.length == 0 && root1 == root2;
        uint256 length = proof.length;
        if (length == 0) return false;

        uint256 fn = uint256(size1) - 1;
        uint256 sn = uint256(size2) - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        bytes32 fr;
        bytes32 sr;
        uint256 i = 0;
        // A full tree is its own first node, which the proof leaves out.
        if (fn == 0) {
            fr = root1;
        } else {
            fr = proof[0];
            i = 1;
        }
        sr = fr;
        for (; i < length; ++i) {
            if (sn == 0) return false;
            bytes32 node = proof[i];
            if (fn & 1 == 1 || fn == sn) {
                fr = nodeHash(node, fr);
                sr = nodeHash(node, sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = nodeHash(sr, node);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == root1 && sr == root2;
    }
}
