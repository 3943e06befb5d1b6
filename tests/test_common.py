from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.common import n_common_end, n_common_start


@given(st.text("ab", max_size=12), st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_what_two_texts_share(shared: str, one: str, other: str) -> None:
    before = shared + one, shared + other
    n = n_common_start(*before)
    assert n == n_common_start(*map(list, before))
    assert before[0][:n] == before[1][:n]
    assert n == min(map(len, before)) or before[0][n] != before[1][n]
    assert n_common_end(one + shared, other + shared) >= len(shared)
    assert n_common_end(before[0][::-1], before[1][::-1]) == n
