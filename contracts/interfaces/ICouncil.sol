// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Council: what the member departments decide together, m of n.
/// @notice A member is a department (its unified social credit code, 18 ASCII bytes, left-aligned) and acts through
/// its delegates: addresses, each with the salted hash of the person behind it. A proposal is one or more calls that the
/// Council makes, all or none. It is executed once approvals of `threshold` members have stood for `delay` seconds and
/// before it expires. Two approvals count as two only if both the members and the persons differ; a delegate without
/// a person (a machine) counts only while the council has a single member.
///
/// Whatever says "Council itself" is a call that only an executed proposal can make; who asked for it, who approved and
/// on what basis is told by the proposal's own events. A `basis` is the `commitment_sha256` of the act's own entry, or
/// zero. Times are block times in seconds.
///
/// Every function checks the caller's rights first; a call that would then change nothing returns false, emits nothing
/// and doesn't revert.
interface ICouncil {
    /// @dev One call of a proposal; no value goes with it.
    struct Call {
        address target;
        bytes data;
    }

    /// @dev Who acts for a member. `personHash`: under the Council's salt; zero for a machine.
    struct Delegate {
        address account;
        bytes32 member;
        bytes32 personHash;
    }

    /// @dev `threshold` members approve; `pauseThreshold` pause (fewer, where the threshold is above 1). `delay`:
    /// seconds between the last approval that was needed and the execution; `expiry`: seconds from a proposal to its
    /// end, more than the delay.
    struct Rules {
        uint8 threshold;
        uint8 pauseThreshold;
        uint32 delay;
        uint32 expiry;
    }

    /// @dev One approval, at most one of a member. `counts` is false once its delegate was ended or appointed anew, and
    /// for a machine's while the council has several members.
    struct Approval {
        address delegate;
        bytes32 member;
        uint64 at;
        bool counts;
    }

    /// @dev A proposal as it stands. `content`: see `contentOf`. `executedAt` 0: not executed. `approvals`: those that
    /// count now. `executableFrom` 0: too few of them.
    struct Proposal {
        bytes32 content;
        bytes32 basis;
        bytes32 member;
        address delegate;
        uint64 proposedAt;
        uint64 expiresAt;
        uint64 executedAt;
        uint8 approvals;
        uint64 executableFrom;
    }

    /// @dev One version of a named contract; it is the one in force from `fromBlock` until the next one's.
    struct Version {
        address account;
        uint64 fromBlock;
        uint64 since;
        bytes32 codeHash;
    }

    /// @notice The department is a member from this block on.
    event MemberAdded(bytes32 indexed member);
    /// @notice The department is no longer a member, and its delegates no longer act for it.
    event MemberRemoved(bytes32 indexed member);
    /// @notice `account` acts for `member`; approvals that it gave before, under another appointment, don't count.
    event DelegateAppointed(bytes32 indexed member, address indexed account, bytes32 personHash);
    /// @notice `account` no longer acts for `member`.
    event DelegateEnded(bytes32 indexed member, address indexed account);
    /// @notice These rules hold from this block on.
    event RulesChanged(uint8 threshold, uint8 pauseThreshold, uint32 delay, uint32 expiry);
    /// @notice `member` proposed these calls; its approval is told by `Approved`.
    event Proposed(
        bytes32 indexed id, bytes32 indexed member, address delegate, bytes32 basis, uint64 expiresAt, Call[] calls
    );
    /// @notice `member` approved the proposal.
    event Approved(bytes32 indexed id, bytes32 indexed member, address delegate);
    /// @notice `member` no longer approves the proposal.
    event ApprovalWithdrawn(bytes32 indexed id, bytes32 indexed member, address delegate);
    /// @notice All calls of the proposal were made.
    event Executed(bytes32 indexed id, bytes32 indexed member, address delegate);
    /// @notice `member` asked for a pause; it does so at most once in 30 days.
    event PauseRequested(bytes32 indexed member, address delegate, uint16 reason, bytes32 basis);
    /// @notice Enough members asked: paused before `until`.
    event Paused(uint64 until);
    /// @notice The Council ended the pause early.
    event PauseEnded();
    /// @notice `account` is version `version` (from 1) of `name`; `codeHash` is the keccak256 of its runtime code.
    event ContractNamed(bytes32 indexed name, address indexed account, uint32 version, bytes32 codeHash);
    /// @notice The trust file of this sequence has this hash (formats.md, section 8).
    event TrustFilePinned(uint64 indexed sequence, bytes32 hash);

