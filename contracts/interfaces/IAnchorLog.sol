// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AnchorLog: the tree heads of the departments' logs, append-only by proof.
/// @notice A log is named by `logId` = SHA-256("chuzheng/log/v1"0 || origin). Trees are those of RFC 9162 with SHA-256.
/// When a size was anchored is told by the block of its event.
interface IAnchorLog {
    /// @notice A department opened a log; its head has size 0.
    event LogOpened(bytes32 indexed logId, bytes32 indexed department, string origin);
    /// @notice The log's head is now `root` over `size` entries.
    event Anchored(bytes32 indexed logId, bytes32 indexed department, uint64 size, bytes32 root);

    /// @dev The network name doesn't match `[a-z0-9][a-z0-9-]{0,31}`.
    error AnchorLog_NetworkInvalid(string network);
    /// @dev Not `chuzheng/N/C` or `chuzheng/N/C/S` (formats.md §4), or C isn't a unified social credit code.
    error AnchorLog_OriginInvalid(string origin);
    /// @dev The origin names another network than `network`.
    error AnchorLog_OtherNetwork(string origin, string network);
    /// @dev The log, or the origin, is of `owner`; the caller acts for `department`.
    error AnchorLog_NotOwner(bytes32 logId, bytes32 owner, bytes32 department);
    /// @dev A suspended department opens no logs.
    error AnchorLog_DepartmentSuspended(bytes32 department);
    /// @dev No such log was opened.
    error AnchorLog_LogUnknown(bytes32 logId);
    /// @dev The head has `headSize` entries already, and `size` was never anchored.
    error AnchorLog_SizeBehind(bytes32 logId, uint64 headSize, uint64 size);
    /// @dev This size was anchored with the root `known`: the log signed two trees.
    error AnchorLog_RootDiffers(bytes32 logId, uint64 size, bytes32 known, bytes32 given);
    /// @dev The proof doesn't show that the tree of `size` extends the head of `headSize` (size 0: an empty proof).
    error AnchorLog_ProofInvalid(bytes32 logId, uint64 headSize, uint64 size);

    /// @notice Opens the log of an origin. By an operator with ANCHOR of the origin's department. A log opened already
    /// is left as it is.
    function openLog(string calldata origin) external returns (bytes32 logId);

    /// @notice Anchors a tree head. By an operator with ANCHOR of the log's owner. False if (size, root) is anchored,
    /// also below the head.
    /// @param proof RFC 9162 consistency proof from the head's size to `size`; empty for the first.
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata proof) external returns (bool);

    /// @notice The network's name, as origins write it.
    function network() external view returns (string memory);

    /// @notice Size and root of the newest anchor; zeros before the first, and for a log that isn't opened.
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root);

    /// @notice The root anchored for `size`, or zero.
    function anchoredRoot(bytes32 logId, uint64 size) external view returns (bytes32);

    /// @notice The department of the log; zero if it isn't opened.
    function ownerOf(bytes32 logId) external view returns (bytes32);

    /// @notice Whether the 92-byte entry is the one at `index` of the anchored tree of `size`. False too for an entry
    /// of another version, length or issuer than the log's owner, and for a size that isn't anchored.
    function isIncluded(bytes32 logId, uint64 size, uint64 index, bytes calldata entry, bytes32[] calldata path)
        external
        view
        returns (bool);
}
