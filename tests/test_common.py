from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.common import is_near, n_common_end, n_common_start


@given(st.text("ab", max_size=12), st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_what_two_texts_share(shared: str, one: str, other: str) -> None:
    before = shared + one, shared + other
    n = n_common_start(*before)
    assert n == n_common_start(*map(list, before))
    assert before[0][:n] == before[1][:n]
    assert n == min(map(len, before)) or before[0][n] != before[1][n]
    assert n_common_end(one + shared, other + shared) >= len(shared)
    assert n_common_end(before[0][::-1], before[1][::-1]) == n


@pytest.mark.parametrize(
    ("one", "other", "n_edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "ac", 1), ("ac", "abc", 1),
     ("abc", "", 3), ("kitten", "sitting", 3), ("abcd", "badc", 3)],
)  # fmt: skip
def test_is_near_from_as_many_edits_as_it_takes(one: str, other: str, n_edits: int) -> None:
    assert is_near(one, other, n_edits)
    assert not is_near(one, other, n_edits - 1)
