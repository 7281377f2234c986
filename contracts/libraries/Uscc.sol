// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Unified social credit codes (GB 32100), with the inner organisation code's check (GB 11714).
/// @dev Left-aligned in bytes32. Runs once per department and log, so clarity goes before gas.
library Uscc {
    uint8 internal constant OK = 0;
    uint8 internal constant LENGTH = 1;
    uint8 internal constant CHARACTER = 2;
    uint8 internal constant DIVISION = 3;
    uint8 internal constant CHECK = 4;
    uint8 internal constant INNER_CHECK = 5;
    uint8 internal constant SEQUENCE = 6;

    /// @dev 0-9, A-Z without I, O, S, V, Z: a character's place is its value modulo 31.
    bytes private constant ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    /// @dev 3^i mod 31.
    bytes private constant WEIGHTS = hex"0103091b131a1011141d190d08180a1e1c";
    bytes private constant INNER_WEIGHTS = hex"0307090a05080402";

    /// @notice 0, or the first reason why the 32 bytes aren't a code.
    function check(bytes32 code) internal pure returns (uint8) {
        if (code[17] == 0 || uint256(code) << 144 != 0) return LENGTH;
        uint256 sum = 0;
        for (uint256 i = 0; i < 18; ++i) {
            uint256 value = _value(code[i]);
            if (value == 31) return CHARACTER;
            if (i < 17) sum += value * uint8(WEIGHTS[i]);
        }
        for (uint256 i = 2; i < 8; ++i) {
            if (code[i] > "9") return DIVISION;
        }
        if (_value(code[17]) != (31 - (sum % 31)) % 31) return CHECK;
        return _innerCheck(code) == code[16] ? OK : INNER_CHECK;
    }

    /// @notice 0, or the first reason why the 32 bytes aren't a type code: the authority's code and three digits.
    function checkType(bytes32 typeCode) internal pure returns (uint8) {
        if (typeCode[20] == 0 || uint256(typeCode) << 168 != 0) return LENGTH;
        uint8 reason = check(typeCode & bytes32(~uint256(type(uint112).max)));
        if (reason != OK) return reason;
        for (uint256 i = 18; i < 21; ++i) {
            if (typeCode[i] < "0" || typeCode[i] > "9") return SEQUENCE;
        }
        return OK;
    }

    /// @dev The character that belongs after the organisation code's eight; letters count from A = 10.
    function _innerCheck(bytes32 code) private pure returns (bytes1) {
        uint256 sum = 0;
        for (uint256 i = 0; i < 8; ++i) {
            uint256 char = uint8(code[8 + i]);
            sum += (char <= 0x39 ? char - 0x30 : char - 0x37) * uint8(INNER_WEIGHTS[i]);
        }
        uint256 digit = 11 - (sum % 11);
        if (digit == 10) return "X";
        return digit == 11 ? bytes1("0") : bytes1(uint8(0x30 + digit));
    }

    /// @dev 31 for a character outside the alphabet.
    function _value(bytes1 char) private pure returns (uint256 value) {
        bytes memory alphabet = ALPHABET;
        while (value < 31 && alphabet[value] != char) ++value;
    }
}
