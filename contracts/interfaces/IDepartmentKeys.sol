// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title DepartmentKeys: with which keys departments sign and are written to, since when, and their gateways.
/// @notice A key is a suite (1 Ed25519 and X25519, 2 P-256, 3 SM2), a purpose (1 sign, 2 wrap), the raw public key, and the
/// digest of its certificate (电子政务电子认证) with that certificate's end. It is added by two people of the department:
/// one proposes, another one confirms; the Council may confirm, or add at once. A public key is used once a department,
/// so no wrap key ever becomes a signing key. Who decides for a department's keys: its operators with STATUS (a service
/// operator's: NODE), and after a succession those of who carries it.
///
/// A key at time t is *valid* from its `since`, and before its `until`, its certificate's end and `compromisedSince`. A
/// department's report of a compromise counts from its own block on; for an earlier date (`claimedSince`) only the
/// Council's word counts, and until then the key at these times is *unknown*.
///
/// Times are block times in seconds; `until` is the first second that no longer counts, 0 no end. A `basis` is the
/// `commitment_sha256` of the act's own entry, or zero. Ids are random bytes32 of the caller. `actor` is zero for the
/// Council. Every function checks the caller's rights first; a call that would then change nothing returns false, emits
/// nothing and doesn't revert.
interface IDepartmentKeys {
    /// @dev `since`: not before the block that confirms it. `certificate` and `certificateUntil`: both or neither.
    /// `replaces`: the key that ends when this one begins (rotation), or zero.
    struct KeyInput {
        uint8 suite;
        uint8 purpose;
        bytes publicKey;
        bytes32 certificate;
        uint64 certificateUntil;
        uint64 since;
        uint64 until;
        bytes32 replaces;
    }

    /// @dev A key as it stands. `confirmedAt` 0: only proposed. `compromisedSince`, `claimedSince` 0: none.
    struct Key {
        bytes32 id;
        bytes32 department;
        uint8 suite;
        uint8 purpose;
        bytes publicKey;
        bytes32 certificate;
        uint64 certificateUntil;
        uint64 since;
        uint64 until;
        uint64 compromisedSince;
        uint64 claimedSince;
        bytes32 replaces;
        uint64 proposedAt;
        uint64 confirmedAt;
    }

    /// @dev A gateway signs with `keyId`. `node`: the node beside which it runs, or zero.
    struct Gateway {
        bytes32 department;
        bytes32 keyId;
        bytes32 node;
        uint32 division;
        uint64 since;
        uint64 until;
    }

