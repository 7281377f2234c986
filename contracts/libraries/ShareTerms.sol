// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IShareAuthorisations} from "../interfaces/IShareAuthorisations.sol";
import {Articles} from "./Articles.sol";

/// @title What an application must say before it can be kept (sharing.md, "An application can't be saved without").
library ShareTerms {
    uint8 internal constant STORE = 2;

    uint8 private constant BY_STATUTE = 1;
    uint8 private constant BY_EMERGENCY = 4;
    uint8 private constant LIST = 2;
    uint8 private constant SCOPES = 3;
    uint8 private constant METHODS = 4;
    /// @dev So that a time plus a data life stays a time.
    uint64 private constant LAST = type(uint40).max;

    /// @notice Number (from 1, in the order of Terms) of the first member that is missing or doesn't fit; 0: all do.
    function check(IShareAuthorisations.Terms calldata terms) internal view returns (uint8) {
        if (terms.body == 0) return 2;
        if (terms.items == 0) return 3;
        if ((terms.scope == LIST) != (terms.subjects != 0)) return 4;
        bool byArticle = terms.basisKind == BY_STATUTE || terms.basisKind == BY_EMERGENCY;
        if (!byArticle && terms.document == 0) return 5;
        if (terms.notBefore >= terms.notAfter) return 7;
        if (terms.notAfter <= block.timestamp || terms.notAfter > LAST) return 8;
        if (terms.maxUses == 0) return 9;
        if (terms.ratePerDay == 0) return 10;
        if ((byArticle || terms.article != 0) && !Articles.isArticle(terms.article)) return 11;
        if (terms.basisKind == BY_EMERGENCY && !Articles.isOfEmergencyLaw(terms.article)) return 11;
        if (terms.purpose == 0) return 12;
        if (terms.basisKind == 0 || terms.basisKind > BY_EMERGENCY) return 13;
        if (terms.scope == 0 || terms.scope > SCOPES) return 14;
        if ((terms.mode == STORE) != (terms.dataLife != 0)) return 15;
        if (terms.method == 0 || terms.method > METHODS) return 16;
        if (terms.mode == 0 || terms.mode > STORE) return 17;
        return 0;
    }
}
