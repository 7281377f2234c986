// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartmentKeys} from "./interfaces/IDepartmentKeys.sol";
import {IDepartments} from "./interfaces/IDepartments.sol";
import {PublicKeys} from "./libraries/PublicKeys.sol";

/// @title DepartmentKeys: see IDepartmentKeys.
/// @dev One file, though long: gateways stand on the keys, and those who may manage either are asked alike, in one
/// private storage.
contract DepartmentKeys is IDepartmentKeys {
    uint32 private constant STATUS = 2;
    uint32 private constant GATEWAY = 32;
    uint32 private constant NODE = 64;
    uint8 private constant SERVICE_OPERATOR = 2;
    uint8 private constant SIGN = 1;
    uint8 private constant WRAP = 2;
    uint8 private constant VALID = 1;
    uint8 private constant INVALID = 2;
    uint8 private constant UNKNOWN = 3;

    /// | department 18 | suite 1 | purpose 1 | confirmedAt 8 |
    /// | since 8 | until 8 | certificateUntil 8 | compromisedSince 8 | what validity asks
    /// | claimedSince 8 | proposedAt 8 |
    /// | certificate 32 | replaces 32 | proposer 32 | content 32 | content: all that was proposed, so that a proposal sent
    /// again is known after it changed; the public key in its own slots
    struct Kept {
        bytes18 department;
        uint8 suite;
        uint8 purpose;
        uint64 confirmedAt;
        uint64 since;
        uint64 until;
        uint64 certificateUntil;
        uint64 compromisedSince;
        uint64 claimedSince;
        uint64 proposedAt;
        bytes32 certificate;
        bytes32 replaces;
        bytes32 proposer;
        bytes32 content;
        bytes publicKey;
    }

    /// | department 18 | division 4 | | since 8 | until 8 | | keyId 32 | node 32 | content 32 |
    struct KeptGateway {
        bytes18 department;
        uint32 division;
        uint64 since;
        uint64 until;
        bytes32 keyId;
        bytes32 node;
        bytes32 content;
    }

    IDepartments private immutable _departments;

    mapping(bytes32 id => Kept) private _keys;
    mapping(bytes32 department => bytes32[] ids) private _keysOf;
    /// @dev By the hash of department and public key.
    mapping(bytes32 use => bytes32 id) private _used;
    mapping(bytes32 id => KeptGateway) private _gateways;
    mapping(bytes32 department => bytes32[] ids) private _gatewaysOf;

    constructor(IDepartments departments_) {
        _departments = departments_;
    }

    // Keys

    /// @inheritdoc IDepartmentKeys
    function proposeKey(bytes32 id, bytes32 department, KeyInput calldata key, bytes32 basis) external returns (bool) {
        (bytes32 by, bytes32 person) = _requireManager(id, department);
        require(id != 0, DepartmentKeys_IdZero());
        bytes32 content = keccak256(abi.encode(department, key));
        Kept storage kept = _keys[id];
        if (kept.content != 0) {
            require(kept.content == content, DepartmentKeys_IdUsed(id));
            return false;
        }
        _requireMember(department);
        _requireAdding(by, person);
        _requireWhole(id, department, key);
        bytes32 use = _use(department, key.publicKey);
        require(_used[use] == 0, DepartmentKeys_PublicKeyUsed(_used[use]));
        _used[use] = id;
        _keysOf[department].push(id);
        (kept.department, kept.suite, kept.purpose) = (bytes18(department), key.suite, key.purpose);
        (kept.since, kept.until, kept.certificateUntil) = (key.since, key.until, key.certificateUntil);
        (kept.proposedAt, kept.certificate, kept.replaces) = (_now(), key.certificate, key.replaces);
        (kept.proposer, kept.content, kept.publicKey) = (person, content, key.publicKey);
        emit KeyProposed(
            id,
            department,
            key.suite,
            key.purpose,
            key.publicKey,
            key.certificate,
            key.certificateUntil,
            key.since,
            key.until,
            key.replaces,
            by,
            msg.sender,
            basis
        );
        if (by == 0) _confirm(id, kept, by, basis);
        return true;
    }

    /// @inheritdoc IDepartmentKeys
    function confirmKey(bytes32 id) external returns (bool) {
        Kept storage kept = _keys[id];
        bytes32 department = bytes32(kept.department);
        (bytes32 by, bytes32 person) = _requireManager(id, department);
        _requireKnown(id, kept);
        if (kept.confirmedAt != 0) return false;
        _requireMember(department);
        _requireAdding(by, person);
        require(by == 0 || person != kept.proposer, DepartmentKeys_SamePerson(id, msg.sender));
        _confirm(id, kept, by, 0);
        return true;
    }

    /// @inheritdoc IDepartmentKeys
    function endKey(bytes32 id, uint64 until, uint16 reason, bytes32 basis) external returns (bool) {
        Kept storage kept = _keys[id];
        (bytes32 by,) = _requireManager(id, bytes32(kept.department));
        _requireKnown(id, kept);
        bool proposal = kept.confirmedAt == 0;
        if (until < _now() || proposal) until = _now();
        bool ends = kept.until != 0 && kept.until <= until;
        if (proposal) {
            // It never was a key: the same public key may be proposed again, also where its time was over.
            bytes32 use = _use(bytes32(kept.department), kept.publicKey);
            if (_used[use] != id) return false;
            delete _used[use];
            if (ends) until = kept.until;
        } else if (ends) {
            return false;
        }
        _end(id, kept, until, reason, 0, by, basis);
        return true;
    }

    /// @inheritdoc IDepartmentKeys
    function compromiseKey(bytes32 id, uint64 since, uint16 reason, bytes32 basis) external returns (bool) {
        Kept storage kept = _keys[id];
        (bytes32 by,) = _requireManager(id, bytes32(kept.department));
        _requireKnown(id, kept);
        require(kept.confirmedAt != 0, DepartmentKeys_NotConfirmed(id));
        require(since != 0, DepartmentKeys_DateMissing(id));
        (uint64 certain, uint64 claimed) = (kept.compromisedSince, kept.claimedSince);
        // The department's word counts from this block on; before it, the Council's.
        uint64 from = by == 0 && since < _now() ? since : _now();
        if (certain == 0 || from < certain) certain = from;
        if (by == 0) claimed = 0;
        else if (since < certain && (claimed == 0 || since < claimed)) claimed = since;
        if (certain == kept.compromisedSince && claimed == kept.claimedSince) return false;
        (kept.compromisedSince, kept.claimedSince) = (certain, claimed);
        emit KeyCompromised(id, bytes32(kept.department), certain, claimed, reason, by, msg.sender, basis);
        return true;
    }

    // Gateways

    /// @inheritdoc IDepartmentKeys
    function registerGateway(
        bytes32 id,
        bytes32 department,
        bytes32 keyId,
        bytes32 node,
        uint32 division,
        uint64 until,
        bytes32 basis
    ) external returns (bool) {
        bytes32 by = _requireGatewayer(id, department);
        require(id != 0, DepartmentKeys_IdZero());
        bytes32 content = keccak256(abi.encode(department, keyId, node, division, until));
        KeptGateway storage kept = _gateways[id];
        if (kept.content != 0) {
            require(kept.content == content, DepartmentKeys_IdUsed(id));
            return false;
        }
        _requireMember(department);
        require(by == 0 || !_departments.isSuspended(by), DepartmentKeys_Suspended(by));
        require(until == 0 || until > _now(), DepartmentKeys_PeriodInvalid(_now(), until));
        _requireFit(keyId, department);
        if (division == 0) division = _departments.divisionOf(department);
        _gateways[id] = KeptGateway({
            department: bytes18(department),
            division: division,
            since: _now(),
            until: until,
            keyId: keyId,
            node: node,
            content: content
        });
        _gatewaysOf[department].push(id);
        emit GatewayRegistered(id, department, keyId, node, division, until, by, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartmentKeys
    function changeGatewayKey(bytes32 id, bytes32 keyId, bytes32 basis) external returns (bool) {
        KeptGateway storage kept = _gateways[id];
        bytes32 department = bytes32(kept.department);
        bytes32 by = _requireGatewayer(id, department);
        require(kept.content != 0, DepartmentKeys_GatewayUnknown(id));
        if (kept.keyId == keyId) return false;
        require(!_isOver(kept.until), DepartmentKeys_GatewayOver(id, kept.until));
        require(by == 0 || !_departments.isSuspended(by), DepartmentKeys_Suspended(by));
        _requireFit(keyId, _departments.carrierOf(department, id));
        kept.keyId = keyId;
        emit GatewayKeyChanged(id, department, keyId, by, msg.sender, basis);
        return true;
    }

    /// @inheritdoc IDepartmentKeys
    function endGateway(bytes32 id, uint16 reason, bytes32 basis) external returns (bool) {
        KeptGateway storage kept = _gateways[id];
        bytes32 by = _requireGatewayer(id, bytes32(kept.department));
        require(kept.content != 0, DepartmentKeys_GatewayUnknown(id));
        if (_isOver(kept.until)) return false;
        kept.until = _now();
        emit GatewayEnded(id, bytes32(kept.department), reason, by, msg.sender, basis);
        return true;
    }

    // Views

    /// @inheritdoc IDepartmentKeys
    function keyOf(bytes32 id) external view returns (Key memory) {
        _requireKnown(id, _keys[id]);
        return _key(id);
    }

    /// @inheritdoc IDepartmentKeys
    function keysOf(bytes32 department) external view returns (Key[] memory keys) {
        bytes32[] storage ids = _keysOf[department];
        keys = new Key[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) keys[i] = _key(ids[i]);
    }

    /// @inheritdoc IDepartmentKeys
    function validityAt(bytes32 id, uint64 time) public view returns (uint8) {
        Kept storage kept = _keys[id];
        if (kept.confirmedAt == 0 || time < kept.since) return INVALID;
        if (_by(kept.until, time) || _by(kept.certificateUntil, time) || _by(kept.compromisedSince, time)) {
            return INVALID;
        }
        return _by(kept.claimedSince, time) ? UNKNOWN : VALID;
    }

    /// @inheritdoc IDepartmentKeys
    function gatewayOf(bytes32 id) external view returns (Gateway memory) {
        KeptGateway storage kept = _gateways[id];
        require(kept.content != 0, DepartmentKeys_GatewayUnknown(id));
        return Gateway({
            department: bytes32(kept.department),
            keyId: kept.keyId,
            node: kept.node,
            division: kept.division,
            since: kept.since,
            until: kept.until
        });
    }

    /// @inheritdoc IDepartmentKeys
    function gatewaysOf(bytes32 department) external view returns (bytes32[] memory) {
        return _gatewaysOf[department];
    }

    // Who may

    /// @dev Zeros for the Council; else the department that carries `department`, and the person, with `role`.
    function _requireActor(bytes32 id, bytes32 department, uint32 role, uint32 serviceRole)
        private
        view
        returns (bytes32 by, bytes32 person)
    {
        if (msg.sender == _departments.council()) return (0, 0);
        (bytes32 own,,,) = _departments.operatorOf(msg.sender);
        require(
            own != 0 && own == _departments.carrierOf(department, id),
            DepartmentKeys_NotEntitled(msg.sender, department)
        );
        return _departments.actor(msg.sender, _departments.kindOf(own) == SERVICE_OPERATOR ? serviceRole : role);
    }

    function _requireManager(bytes32 id, bytes32 department) private view returns (bytes32 by, bytes32 person) {
        return _requireActor(id, department, STATUS, NODE);
    }

    function _requireGatewayer(bytes32 id, bytes32 department) private view returns (bytes32 by) {
        (by,) = _requireActor(id, department, GATEWAY, GATEWAY);
    }

    /// @dev New rights are for those who stand, on their own feet: a successor adds keys as itself.
    function _requireMember(bytes32 department) private view {
        require(
            _departments.kindOf(department) != 0 && _departments.carrierOf(department, 0) == department,
            DepartmentKeys_NotMember(department)
        );
    }

    function _requireAdding(bytes32 by, bytes32 person) private view {
        if (by == 0) return;
        require(person != 0, DepartmentKeys_PersonNeeded(msg.sender));
        require(!_departments.isSuspended(by), DepartmentKeys_Suspended(by));
    }

    // What a key must be

    function _requireKnown(bytes32 id, Kept storage kept) private view {
        require(kept.content != 0, DepartmentKeys_KeyUnknown(id));
    }

    function _requireWhole(bytes32 id, bytes32 department, KeyInput calldata key) private view {
        uint8 reason = PublicKeys.check(key.suite, key.publicKey);
        require(reason == PublicKeys.OK, DepartmentKeys_PublicKeyInvalid(key.suite, reason));
        require(key.purpose == SIGN || key.purpose == WRAP, DepartmentKeys_PurposeInvalid(key.purpose));
        require(
            (key.certificate == 0) == (key.certificateUntil == 0),
            DepartmentKeys_CertificateInvalid(key.certificate, key.certificateUntil)
        );
        uint64 since = key.since > _now() ? key.since : _now();
        _requirePeriod(since, key.until);
        _requirePeriod(since, key.certificateUntil);
        if (key.replaces == 0) return;
        Kept storage old = _keys[key.replaces];
        require(
            old.confirmedAt != 0 && old.department == bytes18(department) && old.purpose == key.purpose,
            DepartmentKeys_ReplacesInvalid(id, key.replaces)
        );
    }

    function _requirePeriod(uint64 since, uint64 until) private pure {
        require(until == 0 || until > since, DepartmentKeys_PeriodInvalid(since, until));
    }

    function _requireFit(bytes32 keyId, bytes32 department) private view {
        Kept storage key = _keys[keyId];
        require(
            key.department == bytes18(department) && key.purpose == SIGN && validityAt(keyId, _now()) == VALID,
            DepartmentKeys_KeyUnfit(keyId)
        );
    }

    // Changes

    function _confirm(bytes32 id, Kept storage kept, bytes32 by, bytes32 basis) private {
        uint64 since = kept.since > _now() ? kept.since : _now();
        _requirePeriod(since, kept.until);
        _requirePeriod(since, kept.certificateUntil);
        (kept.since, kept.confirmedAt) = (since, _now());
        bytes32 department = bytes32(kept.department);
        emit KeyAdded(id, department, since, by, msg.sender);
        bytes32 replaces = kept.replaces;
        if (replaces == 0) return;
        Kept storage old = _keys[replaces];
        if (old.until == 0 || old.until > since) _end(replaces, old, since, 0, id, by, basis);
    }

    function _end(
        bytes32 id,
        Kept storage kept,
        uint64 until,
        uint16 reason,
        bytes32 replacedBy,
        bytes32 by,
        bytes32 basis
    ) private {
        kept.until = until;
        emit KeyEnded(id, bytes32(kept.department), until, reason, replacedBy, by, msg.sender, basis);
    }

    // Small things

    function _key(bytes32 id) private view returns (Key memory) {
        Kept storage kept = _keys[id];
        return Key({
            id: id,
            department: bytes32(kept.department),
            suite: kept.suite,
            purpose: kept.purpose,
            publicKey: kept.publicKey,
            certificate: kept.certificate,
            certificateUntil: kept.certificateUntil,
            since: kept.since,
            until: kept.until,
            compromisedSince: kept.compromisedSince,
            claimedSince: kept.claimedSince,
            replaces: kept.replaces,
            proposedAt: kept.proposedAt,
            confirmedAt: kept.confirmedAt
        });
    }

    function _use(bytes32 department, bytes memory publicKey) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(department, publicKey));
    }

    /// @dev Whether an end that isn't 0 has come by `time`.
    function _by(uint64 end, uint64 time) private pure returns (bool) {
        return end != 0 && end <= time;
    }

    function _isOver(uint64 until) private view returns (bool) {
        return _by(until, _now());
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }
}
