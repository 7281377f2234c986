// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A decision's head: all but basis and successor in one word.
/// | 0 4 | code 1 | cause 2 | effectiveFrom 5 | until 5 | ends 4 | byOther 1 | recordedAt 5 | annulledAt 5 |
/// @dev Packed by hand: one slot read for each earlier decision and one written keep a later decision under its limit
/// of gas. A head is never zero, as codes begin at 1. Times of 40 bits last to the year 36812.
library Heads {
    uint256 private constant CODE_AT = 216;
    uint256 private constant CAUSE_AT = 200;
    uint256 private constant EFFECTIVE_AT = 160;
    uint256 private constant UNTIL_AT = 120;
    uint256 private constant ENDS_AT = 88;
    uint256 private constant RECORDED_AT = 40;
    /// @dev Flag: another department than the owner decided.
    uint256 private constant BY_OTHER = 1 << 80;

    /// @notice A head without recordedAt and annulledAt: what two sendings of one decision have in common. The caller
    /// has seen to it that the times fit in 40 bits.
    function content(uint8 code_, uint16 cause_, uint64 effectiveFrom_, uint64 until_, uint32 ends_, bool byOther_)
        internal
        pure
        returns (uint256)
    {
        return (uint256(code_) << CODE_AT) | (uint256(cause_) << CAUSE_AT) | (uint256(effectiveFrom_) << EFFECTIVE_AT)
            | (uint256(until_) << UNTIL_AT) | (uint256(ends_) << ENDS_AT) | (byOther_ ? BY_OTHER : 0);
    }

    /// @notice The head of `content_`, recorded now.
    function recorded(uint256 content_) internal view returns (uint256) {
        return content_ | (block.timestamp << RECORDED_AT);
    }

    /// @notice The head of `content_` with the times that it was recorded and annulled at elsewhere.
    function withTimes(uint256 content_, uint64 recordedAt_, uint64 annulledAt_) internal pure returns (uint256) {
        return content_ | (uint256(recordedAt_) << RECORDED_AT) | annulledAt_;
    }

    /// @notice The head, annulled now; it mustn't be already.
    function annulled(uint256 head) internal view returns (uint256) {
        return head | block.timestamp;
    }

    function hasContent(uint256 head, uint256 content_) internal pure returns (bool) {
        return (head ^ content_) >> 80 == 0;
    }

    function code(uint256 head) internal pure returns (uint8) {
        return uint8(head >> CODE_AT);
    }

    function cause(uint256 head) internal pure returns (uint16) {
        return uint16(head >> CAUSE_AT);
    }

    function effectiveFrom(uint256 head) internal pure returns (uint40) {
        return uint40(head >> EFFECTIVE_AT);
    }

    function until(uint256 head) internal pure returns (uint40) {
        return uint40(head >> UNTIL_AT);
    }

    function ends(uint256 head) internal pure returns (uint32) {
        return uint32(head >> ENDS_AT);
    }

    function byOther(uint256 head) internal pure returns (bool) {
        return head & BY_OTHER != 0;
    }

    function recordedAt(uint256 head) internal pure returns (uint40) {
        return uint40(head >> RECORDED_AT);
    }

    function annulledAt(uint256 head) internal pure returns (uint40) {
        return uint40(head);
    }
}