    /// @dev Only the Council itself may do this: by a proposal.
    error Council_NotCouncil(address account);
    /// @dev `account` doesn't act for any member.
    error Council_NotDelegate(address account);
    /// @dev `account` has no person behind it, which counts only in a council of one member.
    error Council_PersonNeeded(address account);
    /// @dev The person behind `account` approved already, for `member`; with the id 0: asked for a pause.
    error Council_PersonCounted(bytes32 id, address account, bytes32 member);
    /// @dev The id 0 is refused.
    error Council_IdZero();
    /// @dev A proposal without calls.
    error Council_CallsEmpty();
    /// @dev No code is at `target`.
    error Council_NoCode(address target);
    /// @dev The call at `index` (from 0) failed without saying why.
    error Council_CallFailed(uint256 index, address target);
    /// @dev No such proposal.
    error Council_ProposalUnknown(bytes32 id);
    /// @dev The proposal of this id has another content (calls and basis).
    error Council_ContentDiffers(bytes32 id, bytes32 expected, bytes32 found);
    /// @dev The proposal was executed.
    error Council_AlreadyExecuted(bytes32 id);
    /// @dev The proposal ended at `expiresAt`.
    error Council_Expired(bytes32 id, uint64 expiresAt);
    /// @dev `approvals` count, `threshold` are needed.
    error Council_ApprovalsMissing(bytes32 id, uint8 approvals, uint8 threshold);
    /// @dev The delay ends at `from`.
    error Council_DelayRuns(bytes32 id, uint64 from);
    /// @dev `member` asked for a pause less than 30 days ago; it may again at `from`.
    error Council_PauseTooSoon(bytes32 member, uint64 from);
    /// @dev Not a unified social credit code. `reason`: 1 length, 2 character, 3 division, 4 check, 5 inner check.
    error Council_CodeInvalid(bytes32 member, uint8 reason);
    /// @dev More than `most` members, or delegates of one.
    error Council_TooMany(uint256 most);
    /// @dev Not a member.
    error Council_NotMember(bytes32 member);
    /// @dev The address acts for another member; that ends first.
    error Council_DelegateOfOther(address account, bytes32 member);
    /// @dev The zero address, and the Council itself, can't be a delegate.
    error Council_DelegateInvalid(address account);
    /// @dev The rules contradict themselves: see `Rules`; nothing longer than a year.
    error Council_RulesInvalid(uint8 threshold, uint8 pauseThreshold, uint32 delay, uint32 expiry);
    /// @dev Only `able` members would have a person who acts for no other member: fewer than the threshold, so that the
    /// Council might have locked itself out. Judged when all calls of a proposal are made.
    error Council_NotAble(uint256 able, uint8 threshold);
    /// @dev A contract's name can't be empty.
    error Council_NameEmpty();
    /// @dev No version of that name.
    error Council_NameUnknown(bytes32 name);
    /// @dev Sequence 0, an empty hash, or one that isn't above the newest that was pinned.
    error Council_TrustFileInvalid(bytes32 hash, uint64 sequence, uint64 newest);

    // Proposals

    /// @notice Proposes `calls` under an id of the caller's choice (random, not 0), and approves for the caller's
    /// member. By a delegate. False if this very proposal is there already; approving it is another call.
    function propose(bytes32 id, Call[] calldata calls, bytes32 basis) external returns (bool);

    /// @notice Approves for the caller's member. By a delegate. False if the member's approval counts already.
    /// @param content What is approved (see `contentOf`): after a lost block the id may hold something else.
    function approve(bytes32 id, bytes32 content) external returns (bool);

