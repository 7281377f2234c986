// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorities} from "./interfaces/IAuthorities.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {INodes} from "./interfaces/INodes.sol";
import {Divisions} from "./libraries/Divisions.sol";

/// @title Nodes: see INodes.
contract Nodes is INodes {
    uint32 private constant NODE = 64;
    uint8 private constant SHARING = 1;
    uint8 private constant DEPARTMENT = 1;
    uint8 private constant SERVICE_OPERATOR = 2;

    uint8 private constant APPLIED = 1;
    uint8 private constant ADMITTED = 2;
    uint8 private constant SYNCING = 3;
    uint8 private constant OBSERVER = 4;
    uint8 private constant VALIDATOR = 5;
    uint8 private constant RETIRED = 6;

    /// | department 18 | division 4 | state 1 | retiredAt 5 |
    /// | host 18 | appliedAt 5 | admittedAt 5 |
    /// | releaser 18 | releasedAt 5 | acceptedAt 5 |
    /// | promotedAt 5 | demotedAt 5 |
    /// | nodeKey 32 | contact 32 | application 32 | report 32 |
    struct Kept {
        bytes18 department;
        uint32 division;
        uint8 state;
        uint40 retiredAt;
        bytes18 host;
        uint40 appliedAt;
        uint40 admittedAt;
        bytes18 releaser;
        uint40 releasedAt;
        uint40 acceptedAt;
        uint40 promotedAt;
        uint40 demotedAt;
        bytes32 nodeKey;
        bytes32 contact;
        bytes32 application;
        bytes32 report;
    }

    IDepartments private immutable _departments;
    IAuthorities private immutable _authorities;

    mapping(bytes32 nodeId => Kept) private _nodes;
    /// @dev For ever: retiring takes nothing out.
    mapping(bytes32 nodeKey => bytes32 nodeId) private _ofKey;
    bytes32[] private _ids;

    constructor(IDepartments departments_, IAuthorities authorities_) {
        _departments = departments_;
        _authorities = authorities_;
    }

    modifier onlyCouncil() {
        require(msg.sender == _departments.council(), Nodes_NotCouncil(msg.sender));
        _;
    }

    // Steps

    /// @inheritdoc INodes
    function applyFor(bytes32 nodeId, NodeInput calldata node) external returns (bool) {
        bytes32 department = _departments.requireOperator(msg.sender, NODE);
        require(_departments.kindOf(department) == DEPARTMENT, Nodes_OwnerInvalid(department));
        _requireUnsuspended(department);
        Kept storage kept = _nodes[nodeId];
        if (kept.state != 0) {
            require(_same(kept, department, node), Nodes_NodeExists(nodeId));
            return false;
        }
        require(
            nodeId != 0 && node.nodeKey != 0 && node.contact != 0 && node.application != 0, Nodes_ValueZero(nodeId)
        );
        _requireHost(department, node.host);
        uint32 own = _departments.divisionOf(department);
        require(
            Divisions.common(own, node.division) == own, Nodes_DivisionInvalid(department, node.division)
        );
        bytes32 other = _ofKey[node.nodeKey];
        require(other == 0, Nodes_KeyUsed(node.nodeKey, other));
        _ofKey[node.nodeKey] = nodeId;
        _ids.push(nodeId);
        (kept.department, kept.division, kept.state) = (bytes18(department), node.division, APPLIED);
        (kept.host, kept.appliedAt) = (bytes18(node.host), _now());
        (kept.nodeKey, kept.contact, kept.application) = (node.nodeKey, node.contact, node.application);
        emit NodeApplied(
            nodeId, department, node.host, node.division, node.nodeKey, node.contact, msg.sender, node.application
        );
        return true;
    }

    /// @inheritdoc INodes
    function admit(bytes32 nodeId, bytes32 releaser, bytes32 basis) external returns (bool) {
        (Kept storage kept, bytes32 actor) = _admitting(nodeId);
        if (_reached(nodeId, kept, ADMITTED) && kept.releaser == bytes18(releaser)) return false;
        _requireOpen();
        _requireAt(nodeId, kept, APPLIED, ADMITTED);
        require(_departments.kindOf(releaser) != 0, Nodes_ReleaserInvalid(nodeId, releaser));
        (kept.state, kept.releaser, kept.admittedAt) = (ADMITTED, bytes18(releaser), _now());
        emit NodeAdmitted(nodeId, actor, releaser, msg.sender, basis);
        return true;
    }

    /// @inheritdoc INodes
    function release(bytes32 nodeId, bytes32 basis) external returns (bool) {
        bytes32 department = _departments.requireOperator(msg.sender, NODE);
        Kept storage kept = _known(nodeId);
        bytes32 releaser = _departments.carrierOf(bytes32(kept.releaser), nodeId);
        require(department == releaser, Nodes_NotReleaser(nodeId, releaser, department));
        _requireUnsuspended(department);
        if (_reached(nodeId, kept, SYNCING)) return false;
        _requireOpen();
        _requireAt(nodeId, kept, ADMITTED, SYNCING);
        (kept.state, kept.releasedAt) = (SYNCING, _now());
        emit NodeReleased(nodeId, department, msg.sender, basis);
        return true;
    }

    /// @inheritdoc INodes
    function acceptNode(bytes32 nodeId, bytes32 report) external returns (bool) {
        (Kept storage kept, bytes32 department) = _owned(nodeId);
        _requireUnsuspended(department);
        if (_reached(nodeId, kept, OBSERVER) && kept.report == report) return false;
        _requireAt(nodeId, kept, SYNCING, OBSERVER);
        require(report != 0, Nodes_ValueZero(nodeId));
        (kept.state, kept.acceptedAt, kept.report) = (OBSERVER, _now(), report);
        emit NodeAccepted(nodeId, department, msg.sender, report);
        return true;
    }

    /// @inheritdoc INodes
    function promote(bytes32 nodeId, bytes32 basis) external onlyCouncil returns (bool) {
        Kept storage kept = _known(nodeId);
        if (kept.state == VALIDATOR) return false;
        _requireOpen();
        _requireAt(nodeId, kept, OBSERVER, VALIDATOR);
        (kept.state, kept.promotedAt) = (VALIDATOR, _now());
        emit NodePromoted(nodeId, msg.sender, basis);
        return true;
    }

    /// @inheritdoc INodes
    function demote(bytes32 nodeId, uint16 reason, bytes32 basis) external onlyCouncil returns (bool) {
        Kept storage kept = _known(nodeId);
        if (kept.state == OBSERVER) return false;
        _requireAt(nodeId, kept, VALIDATOR, OBSERVER);
        (kept.state, kept.demotedAt) = (OBSERVER, _now());
        emit NodeDemoted(nodeId, msg.sender, reason, basis);
        return true;
    }

    /// @inheritdoc INodes
    function retire(bytes32 nodeId, uint16 reason, bytes32 basis) external returns (bool) {
        (Kept storage kept, bytes32 actor) =
            msg.sender == _departments.council() ? (_known(nodeId), bytes32(0)) : _owned(nodeId);
        if (kept.state == RETIRED) return false;
        (kept.state, kept.retiredAt) = (RETIRED, _now());
        emit NodeRetired(nodeId, actor, msg.sender, reason, basis);
        return true;
    }

    /// @inheritdoc INodes
    function change(bytes32 nodeId, bytes32 host, bytes32 contact) external returns (bool) {
        bool council = msg.sender == _departments.council();
        (Kept storage kept, bytes32 department) = council ? (_known(nodeId), bytes32(0)) : _owned(nodeId);
        if (kept.host == bytes18(host) && kept.contact == contact) return false;
        uint8 state = kept.state;
        require(state != RETIRED, Nodes_MoveNotAllowed(nodeId, state, state));
        require(contact != 0, Nodes_ValueZero(nodeId));
        bytes32 known = bytes32(kept.host);
        if (host != known) {
            // Admitted, or seen by who will admit it, was a node at that host.
            require(council, Nodes_HostFixed(nodeId, known));
            _requireHost(_departments.carrierOf(bytes32(kept.department), nodeId), host);
        }
        (kept.host, kept.contact) = (bytes18(host), contact);
        emit NodeChanged(nodeId, department, host, contact, msg.sender);
        return true;
    }

    // Views

    /// @inheritdoc INodes
    function nodeOf(bytes32 nodeId) external view returns (Node memory) {
        Kept storage kept = _nodes[nodeId];
        return Node({
            department: bytes32(kept.department),
            host: bytes32(kept.host),
            releaser: bytes32(kept.releaser),
            division: kept.division,
            state: kept.state,
            nodeKey: kept.nodeKey,
            contact: kept.contact,
            application: kept.application,
            report: kept.report,
            appliedAt: kept.appliedAt,
            admittedAt: kept.admittedAt,
            releasedAt: kept.releasedAt,
            acceptedAt: kept.acceptedAt,
            promotedAt: kept.promotedAt,
            demotedAt: kept.demotedAt,
            retiredAt: kept.retiredAt
        });
    }

    /// @inheritdoc INodes
    function nodeByKey(bytes32 nodeKey) external view returns (bytes32 nodeId) {
        return _ofKey[nodeKey];
    }

    /// @inheritdoc INodes
    function mayConnect(bytes32 nodeKey) external view returns (bool) {
        uint8 state = _nodes[_ofKey[nodeKey]].state;
        return state == SYNCING || state == OBSERVER || state == VALIDATOR;
    }

    /// @inheritdoc INodes
    function nodeIds(uint256 from, uint256 limit) external view returns (bytes32[] memory ids, uint256 total) {
        total = _ids.length;
        uint256 left = from < total ? total - from : 0;
        ids = new bytes32[](left < limit ? left : limit);
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = _ids[from + i];
        }
    }

    // Rules

    function _known(bytes32 nodeId) private view returns (Kept storage kept) {
        kept = _nodes[nodeId];
        require(kept.state != 0, Nodes_NodeUnknown(nodeId));
    }

    /// @dev The caller acts for the node's department, as it is carried now.
    function _owned(bytes32 nodeId) private view returns (Kept storage kept, bytes32 department) {
        department = _departments.requireOperator(msg.sender, NODE);
        kept = _known(nodeId);
        bytes32 owner = _departments.carrierOf(bytes32(kept.department), nodeId);
        require(department == owner, Nodes_NotOwner(nodeId, owner, department));
    }

    /// @dev Zero for the Council, else the sharing authority of the division's province.
    function _admitting(bytes32 nodeId) private view returns (Kept storage kept, bytes32 actor) {
        if (msg.sender == _departments.council()) return (_known(nodeId), 0);
        actor = _departments.requireOperator(msg.sender, NODE);
        kept = _known(nodeId);
        bytes32 authority = _authorities.authorityFor(SHARING, kept.division - (kept.division % 10_000));
        require(actor == authority, Nodes_NotAdmitting(nodeId, authority, actor));
        _requireUnsuspended(actor);
        require(
            actor != _departments.carrierOf(bytes32(kept.department), nodeId), Nodes_OwnApplication(nodeId, actor)
        );
    }

    function _requireOpen() private view {
        require(!_departments.isPaused(), Nodes_Paused());
    }

    function _requireUnsuspended(bytes32 department) private view {
        require(!_departments.isSuspended(department), Nodes_Suspended(department));
    }

    function _requireHost(bytes32 department, bytes32 host) private view {
        require(
            host == department || _departments.kindOf(host) == SERVICE_OPERATOR, Nodes_HostInvalid(department, host)
        );
    }

    function _requireAt(bytes32 nodeId, Kept storage kept, uint8 from, uint8 to) private view {
        uint8 state = kept.state;
        require(state == from, Nodes_MoveNotAllowed(nodeId, state, to));
    }

    /// @dev Whether the step was taken already; a retired node takes none, so that its retry is told why.
    function _reached(bytes32 nodeId, Kept storage kept, uint8 step) private view returns (bool) {
        uint8 state = kept.state;
        require(state != RETIRED, Nodes_MoveNotAllowed(nodeId, state, step));
        return state >= step;
    }

    function _same(Kept storage kept, bytes32 department, NodeInput calldata node) private view returns (bool) {
        return kept.department == bytes18(department) && kept.nodeKey == node.nodeKey && kept.division == node.division
            && kept.application == node.application;
    }

    function _now() private view returns (uint40) {
        return uint40(block.timestamp);
    }
}
