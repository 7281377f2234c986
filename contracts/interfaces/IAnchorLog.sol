// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AnchorLog: the tree heads of the departments' logs, append-only by proof.
/// @notice A log is named by `logId` = SHA-256("chuzheng/log/v1"0 || origin). Trees are those of RFC 9162 with SHA-256.
/// When a size was anchored is told by the block of its event. A `basis` is the `commitment_sha256` of the act's own
/// entry, or zero.
///
/// Closing. Where a department's key was stolen, the Council closes its log at the last good size. What was anchored
/// above that counts as not recorded: every view but `writtenRoot` answers as if it had never been, and nothing more is
/// anchored. The department opens a new shard, whose first entry (kind 7) holds the last good checkpoint, and anchors
/// the good entries again. A closed log can be closed at a smaller size, never at a larger one.
///
/// Moving. The Council retires a contract and names its successor, one made with the address of the old one. From then
/// on only the successor takes anchors, for each log after `carry` has taken over owner, size, root and closing;
/// earlier roots are still answered, by way of the old one. A log that isn't carried yet is told as the old one tells it.
///
/// Succession (机构改革). Who succeeded a department anchors nothing in its logs, and its own operators are refused:
/// these logs are closed without an act (see IDepartments).
interface IAnchorLog {
    /// @notice A department opened a log; its head has size 0.
    event LogOpened(bytes32 indexed logId, bytes32 indexed department, string origin, address operator);
    /// @notice The log's head is now `root` over `size` entries.
    event Anchored(bytes32 indexed logId, bytes32 indexed department, uint64 size, bytes32 root);
    /// @notice The Council closed the log of `department`: anchors of sizes above `lastGoodSize` count as not recorded.
    event LogClosed(
        bytes32 indexed logId,
        bytes32 indexed department,
        uint64 lastGoodSize,
        address operator,
        bytes32 basis
    );
    /// @notice The Council retired this contract: from this block on only `successor` opens logs and takes anchors.
    event Retired(address indexed successor, address operator, bytes32 basis);
    /// @notice The log was taken over from `previous`, with its owner, head and closing.
    event LogCarried(
        bytes32 indexed logId,
        bytes32 indexed department,
        address indexed previous,
        uint64 size,
        bytes32 root,
        bool closed,
        address operator
    );

    /// @dev The network name doesn't match `[a-z0-9][a-z0-9-]{0,31}`.
    error AnchorLog_NetworkInvalid(string network);
    /// @dev The previous contract isn't an AnchorLog of this network, or has too many before it.
    error AnchorLog_PreviousInvalid(address previous);
    /// @dev Only the Council may do this.
    error AnchorLog_NotCouncil(address account);
    /// @dev Not `chuzheng/N/C` or `chuzheng/N/C/S` (formats.md §4), or C isn't a unified social credit code.
    error AnchorLog_OriginInvalid(string origin);
    /// @dev The origin names another network than `network`.
    error AnchorLog_OtherNetwork(string origin, string network);
    /// @dev The log, or the origin, is of `owner`; the caller acts for `department`.
    error AnchorLog_NotOwner(bytes32 logId, bytes32 owner, bytes32 department);
    /// @dev A suspended department opens no logs.
    error AnchorLog_DepartmentSuspended(bytes32 department);
    /// @dev The Council's pause stops openings.
    error AnchorLog_Paused();
    /// @dev No such log was opened.
    error AnchorLog_LogUnknown(bytes32 logId);
    /// @dev The head has `headSize` entries already, and `size` was never anchored.
    error AnchorLog_SizeBehind(bytes32 logId, uint64 headSize, uint64 size);
    /// @dev This size was anchored with the root `known`: the log signed two trees.
    error AnchorLog_RootDiffers(bytes32 logId, uint64 size, bytes32 known, bytes32 given);
    /// @dev The proof doesn't show that the tree of `size` extends the head of `headSize` (size 0: an empty proof).
    error AnchorLog_ProofInvalid(bytes32 logId, uint64 headSize, uint64 size);
    /// @dev The log was closed at `lastGoodSize`; it can't be closed at a larger size, and takes no anchors.
    error AnchorLog_LogClosed(bytes32 logId, uint64 lastGoodSize);
    /// @dev A log is closed at a size that is anchored, or at 0.
    error AnchorLog_SizeNotAnchored(bytes32 logId, uint64 size);
    /// @dev The contract is retired: `successor` takes its place.
    error AnchorLog_Retired(address successor);
    /// @dev The successor must be an AnchorLog made with this one's address.
    error AnchorLog_SuccessorInvalid(address successor);
    /// @dev The previous contract isn't retired in favour of this one; it names `successor` (zero: it is in force).
    error AnchorLog_NotInForce(address previous, address successor);
    /// @dev The log is still to be taken over from the previous contract (`carry`, by anyone).
    error AnchorLog_NotCarried(bytes32 logId, address previous);

    /// @notice Opens the log of an origin. By an operator with ANCHOR of the origin's department, not while paused. A
    /// log opened already is left as it is; one that the previous contract has is taken over, as by `carry`.
    function openLog(string calldata origin) external returns (bytes32 logId);

    /// @notice Anchors a tree head. By an operator with ANCHOR of the log's owner. False if (size, root) is anchored,
    /// also below the head. Neither a pause nor a suspension stops it.
    /// @param proof RFC 9162 consistency proof from the head's size to `size`; empty for the first.
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata proof) external returns (bool);

    /// @notice Closes a log at an anchored size, or at 0. Council only. False if it is closed at that size.
    function closeLog(bytes32 logId, uint64 lastGoodSize, bytes32 basis) external returns (bool);

    /// @notice Retires this contract in favour of `successor`, for good. Council only. False if that stands already.
    function retire(address successor, bytes32 basis) external returns (bool);

    /// @notice Takes over logs from the previous contract, which must be retired in favour of this one. By anyone; those
    /// taken over already count nothing.
    /// @return carried How many were new.
    function carry(bytes32[] calldata logIds) external returns (uint256 carried);

    /// @notice The network's name, as origins write it.
    function network() external view returns (string memory);

    /// @notice The contract that this one follows; zero for the first.
    function previous() external view returns (address);

    /// @notice Which of its line this contract is; 1 for the first, at most 16.
    function version() external view returns (uint8);

    /// @notice The contract that takes this one's place; zero while it is in force.
    function successor() external view returns (address);

    /// @notice A log as it stands: owner (zero if it isn't opened), newest anchor that counts, and whether it is closed.
    function logOf(bytes32 logId) external view returns (bytes32 owner, uint64 size, bytes32 root, bool closed);

    /// @notice Size and root of the newest anchor that counts; zeros before the first, and for a log that isn't opened.
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root);

    /// @notice The root anchored for `size`, or zero.
    function anchoredRoot(bytes32 logId, uint64 size) external view returns (bytes32);

    /// @notice The root that was once anchored for `size`, or zero: what a closing struck out too. For auditors; nothing
    /// is proven by it.
    function writtenRoot(bytes32 logId, uint64 size) external view returns (bytes32);

    /// @notice The department of the log; zero if it isn't opened.
    function ownerOf(bytes32 logId) external view returns (bytes32);

    /// @notice Whether the 92-byte entry is the one at `index` of the anchored tree of `size`. False too for an entry
    /// of another version, length or issuer than the log's owner, and for a size that isn't anchored.
    function isIncluded(bytes32 logId, uint64 size, uint64 index, bytes calldata entry, bytes32[] calldata path)
        external
        view
        returns (bool);
}