    /// @notice Takes the approval of the caller's member back. By a delegate. False if there is none.
    function withdrawApproval(bytes32 id) external returns (bool);

    /// @notice Makes the proposal's calls, all or none; what one of them refuses is this call's refusal. By a delegate.
    /// False if it was executed.
    function execute(bytes32 id, Call[] calldata calls) external returns (bool);

    /// @notice Proposes and executes at once, where one approval is enough and nothing delays. By a delegate. False if
    /// the proposal was executed.
    function enact(bytes32 id, Call[] calldata calls, bytes32 basis) external returns (bool);

    // Pause

    /// @notice Asks for a pause. By a delegate whose person counts. Paused as soon as `pauseThreshold` members have
    /// asked within a day, by different persons; the pause lapses after seven days. False while it is paused, or while
    /// the member's request stands.
    function pause(uint16 reason, bytes32 basis) external returns (bool);

    /// @notice Ends a pause before it lapses. Council itself. False if there is none.
    function endPause() external returns (bool);

    // Members and rules

    /// @notice Council itself. False if it is a member.
    function addMember(bytes32 member) external returns (bool);

    /// @notice Ends a member and its delegates. Council itself. False if it isn't one.
    function removeMember(bytes32 member) external returns (bool);

    /// @notice Lets an address act for a member, or gives it another person. Council itself. False if nothing differs.
    function appointDelegate(address account, bytes32 member, bytes32 personHash) external returns (bool);

    /// @notice Council itself. False if it doesn't act for any member.
    function endDelegate(address account) external returns (bool);

    /// @notice Sets the rules. Council itself. False if nothing differs. Open proposals keep their end; threshold and
    /// delay hold for them too, the delay from this block on at the earliest.
    function setRules(Rules calldata rules_) external returns (bool);

    // Registry

    /// @notice Names a new version of a contract. Council itself. False if it is the newest already.
    /// @param name ASCII, left-aligned: `AnchorLog`.
    function nameContract(bytes32 name, address account) external returns (bool);

    /// @notice Pins a trust file; sequences rise. Council itself. False if it is the newest that was pinned.
    function pinTrustFile(bytes32 hash, uint64 sequence) external returns (bool);

    // Views

    /// @notice Whether grants, admissions and openings are paused now.
    function paused() external view returns (bool);

    /// @notice The last pause: it began at `since` and ends at `until`; zeros if there was none.
    function lastPause() external view returns (uint64 since, uint64 until);

    /// @notice When the member last asked for a pause; 0: never.
    function pauseRequestedAt(bytes32 member) external view returns (uint64);

    /// @notice The newest version of a contract; reverts if none was named.
    function contractOf(bytes32 name) external view returns (address);

    /// @notice All versions of a contract, oldest first.
    function versions(bytes32 name) external view returns (Version[] memory);

    /// @notice The first and the newest pinned sequence; zeros if none.
    function pinnedTrustFiles() external view returns (uint64 first, uint64 newest);

    /// @notice The pinned hash of a sequence; zero if it wasn't pinned.
    function trustFile(uint64 sequence) external view returns (bytes32 hash);

    /// @notice The members, in no order.
    function members() external view returns (bytes32[] memory);

    /// @notice Who acts for a member, in no order.
    function delegatesOf(bytes32 member) external view returns (Delegate[] memory);

    /// @notice For whom an address acts; zeros for a stranger.
    function delegateOf(address account) external view returns (bytes32 member, bytes32 personHash);

    /// @notice The rules in force.
    function rules() external view returns (Rules memory);

    /// @notice A proposal as it stands; reverts if there is none.
    function proposal(bytes32 id) external view returns (Proposal memory);

    /// @notice The approvals of a proposal, oldest first.
    function approvals(bytes32 id) external view returns (Approval[] memory);

    /// @notice keccak256 of the ABI encoding of (calls, basis): what is approved.
    function contentOf(Call[] calldata calls, bytes32 basis) external pure returns (bytes32);
}
