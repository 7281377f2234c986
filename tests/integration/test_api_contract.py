"""The interface against its own description: requests made up from OpenAPI, and every answer as described.

In the process, bounded in number. Nothing that anybody can send makes a 5xx; what comes back is what is promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import assemble
from api.auth import TokenStore
from api.parts import Parts
from api.settings import Settings
from api.statuses import lookup
from ledger.types import Role
from tests.fakes.house import FixedClock, House, build_house
from tests.leftovers import lasting

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12


@schemathesis.serializer("application/x-ndjson")
def ndjson(_: Any, value: Any) -> bytes:
    """One line of what the schema describes, twice: a line is a schema's instance, the body isn't."""
    line = json.dumps(value).encode()
    return line + b"\n" + line


@schemathesis.serializer("application/vnd.chuzheng.entries")
def packed(_: Any, value: Any) -> bytes:
    """Made-up bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = build_house(tmp_path_factory.mktemp("house"), checks_per_minute=10**6, lookups_per_minute=10**6)
    floor, lookup.FLOOR = lookup.FLOOR, 0.0
    yield made
    lookup.FLOOR = floor
    made.notary.close()


@pytest.fixture(scope="module")
def description(house: House) -> Any:
    house.anchored(house.certificate())
    with lasting():  # it has one event loop for the whole process
        return schemathesis.openapi.from_asgi("/api/v1/openapi.json", assemble(house.parts))


def operations() -> list[tuple[str, str]]:
    """(method, path) of all, from a description that needs no parts to work."""
    parts = Parts(Settings(), FixedClock(), TokenStore(Path("nowhere")), "unit")
    paths = assemble(parts).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("method", "path"), operations())
def test_interface__whatever_is_sent__answers_as_described(
    description: Any, house: House, method: str, path: str, mode: GenerationMode
) -> None:
    operation = description[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def answers(case: Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE:
            role = Role.STATUS if "decisions" in path else Role.ANCHOR
            case.headers["Authorization"] = house.headers(role)["Authorization"]
            if "origin" in case.path_parameters:
                case.path_parameters["origin"] = quote(house.origin, safe="")
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 400 or b"Traceback" not in response.content

    try:
        answers()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "there is nothing to get wrong about it"
