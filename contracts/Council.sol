// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {ICouncil} from "./interfaces/ICouncil.sol";
import {Uscc} from "./libraries/Uscc.sol";

/// @title Council: see ICouncil. Seldom called, so clarity goes before gas.
/// @dev One file, though long: proposals, pause and registry are judged by the same members and rules, which are
/// private here.
contract Council is ICouncil {
    using EnumerableSet for EnumerableSet.AddressSet;
    using EnumerableSet for EnumerableSet.Bytes32Set;

    uint256 private constant MOST_MEMBERS = 32;
    uint256 private constant MOST_DELEGATES = 8;
    uint32 private constant LONGEST = 365 days;
    uint64 private constant PAUSE = 7 days;
    uint64 private constant PAUSE_WINDOW = 1 days;
    uint64 private constant PAUSE_AGAIN = 30 days;

    /// | member 18 | term 4 | personHash 32 |; each appointment has a term of its own, so that what was approved
    /// under an earlier one is known from now.
    struct Appointment {
        bytes18 member;
        uint32 term;
        bytes32 personHash;
    }

    /// | delegate 20 | at 8 | term 4 | member 18 |
    struct Kept {
        address delegate;
        uint64 at;
        uint32 term;
        bytes18 member;
    }

    /// | content 32 | basis 32 | delegate 20 | proposedAt 8 | member 18 | expiresAt 8 | executedAt 6 |
    struct Case {
        bytes32 content;
        bytes32 basis;
        address delegate;
        uint64 proposedAt;
        bytes18 member;
        uint64 expiresAt;
        uint48 executedAt;
        Kept[] approvals;
    }

    /// | delegate 20 | at 8 | pauses 4 |; it stands while no pause began since
    struct PauseRequest {
        address delegate;
        uint64 at;
        uint32 pauses;
    }

    /// | threshold 1 | pauseThreshold 1 | delay 4 | expiry 4 |
    Rules private _rules;
    /// | rulesSince 8 | pausedSince 8 | pausedUntil 8 | pauses 4 | term 4 |
    uint64 private _rulesSince;
    uint64 private _pausedSince;
    uint64 private _pausedUntil;
    uint32 private _pauses;
    uint32 private _term;
    /// | changes 16 | firstPinned 8 | newestPinned 8 |; changes of members, delegates and rules
    uint128 private _changes;
    uint64 private _firstPinned;
    uint64 private _newestPinned;

    EnumerableSet.Bytes32Set private _members;
    mapping(bytes32 member => EnumerableSet.AddressSet) private _delegates;
    mapping(address account => Appointment) private _appointments;
    /// @dev How many delegates a person is, over all members.
    mapping(bytes32 personHash => uint256) private _delegacies;
    mapping(bytes32 id => Case) private _cases;
    mapping(bytes32 member => PauseRequest) private _requests;
    mapping(bytes32 name => Version[]) private _versions;
    mapping(uint64 sequence => bytes32) private _trustFiles;

    constructor(bytes32[] memory members_, Delegate[] memory delegates_, Rules memory rules_) {
        for (uint256 i = 0; i < members_.length; ++i) _addMember(members_[i]);
        for (uint256 i = 0; i < delegates_.length; ++i) {
            _appoint(delegates_[i].account, delegates_[i].member, delegates_[i].personHash);
        }
        _setRules(rules_);
        _requireAble();
    }

    modifier onlyCouncil() {
        require(msg.sender == address(this), Council_NotCouncil(msg.sender));
        _;
    }

    // Proposals

    /// @inheritdoc ICouncil
    function propose(bytes32 id, Call[] calldata calls, bytes32 basis) external returns (bool) {
        return _propose(id, _member(), calls, basis);
    }

    /// @inheritdoc ICouncil
    function approve(bytes32 id, bytes32 content) external returns (bool) {
        bytes32 member = _member();
        bytes32 known = _known(id).content;
        require(known == content, Council_ContentDiffers(id, known, content));
        return _approve(id, member);
    }

    /// @inheritdoc ICouncil
    function withdrawApproval(bytes32 id) external returns (bool) {
        bytes32 member = _member();
        Case storage case_ = _known(id);
        require(case_.executedAt == 0, Council_AlreadyExecuted(id));
        if (!_forget(case_.approvals, member)) return false;
        emit ApprovalWithdrawn(id, member, msg.sender);
        return true;
    }

    /// @inheritdoc ICouncil
    function execute(bytes32 id, Call[] calldata calls) external returns (bool) {
        return _execute(id, _member(), calls);
    }

    /// @inheritdoc ICouncil
    function enact(bytes32 id, Call[] calldata calls, bytes32 basis) external returns (bool) {
        bytes32 member = _member();
        if (!_propose(id, member, calls, basis)) {
            if (_cases[id].executedAt != 0) return false;
            _approve(id, member);
        }
        return _execute(id, member, calls);
    }

    // Pause

    /// @inheritdoc ICouncil
    function pause(uint16 reason, bytes32 basis) external returns (bool) {
        bytes32 member = _member();
        _requirePerson();
        if (paused()) return false;
        PauseRequest storage request = _requests[member];
        if (_stands(request)) return false;
        uint64 again = request.at + PAUSE_AGAIN;
        require(request.at == 0 || block.timestamp >= again, Council_PauseTooSoon(member, again));
        uint256 asked = _pauseAskedBesides(member);
        _requests[member] = PauseRequest({delegate: msg.sender, at: _now(), pauses: _pauses});
        emit PauseRequested(member, msg.sender, reason, basis);
        if (asked + 1 >= _rules.pauseThreshold) {
            (_pausedSince, _pausedUntil) = (_now(), _now() + PAUSE);
            ++_pauses;
            emit Paused(_pausedUntil);
        }
        return true;
    }

    /// @inheritdoc ICouncil
    function endPause() external onlyCouncil returns (bool) {
        if (!paused()) return false;
        _pausedUntil = _now();
        emit PauseEnded();
        return true;
    }

    // Members and rules

    /// @inheritdoc ICouncil
    function addMember(bytes32 member) external onlyCouncil returns (bool) {
        return _addMember(member);
    }

    /// @inheritdoc ICouncil
    function removeMember(bytes32 member) external onlyCouncil returns (bool) {
        if (!_members.remove(member)) return false;
        EnumerableSet.AddressSet storage accounts = _delegates[member];
        while (accounts.length() != 0) _endDelegate(accounts.at(accounts.length() - 1));
        ++_changes;
        emit MemberRemoved(member);
        return true;
    }

    /// @inheritdoc ICouncil
    function appointDelegate(address account, bytes32 member, bytes32 personHash) external onlyCouncil returns (bool) {
        return _appoint(account, member, personHash);
    }

    /// @inheritdoc ICouncil
    function endDelegate(address account) external onlyCouncil returns (bool) {
        if (_appointments[account].member == 0) return false;
        _endDelegate(account);
        return true;
    }

    /// @inheritdoc ICouncil
    function setRules(Rules calldata rules_) external onlyCouncil returns (bool) {
        return _setRules(rules_);
    }

    // Registry

    /// @inheritdoc ICouncil
    function nameContract(bytes32 name, address account) external onlyCouncil returns (bool) {
        require(name != 0, Council_NameEmpty());
        require(account.code.length != 0, Council_NoCode(account));
        Version[] storage known = _versions[name];
        if (known.length != 0 && known[known.length - 1].account == account) return false;
        bytes32 codeHash = account.codehash;
        known.push(
            Version({account: account, fromBlock: uint64(block.number), since: _now(), codeHash: codeHash})
        );
        emit ContractNamed(name, account, uint32(known.length), codeHash);
        return true;
    }

    /// @inheritdoc ICouncil
    function pinTrustFile(bytes32 hash, uint64 sequence) external onlyCouncil returns (bool) {
        uint64 newest = _newestPinned;
        if (sequence != 0 && sequence == newest && _trustFiles[sequence] == hash) return false;
        require(hash != 0 && sequence > newest, Council_TrustFileInvalid(hash, sequence, newest));
        if (newest == 0) _firstPinned = sequence;
        _newestPinned = sequence;
        _trustFiles[sequence] = hash;
        emit TrustFilePinned(sequence, hash);
        return true;
    }

    // Views

    /// @inheritdoc ICouncil
    function paused() public view returns (bool) {
        return block.timestamp < _pausedUntil;
    }

    /// @inheritdoc ICouncil
    function lastPause() external view returns (uint64 since, uint64 until) {
        return (_pausedSince, _pausedUntil);
    }

    /// @inheritdoc ICouncil
    function pauseRequestedAt(bytes32 member) external view returns (uint64) {
        return _requests[member].at;
    }

    /// @inheritdoc ICouncil
    function contractOf(bytes32 name) external view returns (address) {
        Version[] storage known = _versions[name];
        require(known.length != 0, Council_NameUnknown(name));
        return known[known.length - 1].account;
    }

    /// @inheritdoc ICouncil
    function versions(bytes32 name) external view returns (Version[] memory) {
        return _versions[name];
    }

    /// @inheritdoc ICouncil
    function pinnedTrustFiles() external view returns (uint64 first, uint64 newest) {
        return (_firstPinned, _newestPinned);
    }

    /// @inheritdoc ICouncil
    function trustFile(uint64 sequence) external view returns (bytes32 hash) {
        return _trustFiles[sequence];
    }

    /// @inheritdoc ICouncil
    function members() external view returns (bytes32[] memory) {
        return _members.values();
    }

    /// @inheritdoc ICouncil
    function delegatesOf(bytes32 member) external view returns (Delegate[] memory found) {
        address[] memory accounts = _delegates[member].values();
        found = new Delegate[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            found[i] = Delegate(accounts[i], member, _appointments[accounts[i]].personHash);
        }
    }

    /// @inheritdoc ICouncil
    function delegateOf(address account) external view returns (bytes32 member, bytes32 personHash) {
        Appointment storage known = _appointments[account];
        return (bytes32(known.member), known.personHash);
    }

    /// @inheritdoc ICouncil
    function rules() external view returns (Rules memory) {
        return _rules;
    }

    /// @inheritdoc ICouncil
    function proposal(bytes32 id) external view returns (Proposal memory) {
        Case storage case_ = _known(id);
        (uint8 counted, uint64 from) = _standing(case_);
        return Proposal({
            content: case_.content,
            basis: case_.basis,
            member: bytes32(case_.member),
            delegate: case_.delegate,
            proposedAt: case_.proposedAt,
            expiresAt: case_.expiresAt,
            executedAt: case_.executedAt,
            approvals: counted,
            executableFrom: from
        });
    }

    /// @inheritdoc ICouncil
    function approvals(bytes32 id) external view returns (Approval[] memory found) {
        Kept[] storage kept = _known(id).approvals;
        found = new Approval[](kept.length);
        for (uint256 i = 0; i < kept.length; ++i) {
            found[i] = Approval(kept[i].delegate, bytes32(kept[i].member), kept[i].at, _counts(kept[i]));
        }
    }

    /// @inheritdoc ICouncil
    function contentOf(Call[] calldata calls, bytes32 basis) public pure returns (bytes32) {
        return keccak256(abi.encode(calls, basis));
    }

    // Rules

    /// @dev The member that the caller acts for.
    function _member() private view returns (bytes32 member) {
        member = bytes32(_appointments[msg.sender].member);
        require(member != 0, Council_NotDelegate(msg.sender));
    }

    /// @dev A machine may act alone, but where several members watch each other people do it.
    function _requirePerson() private view {
        require(_isPerson(msg.sender), Council_PersonNeeded(msg.sender));
    }

    function _isPerson(address account) private view returns (bool) {
        return _appointments[account].personHash != 0 || _members.length() == 1;
    }

    function _known(bytes32 id) private view returns (Case storage case_) {
        case_ = _cases[id];
        require(case_.content != 0, Council_ProposalUnknown(id));
    }

    function _propose(bytes32 id, bytes32 member, Call[] calldata calls, bytes32 basis) private returns (bool) {
        _requirePerson();
        require(id != 0, Council_IdZero());
        require(calls.length != 0, Council_CallsEmpty());
        bytes32 content = contentOf(calls, basis);
        Case storage case_ = _cases[id];
        if (case_.content != 0) {
            require(case_.content == content, Council_ContentDiffers(id, case_.content, content));
            return false;
        }
        for (uint256 i = 0; i < calls.length; ++i) {
            require(calls[i].target.code.length != 0, Council_NoCode(calls[i].target));
        }
        case_.content = content;
        case_.basis = basis;
        case_.delegate = msg.sender;
        case_.proposedAt = _now();
        case_.member = bytes18(member);
        case_.expiresAt = _now() + _rules.expiry;
        emit Proposed(id, member, msg.sender, basis, case_.expiresAt, calls);
        _approve(id, member);
        return true;
    }

    function _approve(bytes32 id, bytes32 member) private returns (bool) {
        _requirePerson();
        Case storage case_ = _cases[id];
        Appointment storage mine = _appointments[msg.sender];
        for (uint256 i = 0; i < case_.approvals.length; ++i) {
            Kept storage kept = case_.approvals[i];
            if (!_counts(kept)) continue;
            if (bytes32(kept.member) == member) return false;
            require(
                _appointments[kept.delegate].personHash != mine.personHash,
                Council_PersonCounted(id, msg.sender, bytes32(kept.member))
            );
        }
        require(case_.executedAt == 0, Council_AlreadyExecuted(id));
        require(block.timestamp < case_.expiresAt, Council_Expired(id, case_.expiresAt));
        _forget(case_.approvals, member);
        case_.approvals.push(Kept({delegate: msg.sender, at: _now(), term: mine.term, member: mine.member}));
        emit Approved(id, member, msg.sender);
        return true;
    }

    function _execute(bytes32 id, bytes32 member, Call[] calldata calls) private returns (bool) {
        Case storage case_ = _known(id);
        if (case_.executedAt != 0) return false;
        bytes32 content = contentOf(calls, case_.basis);
        require(case_.content == content, Council_ContentDiffers(id, case_.content, content));
        require(block.timestamp < case_.expiresAt, Council_Expired(id, case_.expiresAt));
        (uint8 counted, uint64 from) = _standing(case_);
        require(counted >= _rules.threshold, Council_ApprovalsMissing(id, counted, _rules.threshold));
        require(block.timestamp >= from, Council_DelayRuns(id, from));
        // Before the calls: none of them finds it open.
        case_.executedAt = uint48(block.timestamp);
        uint128 changes = _changes;
        for (uint256 i = 0; i < calls.length; ++i) {
            _call(i, calls[i]);
        }
        // After them: in which order members and rules change is free, where they end is not.
        if (_changes != changes) _requireAble();
        emit Executed(id, member, msg.sender);
        return true;
    }

    /// @dev What the called contract refuses is passed on as it is: its own error with its arguments.
    function _call(uint256 index, Call calldata call) private {
        require(call.target.code.length != 0, Council_NoCode(call.target));
        (bool done, bytes memory answer) = call.target.call(call.data);
        if (done) return;
        require(answer.length != 0, Council_CallFailed(index, call.target));
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }

    /// @dev How many approvals count, and from when on the proposal may be executed (0: too few).
    function _standing(Case storage case_) private view returns (uint8 counted, uint64 from) {
        (uint8 threshold, uint64 delay) = (_rules.threshold, _rules.delay);
        for (uint256 i = 0; i < case_.approvals.length; ++i) {
            if (!_counts(case_.approvals[i])) continue;
            // In the order they were given: this one made them enough, under the rules of then or the ones of now.
            if (++counted == threshold) {
                uint64 at = case_.approvals[i].at;
                from = (at > _rulesSince ? at : _rulesSince) + delay;
            }
        }
    }

    /// @dev Persons needn't be compared here: none approves twice, and under another person the term is another one.
    function _counts(Kept storage kept) private view returns (bool) {
        return _appointments[kept.delegate].term == kept.term && _isPerson(kept.delegate);
    }

    /// @dev Removes the approval of `member`, if there is one; the others stay in order.
    function _forget(Kept[] storage kept, bytes32 member) private returns (bool found) {
        for (uint256 i = 0; i < kept.length; ++i) {
            if (found) kept[i - 1] = kept[i];
            else found = bytes32(kept[i].member) == member;
        }
        if (found) kept.pop();
    }

    /// @dev Whether the request counts towards the next pause.
    function _stands(PauseRequest storage request) private view returns (bool) {
        return request.at != 0 && request.pauses == _pauses && block.timestamp < request.at + PAUSE_WINDOW;
    }

    /// @dev How many other members ask for a pause; refuses the caller's person a second voice.
    function _pauseAskedBesides(bytes32 member) private view returns (uint256 asked) {
        bytes32 person = _appointments[msg.sender].personHash;
        for (uint256 i = 0; i < _members.length(); ++i) {
            bytes32 other = _members.at(i);
            PauseRequest storage request = _requests[other];
            Appointment storage by = _appointments[request.delegate];
            if (other == member || !_stands(request) || bytes32(by.member) != other) continue;
            require(by.personHash != person, Council_PersonCounted(0, msg.sender, other));
            if (_isPerson(request.delegate)) ++asked;
        }
    }

    function _addMember(bytes32 member) private returns (bool) {
        uint8 reason = Uscc.check(member);
        require(reason == Uscc.OK, Council_CodeInvalid(member, reason));
        if (!_members.add(member)) return false;
        require(_members.length() <= MOST_MEMBERS, Council_TooMany(MOST_MEMBERS));
        ++_changes;
        emit MemberAdded(member);
        return true;
    }

    function _appoint(address account, bytes32 member, bytes32 personHash) private returns (bool) {
        require(_members.contains(member), Council_NotMember(member));
        require(account != address(0) && account != address(this), Council_DelegateInvalid(account));
        Appointment storage known = _appointments[account];
        bytes32 other = bytes32(known.member);
        require(other == 0 || other == member, Council_DelegateOfOther(account, other));
        if (other == member) {
            if (known.personHash == personHash) return false;
            --_delegacies[known.personHash];
        }
        ++_delegacies[personHash];
        _appointments[account] = Appointment({member: bytes18(member), term: ++_term, personHash: personHash});
        _delegates[member].add(account);
        require(_delegates[member].length() <= MOST_DELEGATES, Council_TooMany(MOST_DELEGATES));
        ++_changes;
        emit DelegateAppointed(member, account, personHash);
        return true;
    }

    function _endDelegate(address account) private {
        Appointment storage known = _appointments[account];
        bytes32 member = bytes32(known.member);
        --_delegacies[known.personHash];
        delete _appointments[account];
        _delegates[member].remove(account);
        ++_changes;
        emit DelegateEnded(member, account);
    }

    function _setRules(Rules memory r) private returns (bool) {
        bool ok = r.threshold == 1 ? r.pauseThreshold == 1 : r.pauseThreshold != 0 && r.pauseThreshold < r.threshold;
        require(
            ok && r.delay < r.expiry && r.expiry <= LONGEST,
            Council_RulesInvalid(r.threshold, r.pauseThreshold, r.delay, r.expiry)
        );
        Rules memory k = _rules;
        if (
            k.threshold == r.threshold && k.pauseThreshold == r.pauseThreshold && k.delay == r.delay
                && k.expiry == r.expiry
        ) return false;
        _rules = r;
        _rulesSince = _now();
        ++_changes;
        emit RulesChanged(r.threshold, r.pauseThreshold, r.delay, r.expiry);
        return true;
    }

    /// @dev Enough members can still act, each by a person who acts for no other one.
    function _requireAble() private view {
        uint256 able = 0;
        for (uint256 i = 0; i < _members.length(); ++i) {
            if (_isAble(_members.at(i))) ++able;
        }
        require(able >= _rules.threshold, Council_NotAble(able, _rules.threshold));
    }

    function _isAble(bytes32 member) private view returns (bool) {
        address[] memory accounts = _delegates[member].values();
        for (uint256 i = 0; i < accounts.length; ++i) {
            bytes32 person = _appointments[accounts[i]].personHash;
            uint256 mine = 0;
            for (uint256 j = 0; j < accounts.length; ++j) {
                if (_appointments[accounts[j]].personHash == person) ++mine;
            }
            if (_isPerson(accounts[i]) && mine == _delegacies[person]) return true;
        }
        return false;
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }
}
