// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Uscc} from "./Uscc.sol";

/// @title Names of logs: `chuzheng/N/C` or `chuzheng/N/C/S` (formats.md §4).
library Origins {
    bytes32 private constant PREFIX = "chuzheng/";
    uint256 private constant PREFIX_LENGTH = 9;
    uint256 private constant CODE_LENGTH = 18;

    /// @notice H("chuzheng/log/v1"0 || origin).
    function logId(string calldata origin) internal pure returns (bytes32) {
        return sha256(abi.encodePacked("chuzheng/log/v1", bytes1(0), origin));
    }

    /// @notice Whether `name` matches `[a-z0-9][a-z0-9-]{0,31}`.
    function isName(bytes memory name) internal pure returns (bool) {
        if (name.length == 0 || name.length > 32 || name[0] == "-") return false;
        for (uint256 i = 0; i < name.length; ++i) {
            bytes1 c = name[i];
            if (!((c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "-")) return false;
        }
        return true;
    }

    /// @notice Network and issuer of an origin, left-aligned; `ok` is false for what doesn't match the grammar.
    function parse(string calldata origin) internal pure returns (bool ok, bytes32 network, bytes32 issuer) {
        bytes calldata text = bytes(origin);
        if (text.length < PREFIX_LENGTH || bytes32(text[:PREFIX_LENGTH]) != PREFIX) return (false, 0, 0);
        uint256 end = PREFIX_LENGTH;
        while (end < text.length && text[end] != "/") ++end;
        if (!isName(text[PREFIX_LENGTH:end])) return (false, 0, 0);
        network = bytes32(text[PREFIX_LENGTH:end]);

        uint256 start = end + 1;
        end = start + CODE_LENGTH;
        if (text.length < end) return (false, 0, 0);
        issuer = bytes32(text[start:end]);
        if (Uscc.check(issuer) != Uscc.OK) return (false, 0, 0);
        if (text.length > end && (text[end] != "/" || !isName(text[end + 1:]))) return (false, 0, 0);
        return (true, network, issuer);
    }
}
