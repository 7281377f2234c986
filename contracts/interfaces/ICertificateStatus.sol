// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title CertificateStatus: what was decided about an anchored certificate, document or credit item.
/// @notice A status key is SHA-256("chuzheng/status/v1"0 || issuer (18 bytes) || commitment_sha256).
/// Codes: 1 resumed or transferred in, 2 suspended, 3 rescinded, 4 deregistered, 5 lapsed, 6 transferred out, 7 revoked
/// as a penalty, 8 superseded, 9 withdrawn for the public interest, 10 other.
/// Moves: in force → 2-10; 2 → 1, 3-10, and 2 by another department; 5 → 3, 4, 7; 6 → 1, 3, 4, 7;
/// 3, 7, 9, 10 → 4; 4, 8 → nothing. The state that a move starts from is `statusAt(key, now, now)`.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false.
interface ICertificateStatus {
    /// @dev What a department decides. `effectiveFrom` <= block time; 0 is "from the start".
    /// `basis`: commitment of a kind-2 entry, or zero. `successor`: status key, code 8 only (`supersede` fills it in).
    /// `until`: code 2 only, first second that isn't suspended any more, 0: no end. `ends`: code 1 only, the number of
    /// the decision 2 or 6 that it ends.
    struct DecisionInput {
        uint8 code;
        uint16 cause;
        uint64 effectiveFrom;
        bytes32 basis;
        bytes32 successor;
        uint64 until;
        uint32 ends;
    }

    /// @dev Where an entry stands in an anchored tree; an empty `entry` is "no proof".
    struct Proof {
        bytes32 logId;
        bytes entry;
        uint64 index;
        uint64 size;
        bytes32[] path;
    }

    /// @dev One of many decisions; `proof` is empty where the key has decisions already.
    struct DecisionItem {
        bytes32 key;
        DecisionInput decision;
        Proof proof;
    }

    /// @dev The disclosure of the member `type` of a record (formats.md §2).
    struct TypeProof {
        bytes32 issuer;
        bytes32 commitment;
        bytes32 typeCode;
        uint16 n;
        uint16 i;
        bytes32 salt;
        bytes32[] path;
    }

    /// @dev A decision as it is kept. `number` counts from 1 within the key. `annulledAt` 0: it stands.
    struct Decision {
        uint32 number;
        uint8 code;
        uint16 cause;
        bytes32 department;
        uint64 effectiveFrom;
        uint64 recordedAt;
        bytes32 basis;
        bytes32 successor;
        uint64 until;
        uint32 ends;
        uint64 annulledAt;
    }

    /// @notice A decision was recorded at this block.
    event Decided(
        bytes32 indexed key,
        bytes32 indexed department,
        uint32 number,
        address operator,
        uint8 code,
        uint16 cause,
        uint64 effectiveFrom,
        bytes32 basis,
        bytes32 successor,
        uint64 until,
        uint32 ends
    );
    /// @notice A decision was struck down: it counts as never made, for all dates.
    event Annulled(
        bytes32 indexed key,
        bytes32 indexed department,
        uint32 number,
        address operator,
        bytes32 basis
    );
    /// @notice The key's record is a certificate of this type: the type's competent department may decide on it.
    event TypeProven(bytes32 indexed key, bytes32 indexed typeCode, bytes32 department, address operator);

