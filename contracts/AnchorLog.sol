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
    /// @dev An old root is asked of one version after the other: so many that nobody runs out of them, few enough that
    /// the asking always ends.
    uint8 private constant VERSIONS = 16;

    /// | owner 18 | size 8 | closed 1 | carried 1 | one slot, changed by each anchor
    /// @dev `size` is that of the newest anchor that counts: a closing sets it back. `carried`: smaller sizes may be in
    /// the previous contract.
    struct Log {
        bytes18 owner;
        uint64 size;
        bool closed;
        bool carried;
    }

    IDepartments private immutable _departments;
    /// @dev At most 32 characters, left-aligned.
    bytes32 private immutable _network;
    IAnchorLog private immutable _previous;
    /// @inheritdoc IAnchorLog
    uint8 public immutable version;

    mapping(bytes32 logId => Log) private _logs;
    /// @dev The only new slot of an anchor. Above the size of a closed log they count no more.
    mapping(bytes32 logId => mapping(uint64 size => bytes32)) private _roots;
    /// @inheritdoc IAnchorLog
    address public successor;

    /// @param previous_ The AnchorLog that this one follows; zero for the first.
    constructor(IDepartments departments_, string memory network_, IAnchorLog previous_) {
        require(Origins.isName(bytes(network_)), AnchorLog_NetworkInvalid(network_));
        _departments = departments_;
        _network = bytes32(bytes(network_));
        _previous = previous_;
        version = address(previous_) == address(0) ? 1 : _versionAfter(previous_, network_);
    }

    modifier onlyCouncil() {
        require(msg.sender == _departments.council(), AnchorLog_NotCouncil(msg.sender));
        _;
    }

    // Departments

    /// @inheritdoc IAnchorLog
    function openLog(string calldata origin) external returns (bytes32 logId) {
        bytes32 department = _departments.requireOperator(msg.sender, ANCHOR);
        (bool ok, bytes32 network_, bytes32 issuer) = Origins.parse(origin);
        require(ok, AnchorLog_OriginInvalid(origin));
        require(network_ == _network, AnchorLog_OtherNetwork(origin, network()));
        logId = Origins.logId(origin);
        require(issuer == department, AnchorLog_NotOwner(logId, issuer, department));
        if (_logs[logId].owner != 0) return logId;
        require(successor == address(0), AnchorLog_Retired(successor));
        if (address(_previous) != address(0)) {
            // Before the previous one is retired it might open the same log itself.
            _requireNamed();
            if (_previous.ownerOf(logId) != 0) {
                _carry(logId);
                return logId;
            }
        }
        require(!_departments.isPaused(), AnchorLog_Paused());
        require(!_departments.isSuspended(department), AnchorLog_DepartmentSuspended(department));
        _logs[logId].owner = bytes18(department);
        emit LogOpened(logId, department, origin, msg.sender);
    }

    /// @inheritdoc IAnchorLog
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata proof) external returns (bool) {
        bytes32 department = _departments.requireOperator(msg.sender, ANCHOR);
        Log memory log = _logs[logId];
        if (log.owner != bytes18(department)) {
            _requireHere(logId, log);
            revert AnchorLog_NotOwner(logId, bytes32(log.owner), department);
        }
        mapping(uint64 => bytes32) storage roots = _roots[logId];
        bytes32 headRoot = roots[log.size];
        if (size <= log.size) {
            bytes32 known = size == log.size ? headRoot : _counting(logId, log, size);
            // Size 0 is never anchored.
            require(known != 0, AnchorLog_SizeBehind(logId, log.size, size));
            require(known == root, AnchorLog_RootDiffers(logId, size, known, root));
            return false;
        }
        require(!log.closed, AnchorLog_LogClosed(logId, log.size));
        // After authorisation and repeats, before the proof: who waited too long needn't have a good one.
        require(successor == address(0), AnchorLog_Retired(successor));
        // A root of zero would be one that is not there.
        bool extends_ = log.size == 0
            ? proof.length == 0 && root != 0
            : Rfc9162.isConsistent(log.size, size, headRoot, root, proof);
        require(extends_, AnchorLog_ProofInvalid(logId, log.size, size));
        roots[size] = root;
        _logs[logId].size = size;
        emit Anchored(logId, department, size, root);
        return true;
    }

    // The Council

    /// @inheritdoc IAnchorLog
    function closeLog(bytes32 logId, uint64 lastGoodSize, bytes32 basis)
        external
        onlyCouncil
        returns (bool)
    {
        require(successor == address(0), AnchorLog_Retired(successor));
        Log memory log = _logs[logId];
        _requireHere(logId, log);
        if (log.closed) {
            if (log.size == lastGoodSize) return false;
            require(lastGoodSize < log.size, AnchorLog_LogClosed(logId, log.size));
        }
        require(
            lastGoodSize == 0 || _counting(logId, log, lastGoodSize) != 0,
            AnchorLog_SizeNotAnchored(logId, lastGoodSize)
        );
        (_logs[logId].size, _logs[logId].closed) = (lastGoodSize, true);
        emit LogClosed(logId, bytes32(log.owner), lastGoodSize, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IAnchorLog
    function retire(address successor_, bytes32 basis) external onlyCouncil returns (bool) {
        if (successor == successor_ && successor_ != address(0)) return false;
        require(successor == address(0), AnchorLog_Retired(successor));
        require(_follows(successor_), AnchorLog_SuccessorInvalid(successor_));
        successor = successor_;
        emit Retired(successor_, msg.sender, basis);
        return true;
    }

    // Moving

    /// @inheritdoc IAnchorLog
    function carry(bytes32[] calldata logIds) external returns (uint256 carried) {
        _requireNamed();
        for (uint256 i = 0; i < logIds.length; ++i) {
            if (_logs[logIds[i]].owner != 0) continue;
            _carry(logIds[i]);
            ++carried;
        }
    }

    // Views

    /// @inheritdoc IAnchorLog
    function network() public view returns (string memory) {
        uint256 length = 0;
        while (length < 32 && _network[length] != 0) ++length;
        bytes memory name = new bytes(length);
        for (uint256 i = 0; i < length; ++i) name[i] = _network[i];
        return string(name);
    }

    /// @inheritdoc IAnchorLog
    function previous() external view returns (address) {
        return address(_previous);
    }

    /// @inheritdoc IAnchorLog
    function logOf(bytes32 logId) public view returns (bytes32 owner, uint64 size, bytes32 root, bool closed) {
        Log memory log = _logs[logId];
        if (_isElsewhere(log)) return _previous.logOf(logId);
        return (bytes32(log.owner), log.size, _counting(logId, log, log.size), log.closed);
    }

    /// @inheritdoc IAnchorLog
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root) {
        (, size, root,) = logOf(logId);
    }

    /// @inheritdoc IAnchorLog
    function anchoredRoot(bytes32 logId, uint64 size) public view returns (bytes32) {
        Log memory log = _logs[logId];
        if (_isElsewhere(log)) return _previous.anchoredRoot(logId, size);
        return size > log.size ? bytes32(0) : _counting(logId, log, size);
    }

    /// @inheritdoc IAnchorLog
    function writtenRoot(bytes32 logId, uint64 size) external view returns (bytes32 root) {
        root = _roots[logId][size];
        if (root == 0 && address(_previous) != address(0)) root = _previous.writtenRoot(logId, size);
    }

    /// @inheritdoc IAnchorLog
    function ownerOf(bytes32 logId) public view returns (bytes32) {
        Log memory log = _logs[logId];
        return _isElsewhere(log) ? _previous.ownerOf(logId) : bytes32(log.owner);
    }

    /// @inheritdoc IAnchorLog
    function isIncluded(bytes32 logId, uint64 size, uint64 index, bytes calldata entry, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        bytes32 known = anchoredRoot(logId, size);
        if (known == 0 || !Entries.isEntry(entry) || Entries.issuer(entry) != bytes18(ownerOf(logId))) return false;
        (bool ok, bytes32 root) = Rfc9162.rootFromInclusion(index, size, Rfc9162.leafHash(entry), path);
        return ok && root == known;
    }

    // Rules

    function _carry(bytes32 logId) private {
        (bytes32 owner, uint64 size, bytes32 root, bool closed) = _previous.logOf(logId);
        require(owner != 0, AnchorLog_LogUnknown(logId));
        _logs[logId] = Log({owner: bytes18(owner), size: size, closed: closed, carried: true});
        if (root != 0) _roots[logId][size] = root;
        emit LogCarried(logId, owner, address(_previous), size, root, closed, msg.sender);
    }

    /// @dev The root of a size that counts, also where it was anchored before the log was carried.
    function _counting(bytes32 logId, Log memory log, uint64 size) private view returns (bytes32 root) {
        if (size > log.size) return 0;
        root = _roots[logId][size];
        if (root == 0 && log.carried) root = _previous.anchoredRoot(logId, size);
    }

    /// @dev Whether the previous contract, if there is one, has the answers about the log.
    function _isElsewhere(Log memory log) private view returns (bool) {
        return log.owner == 0 && address(_previous) != address(0);
    }

    function _requireHere(bytes32 logId, Log memory log) private view {
        if (log.owner != 0) return;
        require(ownerOf(logId) == 0, AnchorLog_NotCarried(logId, address(_previous)));
        revert AnchorLog_LogUnknown(logId);
    }

    /// @dev The previous contract is retired, and names this one.
    function _requireNamed() private view {
        address named = address(_previous) == address(0) ? address(0) : _previous.successor();
        require(named == address(this), AnchorLog_NotInForce(address(_previous), named));
    }

    /// @dev Whether `account` is a contract that was made to follow this one.
    function _follows(address account) private view returns (bool) {
        (bool ok, bytes memory answer) = account.staticcall(abi.encodeCall(IAnchorLog.previous, ()));
        return ok && answer.length == 32 && abi.decode(answer, (uint256)) == uint160(address(this));
    }

    function _versionAfter(IAnchorLog previous_, string memory network_) private view returns (uint8) {
        require(address(previous_).code.length != 0, AnchorLog_PreviousInvalid(address(previous_)));
        try previous_.version() returns (uint8 number) {
            require(
                number < VERSIONS && keccak256(bytes(previous_.network())) == keccak256(bytes(network_)),
                AnchorLog_PreviousInvalid(address(previous_))
            );
            return number + 1;
        } catch {
            revert AnchorLog_PreviousInvalid(address(previous_));
        }
    }
}
