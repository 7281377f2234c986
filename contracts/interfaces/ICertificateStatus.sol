// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "./IAnchorLog.sol";

/// @title CertificateStatus: what was decided about an anchored certificate, document or credit item.
/// @notice A status key is SHA-256("chuzheng/status/v1"0 || issuer (18 bytes) || commitment_sha256).
/// Codes: 1 resumed or transferred in, 2 suspended, 3 rescinded, 4 deregistered, 5 lapsed, 6 transferred out, 7 revoked
/// as a penalty, 8 superseded, 9 withdrawn for the public interest, 10 other.
/// Moves: in force → 2-10; 2 → 1, 3-10, and 2 by another department; 5 → 3, 4, 7; 6 → 1, 3, 4, 7;
/// 3, 7, 9, 10 → 4; 4, 8 → nothing. The state that a move starts from is `statusAt(key, now, now)`.
///
/// Who decides: the department whose log holds the entry (the owner); who succeeded it (机构改革: `carrierOf`, asked for
/// the type once that is proven); the competent department of the type, which proves the type once, by the disclosure of
/// `type`, also in the very call of its first decision. A decision is ended or annulled by who made it, by who succeeded
/// that department, or by the competent one.
///
/// Moving. The Council retires a contract and names its successor, one made with the address of the old one. From then
/// on the old one takes no first decisions. The history of a key goes over with its first act on the successor, or by
/// `carry`; until then both tell it as the old one has it, and from then on the old one takes nothing about the key.
/// Numbers and times stay as they are.
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

    /// @dev One of many decisions; `proof` is empty where the key has decisions, `typeProof` where nobody needs it.
    struct DecisionItem {
        bytes32 key;
        DecisionInput decision;
        Proof proof;
        TypeProof typeProof;
    }

    /// @dev The disclosure of the member `type` of a record (formats.md §2); `n` 0 is "none".
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

    /// @notice The Council retired this contract: first decisions are `successor`'s from this block on.
    event Retired(address indexed successor, address operator, bytes32 basis);

    /// @notice The history of a key, `count` decisions, was taken over from `previous`.
    event StatusCarried(
        bytes32 indexed key,
        bytes32 indexed owner,
        address indexed previous,
        uint32 count,
        address operator
    );

    /// @notice Proofs are asked of this AnchorLog from now on; those that the one before took keep working.
    event LogFollowed(address indexed log, address operator, bytes32 basis);

    /// @dev Only the Council may do this.
    error CertificateStatus_NotCouncil(address account);
    /// @dev The previous contract isn't a CertificateStatus, or has too many before it.
    error CertificateStatus_PreviousInvalid(address previous);
    /// @dev The contract is retired, or the key's history has moved: `successor` takes its place.
    error CertificateStatus_Retired(address successor);
    /// @dev The successor must be a CertificateStatus made with this one's address.
    error CertificateStatus_SuccessorInvalid(address successor);
    /// @dev The previous contract isn't retired in favour of this one; it names `successor` (zero: it is in force).
    error CertificateStatus_NotInForce(address previous, address successor);
    /// @dev Only `successor` takes histories over.
    error CertificateStatus_NotSuccessor(address account, address successor);
    /// @dev The AnchorLog that is followed names `named` as its successor (zero: it is in force).
    error CertificateStatus_LogNotSuccessor(address log, address named);
    /// @dev The key has no decision: the first one brings the entry and its proof (`decideFirst`).
    error CertificateStatus_ProofNeeded(bytes32 key);
    /// @dev The department is neither the owner of the key's log nor its successor, nor competent for the proven type.
    error CertificateStatus_NotEntitled(bytes32 key, bytes32 owner, bytes32 department);
    /// @dev The type of the key's record isn't proven, so nobody but the owner, or its successor, may decide on it. The
    /// competent department brings the disclosure of `type`.
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
    /// @dev Only `decidedBy`, its successor or the competent department may end or annul that decision.
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

    /// @notice First decision on a key, with the entry's proof, by STATUS of the log's owner or of its successor; or of
    /// the type's competent department with the disclosure of `type`, which is kept (`TypeProven`). Where the key has
    /// decisions by now it is as `decide`. False for a decision made already (same department and content).
    /// @param typeProof Looked at, also where the key has decisions, only if nothing else entitles the caller and the type
    /// isn't proven; "none" will do else.
    function decideFirst(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata proof,
        TypeProof calldata typeProof
    ) external returns (bool);

    /// @notice A later decision, by STATUS of the log's owner, of its successor, or of the proven type's competent
    /// department. False for a decision made already (same department and content).
    function decide(bytes32 key, DecisionInput calldata decision) external returns (bool);

    /// @notice Decision 8 with the proof of the successor's entry. `oldProof` is empty where the key has decisions;
    /// `typeProof` as in `decideFirst`.
    function supersede(
        bytes32 key,
        DecisionInput calldata decision,
        Proof calldata oldProof,
        Proof calldata newProof,
        TypeProof calldata typeProof
    ) external returns (bool);

    /// @notice Strikes a decision down: it counts as never made, for all dates. By STATUS of the department that
    /// decided, of its successor, or of the competent one. False if it is annulled.
    function annul(bytes32 key, uint32 number, bytes32 basis) external returns (bool);

    /// @notice Up to 100 decisions, all or none; those made already count nothing. Code 8 goes through `supersede`.
    /// @return decided How many were new.
    function decideMany(DecisionItem[] calldata items) external returns (uint256 decided);

    /// @notice Proves the type of a key's record by the disclosure of `type`, by STATUS of any department. From then on
    /// the competent department may decide on the key without it. False if proven.
    function proveType(bytes32 key, TypeProof calldata proof) external returns (bool);

    /// @notice Points to the AnchorLog that the followed one names as its successor. Council only. False if it is
    /// followed.
    function followLog(IAnchorLog newLog, bytes32 basis) external returns (bool);

    /// @notice Retires this contract in favour of `successor`, for good. Council only. False if that stands already.
    function retire(address successor, bytes32 basis) external returns (bool);

    /// @notice Takes over histories from the previous contract, which must be retired in favour of this one. By anyone;
    /// keys without decisions, and those taken over already, count nothing.
    /// @return carried How many were new.
    function carry(bytes32[] calldata keys) external returns (uint256 carried);

    /// @notice Hands the history of a key to the successor, which alone may call this: this contract takes nothing about
    /// the key from now on. Owner zero and no decisions where there are none.
    function release(bytes32 key) external returns (bytes32 owner, Decision[] memory list);

    /// @notice The contract that this one follows; zero for the first.
    function previous() external view returns (address);

    /// @notice Which of its line this contract is; 1 for the first, at most 16.
    function version() external view returns (uint8);

    /// @notice The contract that takes this one's place; zero while it is in force.
    function successor() external view returns (address);

    /// @notice The AnchorLog that proofs are asked of.
    function log() external view returns (IAnchorLog);

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