    /// @dev The key has no decision: the first one brings the entry and its proof (`decideFirst`).
    error CertificateStatus_ProofNeeded(bytes32 key);
    /// @dev The first decision is the owner's: a competent department decides on keys that have one.
    error CertificateStatus_FirstByOwner(bytes32 key, bytes32 owner, bytes32 department);
    /// @dev The department is neither the owner of the key's log nor competent for its (proven) type.
    error CertificateStatus_NotEntitled(bytes32 key, bytes32 owner, bytes32 department);
    /// @dev The type of the key's record isn't proven (`proveType`), so nobody but the owner may decide on it.
    error CertificateStatus_TypeNotProven(bytes32 key, bytes32 owner, bytes32 department);
    /// @dev A suspended department only suspends (2) and rescinds (3); 0 stands for an annulment.
    error CertificateStatus_DepartmentSuspended(bytes32 department, uint8 code);
    /// @dev Entries have 92 bytes and begin with 1.
    error CertificateStatus_EntryInvalid(bytes32 key);
    /// @dev Only certificates (1), documents (2) and credit items (5) have a status.
    error CertificateStatus_KindWithoutStatus(bytes32 key, uint8 kind);
    /// @dev The entry's key is `entryKey`.
    error CertificateStatus_KeyDiffers(bytes32 key, bytes32 entryKey);
    /// @dev The entry isn't at this index of an anchored tree of that log with this size.
    error CertificateStatus_NotIncluded(bytes32 logId, uint64 index, uint64 size);
    /// @dev No such code.
    error CertificateStatus_CodeUnknown(uint8 code);
    /// @dev A decision can't take effect after its block.
    error CertificateStatus_EffectiveLater(uint64 effectiveFrom, uint64 blockTime);
    /// @dev The suspension would be over at once: `until` must lie after its start.
    error CertificateStatus_UntilInvalid(uint64 since, uint64 until);
    /// @dev `until` is for code 2 only.
    error CertificateStatus_UntilUnexpected(uint8 code);
    /// @dev `ends` is for code 1 only, which needs it.
    error CertificateStatus_EndsUnexpected(uint8 code, uint32 ends);
    /// @dev Decision `ends` isn't a suspension or transfer out that stands.
    error CertificateStatus_NothingToEnd(bytes32 key, uint32 ends);
    /// @dev Only `decidedBy` or the competent department may end or annul that decision.
    error CertificateStatus_NotDecider(bytes32 key, uint32 number, bytes32 decidedBy, bytes32 department);
    /// @dev The state `from` (decision `number`, 0: in force) doesn't allow `code` to this department.
    error CertificateStatus_MoveNotAllowed(bytes32 key, uint8 from, uint32 number, uint8 code);
    /// @dev Code 8 goes through `supersede`, which proves its successor; no other code names or brings one.
    error CertificateStatus_SuccessorUnexpected(uint8 code);
    /// @dev `supersede` is for code 8.
    error CertificateStatus_CodeNotSuperseded(uint8 code);
    /// @dev The successor is the new entry's key, which isn't the old key.
    error CertificateStatus_SuccessorDiffers(bytes32 given, bytes32 entryKey);
    /// @dev No such decision.
    error CertificateStatus_DecisionUnknown(bytes32 key, uint32 number);
    /// @dev This very decision was annulled; a new one has another basis or date.
    error CertificateStatus_DecisionAnnulled(bytes32 key, uint32 number);
    /// @dev At most `limit` at once.
    error CertificateStatus_TooMany(uint256 given, uint256 limit);
    /// @dev The disclosure doesn't lead to the commitment, or issuer and commitment not to the key.
    error CertificateStatus_TypeProofInvalid(bytes32 key, bytes32 typeCode);
    /// @dev Another type was proven for the key.
    error CertificateStatus_TypeDiffers(bytes32 key, bytes32 known);

    /// @notice First decision on a key, by STATUS of the log's owner, with the entry's proof. Where the key has
    /// decisions by now it is as `decide`. False for a decision made already (same department and content).
    function decideFirst(bytes32 key, DecisionInput calldata decision, Proof calldata proof) external returns (bool);

    /// @notice A later decision, by STATUS of the log's owner or of the proven type's competent department.
    /// False for a decision made already (same department and content).
    function decide(bytes32 key, DecisionInput calldata decision) external returns (bool);

    /// @notice Decision 8 with the proof of the successor's entry. `oldProof` is empty where the key has decisions.
    function supersede(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata oldProof,
        Proof calldata newProof
    ) external returns (bool);

    /// @notice Strikes a decision down: it counts as never made, for all dates. By STATUS of the department that
    /// decided, or of the competent one. False if it is annulled.
    function annul(bytes32 key, uint32 number, bytes32 basis) external returns (bool);

    /// @notice Up to 100 decisions, all or none; those made already count nothing. Code 8 goes through `supersede`.
    /// @return decided How many were new.
    function decideMany(DecisionItem[] calldata items) external returns (uint256 decided);

    /// @notice Proves the type of a key's record by the disclosure of `type`, by STATUS of any department. From then on
    /// the competent department may decide on the key, after the owner's first decision. False if proven.
    function proveType(bytes32 key, TypeProof calldata proof) external returns (bool);

    /// @notice All decisions on a key in the order of recording, annulled ones too.
    function decisions(bytes32 key) external view returns (Decision[] memory);

    /// @notice The proven type of the key's record, or zero.
    function typeOf(bytes32 key) external view returns (bytes32);

    /// @notice What was in force at `time`, as known at `known`: of the decisions with recordedAt <= known and
    /// effectiveFrom <= time that aren't annulled (annulledAt <= known) and not ended by then, the last recorded.
    /// Ended by then: named by a decision 1 that itself counts, or a suspension with until <= time. A decision 1 only
    /// ends what it names: it is the answer where nothing else stands, never in front of another suspension.
    /// @return code 0 or 1: in force. @return number The decision, 0: none.
    function statusAt(bytes32 key, uint64 time, uint64 known) external view returns (uint8 code, uint32 number);
}
