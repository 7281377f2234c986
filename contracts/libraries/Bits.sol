// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Counting and finding ones in a word.
library Bits {
    /// @dev Ones in a word, added up in lanes of 2, 4, 8 and 16 bits: 256 doesn't fit 8.
    function count(uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 fives = type(uint256).max / 3;
            uint256 threes = type(uint256).max / 5;
            word -= (word >> 1) & fives;
            word = (word & threes) + ((word >> 2) & threes);
            word = (word + (word >> 4)) & (type(uint256).max / 17);
            uint256 bytesOfTwo = type(uint256).max / 257;
            word = (word & bytesOfTwo) + ((word >> 8) & bytesOfTwo);
            return (word * (type(uint256).max / 65_535)) >> 240;
        }
    }

    /// @notice Place of the n-th one from the lowest, n from 1; there must be as many.
    function place(uint256 word, uint256 n) internal pure returns (uint256) {
        unchecked {
            for (; n > 1; --n) word &= word - 1;
            return Math.log2(word & (~word + 1));
        }
    }
}
