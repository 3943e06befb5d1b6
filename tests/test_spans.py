"""Where changes are said to be; what they do to spans is tested with the turns that these are of."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_lsp.document import Document
from codegen_lsp.edits import Change, changes
from codegen_lsp.spans import Span, placed

lines = st.lists(st.sampled_from(["# a", "b", "  b", "# c", "", "d"]), max_size=9)
ends = st.sampled_from(["\n", "\r\n", "\r"])
rows = st.lists(st.integers(0, 9), unique=True, max_size=6).map(sorted)


@settings(max_examples=1_000)
@given(lines, lines, ends, rows)
def test_wherever_they_are_they_make_the_same_of_the_text(
    old_lines: list[str], new_lines: list[str], end: str, at: list[int]
) -> None:
    old = "".join(line + end for line in old_lines)
    new = "".join(line + end for line in new_lines)
    starts = Document("", "", 0, old).line_starts
    known = [row for row in at if row < len(starts)]
    spans = [
        Span(starts[first], starts[first + 1], starts[last])
        for first, last in pairwise(known)
        if last - first >= 2
    ]
    done, pieces = 0, []
    for change in placed(changes(old, new), old, spans):
        assert done <= change.start <= change.end
        pieces += [old[done : change.start], change.text]
        done = change.end
    assert "".join([*pieces, old[done:]]) == new


def test_no_change_is_put_in_front_of_the_one_before_it() -> None:
    text, spans = "# a\nx\n# a\ny\n", [Span(6, 10, 11)]
    inserted = Change(10, 10, "w\n# a\n")
    assert placed([inserted], text, spans) == (Change(6, 6, "# a\nw\n"),)
    made = (Change(6, 8, "//"), inserted)
    assert placed(made, text, spans) == made
