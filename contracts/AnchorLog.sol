// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {Entries} from "./libraries/Entries.sol";
import {Origins} from "./libraries/Origins.sol";
import {Rfc9162} from "./libraries/Rfc9162.sol";

/// @title AnchorLog: see IAnchorLog. Append-only is enforced here, not promised.
contract AnchorLog is IAnchorLog {
    uint32 private constant ANCHOR = 1;

    /// | owner 18 | size 8 | one slot, changed by each anchor
    struct Log {
        bytes18 owner;
        uint64 size;
    }

    IDepartments private immutable _departments;
    /// @dev At most 32 characters, left-aligned.
    bytes32 private immutable _network;

    mapping(bytes32 logId => Log) private _logs;
    /// @dev The only new slot of an anchor.
    mapping(bytes32 logId => mapping(uint64 size => bytes32)) private _roots;

    constructor(IDepartments departments_, string memory network_) {
        require(Origins.isName(bytes(network_)), AnchorLog_NetworkInvalid(network_));
        _departments = departments_;
        _network = bytes32(bytes(network_));
    }

    /// @inheritdoc IAnchorLog
    function openLog(string calldata origin) external returns (bytes32 logId) {
        bytes32 department = _departments.requireOperator(msg.sender, ANCHOR);
        (bool ok, bytes32 network_, bytes32 issuer) = Origins.parse(origin);
        require(ok, AnchorLog_OriginInvalid(origin));
        require(network_ == _network, AnchorLog_OtherNetwork(origin, network()));
        logId = Origins.logId(origin);
        require(issuer == department, AnchorLog_NotOwner(logId, issuer, department));
        if (_logs[logId].owner != 0) return logId;
        require(!_departments.isSuspended(department), AnchorLog_DepartmentSuspended(department));
        _logs[logId].owner = bytes18(department);
        emit LogOpened(logId, department, origin);
    }

    /// @inheritdoc IAnchorLog
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata proof) external returns (bool) {
        bytes32 department = _departments.requireOperator(msg.sender, ANCHOR);
        Log memory log = _logs[logId];
        if (log.owner != bytes18(department)) {
            require(log.owner != 0, AnchorLog_LogUnknown(logId));
            revert AnchorLog_NotOwner(logId, bytes32(log.owner), department);
        }
        mapping(uint64 => bytes32) storage roots = _roots[logId];
        bytes32 known = roots[size];
        if (known != 0) {
            require(known == root, AnchorLog_RootDiffers(logId, size, known, root));
            return false;
        }
        // A root of zero would be one that is not there; size 0 is never above the head.
        require(size > log.size, AnchorLog_SizeBehind(logId, log.size, size));
        bool extends_ = log.size == 0
            ? proof.length == 0 && root != 0
            : Rfc9162.isConsistent(log.size, size, roots[log.size], root, proof);
        require(extends_, AnchorLog_ProofInvalid(logId, log.size, size));
        roots[size] = root;
        _logs[logId].size = size;
        emit Anchored(logId, department, size, root);
        return true;
    }

    /// @inheritdoc IAnchorLog
    function network() public view returns (string memory) {
        uint256 length = 0;
        while (length < 32 && _network[length] != 0) ++length;
        bytes memory name = new bytes(length);
        for (uint256 i = 0; i < length; ++i) name[i] = _network[i];
        return string(name);
    }

    /// @inheritdoc IAnchorLog
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root) {
        size = _logs[logId].size;
        root = _roots[logId][size];
    }

    /// @inheritdoc IAnchorLog
    function anchoredRoot(bytes32 logId, uint64 size) external view returns (bytes32) {
        return _roots[logId][size];
    }

    /// @inheritdoc IAnchorLog
    function ownerOf(bytes32 logId) external view returns (bytes32) {
        return bytes32(_logs[logId].owner);
    }

    /// @inheritdoc IAnchorLog
    function isIncluded(bytes32 logId, uint64 size, uint64 index, bytes calldata entry, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        bytes32 known = _roots[logId][size];
        if (known == 0 || !Entries.isEntry(entry) || Entries.issuer(entry) != _logs[logId].owner) return false;
        (bool ok, bytes32 root) = Rfc9162.rootFromInclusion(index, size, Rfc9162.leafHash(entry), path);
        return ok && root == known;
    }
}
