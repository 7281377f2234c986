// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Public keys as departments use them: raw bytes, formats.md §10.
/// @notice Suite 1: Ed25519 to sign, X25519 to wrap, 32 bytes. Suites 2 (P-256) and 3 (SM2): 65 bytes `04 || x || y`, a
/// point of that suite's own curve, so that a P-256 key can't go by the name of SM2. Compressed and hybrid points are
/// refused. Whether 32 bytes are a point of their curve isn't computed here.
library PublicKeys {
    uint8 internal constant OK = 0;
    uint8 internal constant SUITE = 1;
    uint8 internal constant LENGTH = 2;
    uint8 internal constant FORM = 3;
    uint8 internal constant POINT = 4;

    uint256 private constant P256_P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
    uint256 private constant P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b;
    uint256 private constant SM2_P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff;
    uint256 private constant SM2_B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93;

    /// @notice 0, or the first reason why the bytes aren't a public key of the suite.
    function check(uint8 suite, bytes calldata key) internal pure returns (uint8) {
        if (suite == 1) {
            if (key.length != 32) return LENGTH;
            return bytes32(key) == 0 ? POINT : OK;
        }
        if (suite != 2 && suite != 3) return SUITE;
        if (key.length != 65) return LENGTH;
        if (key[0] != 0x04) return FORM;
        (uint256 x, uint256 y) = (uint256(bytes32(key[1:33])), uint256(bytes32(key[33:65])));
        return suite == 2 ? _onCurve(x, y, P256_P, P256_B) : _onCurve(x, y, SM2_P, SM2_B);
    }

    /// @dev y² = x³ - 3x + b (mod p): both curves have a = -3.
    function _onCurve(uint256 x, uint256 y, uint256 p, uint256 b) private pure returns (uint8) {
        if (x >= p || y >= p) return POINT;
        uint256 right = addmod(mulmod(mulmod(x, x, p), x, p), addmod(b, mulmod(p - 3, x, p), p), p);
        return mulmod(y, y, p) == right ? OK : POINT;
    }
}
