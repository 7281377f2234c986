"""Shapes of records for the description of the interface; formats.md §1 and ledger.certificates are the rule."""

from __future__ import annotations

from typing import Any

EXAMPLE: dict[str, Any] = {
    "schema": "certificate/1",
    "kind": "certificate",
    "issuer": "11420000MB9543829Q",
    "issuer_name": "湖北省市场监督管理局",
    "type": "11100000009985328F011",
    "identifier": "1.2.156.3005.2.11100000009985328F011.11420000MB9543829Q.OOCUWY9H5T0RIQXCIZNZ.001.W",
    "identifier_form": "issued",
    "version": 1,
    "capture": "data",
    "name": "食品经营许可证",
    "number": "JY14200000000001",
    "issue_date": "2024-02-28",
    "valid_from": "2024-02-28",
    "valid_to": "2029-02-25",
    "holders": [{"name": "兴山县和兴餐饮管理有限公司（样例）", "code_type": "001", "code": "91420526MA9986781L"}],
}
RecordBody: dict[str, Any] = {
    "type": "object",
    "description": "A record: 1 to 256 members, at most 1 MiB, strict JSON (no duplicate names, no BOM)",
    "required": ["schema", "kind", "issuer"],
    "properties": {
        "schema": {"enum": ["certificate/1", "document/1"]},
        "kind": {"enum": ["certificate", "document"]},
        "issuer": {"type": "string", "description": "Unified social credit code, 18 characters"},
    },
    "example": EXAMPLE,
}
AcceptedBody: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "receipts", "salts"],
    "properties": {
        "schema": {"const": "chuzheng-accepted/1"},
        "receipts": {"type": "object", "description": "chuzheng-receipts/1 with promises"},
        "salts": {
            "type": "string",
            "contentEncoding": "base64",
            "description": "32 bytes per record, in the order sent",
        },
        "further": {
            "type": "array",
            "items": {"type": "object"},
            "description": "More stretches, where some stood there",
        },
    },
}
