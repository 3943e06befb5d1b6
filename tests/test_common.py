from __future__ import annotations

from os.path import commonprefix

from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.common import n_common_end, n_common_start


@given(st.text("ab", max_size=12), st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_what_two_texts_share(shared: str, one: str, other: str) -> None:
    before = (shared + one, shared + other)
    assert n_common_start(*before) == len(commonprefix(before))
    assert n_common_start(*map(list, before)) == len(commonprefix(before))
    behind = (one + shared, other + shared)
    assert n_common_end(*behind) == len(commonprefix([text[::-1] for text in behind]))
