// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Nodes: which machines belong to the network, who answers for them, and how far each has come.
/// @notice A node belongs to a department and runs at a host: that department, or a service operator, which runs but
/// never owns. Its key is the Keccak-256 of its 64-byte public key (whose last 20 bytes are the address of a validator);
/// a key is used once, for ever: one that has left can't come back, nor serve a second network.
///
/// States: 1 APPLIED (已提交) → 2 ADMITTED (行政审核) → 3 SYNCING (技术放行, 同步中) → 4 OBSERVER (已运行) ⇄ 5 VALIDATOR;
/// any → 6 RETIRED. Votes on validators are taken in the engine; the Council's decision stands here.
/// `reason` codes: 0 none; `basis`, `report`, `application` are the `commitment_sha256` of the act's own entry.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false. A pause stops
/// `admit`, `release` and `promote`.
interface INodes {
    /// @dev What is applied for; contact and application are commitments.
    struct NodeInput {
        bytes32 host;
        uint32 division;
        bytes32 nodeKey;
        bytes32 contact;
        bytes32 application;
    }

    /// @dev A node as it is kept. Times are 0 until the stage is reached; `promotedAt`, `demotedAt`: the last time.
    /// `releaser`: the department that admission charged with the technical release.
    struct Node {
        bytes32 department;
        bytes32 host;
        bytes32 releaser;
        uint32 division;
        uint8 state;
        bytes32 nodeKey;
        bytes32 contact;
        bytes32 application;
        bytes32 report;
        uint64 appliedAt;
        uint64 admittedAt;
        uint64 releasedAt;
        uint64 acceptedAt;
        uint64 promotedAt;
        uint64 demotedAt;
        uint64 retiredAt;
    }

    /// @notice A department applied for a node.
    event NodeApplied(
        bytes32 indexed nodeId,
        bytes32 indexed department,
        bytes32 indexed host,
        uint32 division,
        bytes32 nodeKey,
        bytes32 contact,
        address operator,
        bytes32 application
    );
    /// @notice The application was granted; `department` is zero for the Council.
    event NodeAdmitted(
        bytes32 indexed nodeId,
        bytes32 indexed department,
        bytes32 releaser,
        address operator,
        bytes32 basis
    );
    /// @notice The node may connect and copy the chain.
    event NodeReleased(bytes32 indexed nodeId, bytes32 indexed department, address operator, bytes32 basis);
    /// @notice Its department accepted it: it runs and observes.
    event NodeAccepted(bytes32 indexed nodeId, bytes32 indexed department, address operator, bytes32 report);
    /// @notice The Council decided that it validates.
    event NodePromoted(bytes32 indexed nodeId, address operator, bytes32 basis);
    /// @notice The Council decided that it observes only.
    event NodeDemoted(bytes32 indexed nodeId, address operator, uint16 reason, bytes32 basis);
    /// @notice It belongs to the network no more, and its key to nobody; `department` is zero for the Council.
    event NodeRetired(
        bytes32 indexed nodeId,
        bytes32 indexed department,
        address operator,
        uint16 reason,
        bytes32 basis
    );
    /// @notice It runs at `host`, and `contact` says whom to call; `department` is zero for the Council.
    event NodeChanged(
        bytes32 indexed nodeId,
        bytes32 indexed department,
        bytes32 indexed host,
        bytes32 contact,
        address operator
    );

