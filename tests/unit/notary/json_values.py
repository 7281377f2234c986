"""JSON values for property tests: what RFC 8785 can write."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

MAX = (1 << 53) - 1
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: not (f.is_integer() and MAX < abs(f) < 1e21))
scalars = st.none() | st.booleans() | st.integers(-MAX, MAX) | floats | texts
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
records: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts, values, min_size=1, max_size=14)
hashes = st.binary(min_size=32, max_size=32)
UNFIT: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "record.no_members"),
    ({str(i): 1 for i in range(257)}, "json.too_many_members"),
    ({"a": "\ud800"}, "json.lone_surrogate"),
    ({"\ud800": 1}, "json.lone_surrogate"),
    ({"a": 1 << 60}, "json.integer_range"),
    ({"a": "x" * (1 << 20)}, "json.too_large"),
    ({"a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}, "json.nesting"),
)
"""Records that can't be committed to, and the code that says why."""
