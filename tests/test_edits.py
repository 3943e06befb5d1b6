"""What became of a text: the changes are shown in place, `[old->new]`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.edits import Change, changes, edit_between

lines = st.lists(st.sampled_from(["a", "b", " a", "  b ", "c", "", "d"]), max_size=8)
ends = st.sampled_from(["\n", "\r\n", "\r"])


def shown(old: str, made: tuple[Change, ...]) -> str:
    for change in reversed(made):
        mark = f"[{old[change.start : change.end]}->{change.text}]"
        old = old[: change.start] + mark + old[change.end :]
    return old


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("a\nb\n", "a\nb\n", "a\nb\n", id="nothing"),
        pytest.param("a\nb\n", "a\nbc\n", "a\nb[->c]\n", id="a key"),
        pytest.param("x = 1\n", "y = 2\n", "[x = 1->y = 2]\n", id="in one line"),
        pytest.param("a\nb\n", "a\nc\nd\nb\n", "a\n[->c\nd\n]b\n", id="several lines at once"),
        pytest.param(
            "a\nb\nc\nd\n", "A\nb\nc\nD\n", "[a->A]\nb\nc\n[d->D]\n", id="at the top and at the end"
        ),
        pytest.param(
            "for x in y:\n    f(x)\n    g(x)\n",
            "  for x in y:\n      f(x)\n      g(x)\n",
            "[->  ]for x in y:\n    [->  ]f(x)\n    [->  ]g(x)\n",
            id="indented",
        ),
        pytest.param(
            "a\n\tb\n", "a\r\n    b\r\n", "a[->\r]\n[\t->    ]b[->\r]\n", id="another style"
        ),
        pytest.param(
            "one\n}\ntwo\n}\nthree\n",
            "ONE\n}\ntwo\n}\nnew\n}\nTHREE\n",
            "[one->ONE]\n}\ntwo\n}\n[three->new\n}\nTHREE]\n",
            id="no bracket of another block",
        ),
        pytest.param("a\n", "  a\na\n", "[->  a\n]a\n", id="a line above its like"),
        pytest.param(
            "for x {\ny\ny\n}", "  for x {\n  y\n  y\n!", "[->  ]for x {\n[->  ]y\n[->  ]y\n[}->!]",
            id="behind a line that is there once",
        ),
        pytest.param(
            "a\ny\ny\nend\n", "b\n  y\n  y\nend\n!\n", "[a->b]\n[->  ]y\n[->  ]y\nend\n[->!\n]",
            id="and before it",
        ),
        pytest.param("}\na\n}\nb\n", "x\n}\ny\n", "[}\na\n}\nb->x\n}\ny]\n", id="nor one of two"),
        pytest.param("x\n}\ny\n", "}\na\n}\nb\n", "[x\n}\ny->}\na\n}\nb]\n", id="nor two of one"),
        pytest.param("a\nb\nc\nd\n", "d\nb\nc\nA\n", "[a->d]\nb\nc\n[d->A]\n", id="out of order"),
    ],
)  # fmt: skip
def test_changes(old: str, new: str, expected: str) -> None:
    assert shown(old, changes(old, new)) == expected


@given(lines, lines, ends, ends)
def test_they_make_the_one_text_of_the_other(
    old_lines: list[str], new_lines: list[str], old_end: str, new_end: str
) -> None:
    old, new = old_end.join(old_lines), new_end.join(new_lines)
    made = changes(old, new)
    at, pieces = 0, []
    for change in made:
        assert at <= change.start <= change.end
        assert change.text != old[change.start : change.end]
        pieces += [old[at : change.start], change.text]
        at = change.end
    assert "".join([*pieces, old[at:]]) == new


@given(st.text(), st.text(), st.text(), st.text())
def test_an_edit_is_what_lies_between(start: str, old: str, new: str, end: str) -> None:
    edit = edit_between(start + old + end, start + new + end)
    one, other = start + old + end, start + new + end
    assert one[: edit.start] == other[: edit.start]
    assert one[edit.old_end :] == other[edit.new_end :]
    assert edit.old_end - edit.start <= len(old)
    assert edit.new_end - edit.start <= len(new)
    assert min(edit.old_end, edit.new_end) >= edit.start