    /// @dev Only the Council may do this.
    error Nodes_NotCouncil(address account);
    /// @dev For the Council and the province's sharing authority, which is `authority` (zero: none named).
    error Nodes_NotAdmitting(bytes32 nodeId, bytes32 authority, bytes32 department);
    /// @dev The authority doesn't admit its own node: the Council does.
    error Nodes_OwnApplication(bytes32 nodeId, bytes32 department);
    /// @dev A pause stops admissions, releases and promotions.
    error Nodes_Paused();
    /// @dev A suspended department applies for, admits, releases and accepts nothing.
    error Nodes_Suspended(bytes32 department);
    /// @dev A service operator runs nodes and owns none.
    error Nodes_OwnerInvalid(bytes32 department);
    /// @dev The host is the department itself or a service operator.
    error Nodes_HostInvalid(bytes32 department, bytes32 host);
    /// @dev The node is admitted at `host`; only the Council moves it elsewhere.
    error Nodes_HostFixed(bytes32 nodeId, bytes32 host);
    /// @dev The releaser is a member of the network.
    error Nodes_ReleaserInvalid(bytes32 nodeId, bytes32 releaser);
    /// @dev The node's division is the department's own or lies below it.
    error Nodes_DivisionInvalid(bytes32 department, uint32 division);
    /// @dev Zero is no id, no key, no commitment of an application, a contact or a report.
    error Nodes_ValueZero(bytes32 nodeId);
    /// @dev There is another node of that id.
    error Nodes_NodeExists(bytes32 nodeId);
    /// @dev There is no such node.
    error Nodes_NodeUnknown(bytes32 nodeId);
    /// @dev The key belongs, or belonged, to `nodeId`: a new node takes a new key.
    error Nodes_KeyUsed(bytes32 nodeKey, bytes32 nodeId);
    /// @dev Only `owner` may do this.
    error Nodes_NotOwner(bytes32 nodeId, bytes32 owner, bytes32 department);
    /// @dev Only `releaser` releases this node.
    error Nodes_NotReleaser(bytes32 nodeId, bytes32 releaser, bytes32 department);
    /// @dev The node is at `state`; `to` can't follow.
    error Nodes_MoveNotAllowed(bytes32 nodeId, uint8 state, uint8 to);

    /// @notice Applies for a node. By NODE of the department that will own it. False if it was applied for so.
    function applyFor(bytes32 nodeId, NodeInput calldata node) external returns (bool);

    /// @notice Grants the application (行政审核) and names who releases the node technically. By the Council, or NODE of
    /// the sharing authority of the division's province. Not while paused. False if it was admitted.
    function admit(bytes32 nodeId, bytes32 releaser, bytes32 basis) external returns (bool);

    /// @notice Lets the node connect (技术放行). By NODE of the releaser. Not while paused. False if it was released.
    function release(bytes32 nodeId, bytes32 basis) external returns (bool);

    /// @notice Accepts the node as running, with the acceptance report. By NODE of its department: a host doesn't accept
    /// its own work. False if it was accepted.
    function acceptNode(bytes32 nodeId, bytes32 report) external returns (bool);

    /// @notice OBSERVER → VALIDATOR. Council only. Not while paused. False if it validates.
    function promote(bytes32 nodeId, bytes32 basis) external returns (bool);

    /// @notice VALIDATOR → OBSERVER. Council only. False if it observes.
    function demote(bytes32 nodeId, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Any → RETIRED; an application that is refused or taken back ends so too. By NODE of its department, or
    /// the Council. False if it is retired.
    function retire(bytes32 nodeId, uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Another contact, by NODE of its department or the Council; another host, by the Council alone, as a node's
    /// key doesn't leave its machine and admission was for this host. False if nothing differs.
    function change(bytes32 nodeId, bytes32 host, bytes32 contact) external returns (bool);

    /// @notice A node; department zero if there is none.
    function nodeOf(bytes32 nodeId) external view returns (Node memory);

    /// @notice Whose the key is or was; zero: nobody's.
    function nodeByKey(bytes32 nodeKey) external view returns (bytes32 nodeId);

    /// @notice Whether a node with this key may connect: SYNCING, OBSERVER or VALIDATOR.
    function mayConnect(bytes32 nodeKey) external view returns (bool);

    /// @notice Ids of nodes `from` … in the order of application, at most `limit`; and how many there are.
    function nodeIds(uint256 from, uint256 limit) external view returns (bytes32[] memory ids, uint256 total);
}