    /// @notice The key was proposed; it isn't one until `KeyAdded`.
    event KeyProposed(
        bytes32 indexed id,
        bytes32 indexed department,
        uint8 suite,
        uint8 purpose,
        bytes publicKey,
        bytes32 certificate,
        uint64 certificateUntil,
        uint64 since,
        uint64 until,
        bytes32 replaces,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice The key is one from `since` on.
    event KeyAdded(bytes32 indexed id, bytes32 indexed department, uint64 since, bytes32 actor, address operator);
    /// @notice The key ends at `until`; a proposal is withdrawn. `replacedBy` is zero where it wasn't rotated.
    event KeyEnded(
        bytes32 indexed id,
        bytes32 indexed department,
        uint64 until,
        uint16 reason,
        bytes32 replacedBy,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice The key is compromised since `compromisedSince`, and before that, since `claimedSince` (0: not), it isn't
    /// known whether it was. Each such event replaces what the one before said.
    event KeyCompromised(
        bytes32 indexed id,
        bytes32 indexed department,
        uint64 compromisedSince,
        uint64 claimedSince,
        uint16 reason,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice The gateway acts for the department from this block on.
    event GatewayRegistered(
        bytes32 indexed id,
        bytes32 indexed department,
        bytes32 indexed keyId,
        bytes32 node,
        uint32 division,
        uint64 until,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice The gateway signs with another key from this block on.
    event GatewayKeyChanged(
        bytes32 indexed id,
        bytes32 indexed department,
        bytes32 indexed keyId,
        bytes32 actor,
        address operator,
        bytes32 basis
    );
    /// @notice The gateway no longer acts from this block on.
    event GatewayEnded(
        bytes32 indexed id,
        bytes32 indexed department,
        uint16 reason,
        bytes32 actor,
        address operator,
        bytes32 basis
    );

    /// @dev `account` isn't the Council, nor an operator of the department or of who carries it.
    error DepartmentKeys_NotEntitled(address account, bytes32 department);
    /// @dev The account is a machine (no person hash), and adding a key takes two people.
    error DepartmentKeys_PersonNeeded(address account);
    /// @dev The person who proposed the key can't confirm it.
    error DepartmentKeys_SamePerson(bytes32 id, address account);
    /// @dev A suspended department adds no key and no gateway; the Council may add one for it.
    error DepartmentKeys_Suspended(bytes32 department);
    /// @dev Not a member, or one that was succeeded.
    error DepartmentKeys_NotMember(bytes32 department);
    /// @dev Zero is no id.
    error DepartmentKeys_IdZero();
    /// @dev The id was used for something else.
    error DepartmentKeys_IdUsed(bytes32 id);
    /// @dev No such key.
    error DepartmentKeys_KeyUnknown(bytes32 id);
    /// @dev The key isn't confirmed. A proposal is withdrawn by `endKey`.
    error DepartmentKeys_NotConfirmed(bytes32 id);
    /// @dev `reason`: 1 suite, 2 length, 3 form (not `04 || x || y`), 4 not a point of the suite's curve.
    error DepartmentKeys_PublicKeyInvalid(uint8 suite, uint8 reason);
    /// @dev 1 sign, 2 wrap; no other.
    error DepartmentKeys_PurposeInvalid(uint8 purpose);
    /// @dev The department has used this public key, as `id`, for whichever purpose.
    error DepartmentKeys_PublicKeyUsed(bytes32 id);
    /// @dev A certificate without an end, or an end without one.
    error DepartmentKeys_CertificateInvalid(bytes32 certificate, uint64 until);
    /// @dev The key's time is empty or over: it would begin at `since` and end at `until`.
    error DepartmentKeys_PeriodInvalid(uint64 since, uint64 until);
    /// @dev The key to replace isn't a confirmed one of this department and purpose.
    error DepartmentKeys_ReplacesInvalid(bytes32 id, bytes32 replaces);
    /// @dev A date of a compromise is needed; 1 means "always".
    error DepartmentKeys_DateMissing(bytes32 id);
    /// @dev No such gateway.
    error DepartmentKeys_GatewayUnknown(bytes32 id);
    /// @dev The gateway was ended, or its time is over.
    error DepartmentKeys_GatewayOver(bytes32 id, uint64 until);
    /// @dev A gateway needs a signing key of its department that is valid now.
    error DepartmentKeys_KeyUnfit(bytes32 id);

    /// @notice Proposes a key of `department`; the Council adds it at once. By a person. False if `id` holds this very
    /// proposal.
    function proposeKey(bytes32 id, bytes32 department, KeyInput calldata key, bytes32 basis) external returns (bool);

    /// @notice Confirms a proposal: by another person of the department, or the Council. False if it is confirmed.
    function confirmKey(bytes32 id) external returns (bool);

    /// @notice Ends a key at `until` (this block's time where that is later), or withdraws a proposal. One person or
    /// machine is enough. False if it ends by then. Never later than it would have.
    function endKey(bytes32 id, uint64 until, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Reports a key compromised since `since`. By the department: from this block on; an earlier date is
    /// `claimedSince`. By the Council: since that date, or the one that stands if that is earlier, and claims are
    /// settled. A compromise is never taken back. False if nothing differs.
    function compromiseKey(bytes32 id, uint64 since, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Registers a gateway. By an operator of `department` with GATEWAY, or the Council. False if `id` is
    /// registered so.
    /// @param division Where it serves; 0: the department's own.
    function registerGateway(
        bytes32 id,
        bytes32 department,
        bytes32 keyId,
        bytes32 node,
        uint32 division,
        uint64 until,
        bytes32 basis
    ) external returns (bool);

    /// @notice Lets a gateway sign with another key. By an operator with GATEWAY of who carries it, or the Council.
    function changeGatewayKey(bytes32 id, bytes32 keyId, bytes32 basis) external returns (bool);

    /// @notice Ends a gateway at this block; by the same. False if it is over.
    function endGateway(bytes32 id, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice A key or a proposal; reverts for none.
    function keyOf(bytes32 id) external view returns (Key memory);

    /// @notice The department's keys and proposals in the order in which they were proposed.
    function keysOf(bytes32 department) external view returns (Key[] memory);

    /// @notice 1 valid, 2 invalid, 3 unknown: the key at `time`; 2 for what isn't a confirmed key.
    function validityAt(bytes32 id, uint64 time) external view returns (uint8);

    /// @notice A gateway; reverts for none.
    function gatewayOf(bytes32 id) external view returns (Gateway memory);

    /// @notice Ids of the gateways that the department registered, oldest first, those that are over too.
    function gatewaysOf(bytes32 department) external view returns (bytes32[] memory);
}
