"""One long intent as steps."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_lsp.intents import as_comment, intent_at
from codegen_lsp.steps import split
from codegen_lsp.syntax import parse

MTPB = Path(__file__).parents[2] / "shared" / "data" / "mtpb.jsonl"

# an intent, its steps; those of one line are between bars
TABLE = [
    pytest.param("", "", id="nothing"),
    pytest.param("Read the file", "Read the file", id="one"),
    pytest.param("Read the file. Count its words.", "Read the file.|Count its words.",
                 id="sentences"),
    pytest.param("Read the file and count\nits words. Print the ten\nmost common.",
                 "Read the file and count its words.|Print the ten most common.", id="wrapped"),
    pytest.param("Read the file! Is it empty? Stop.", "Read the file!|Is it empty?|Stop.", id="!?"),
    pytest.param("Read it, e.g. with open. Close it.", "Read it, e.g. with open.|Close it.",
                 id="e.g."),
    pytest.param("Sort it, i.e. A before B. Print.", "Sort it, i.e. A before B.|Print.", id="i.e."),
    pytest.param("Lies es, z.B. Zeile für Zeile. Zähle.", "Lies es, z.B. Zeile für Zeile.|Zähle.",
                 id="z.B."),
    pytest.param("Compare it, cf. Knuth. Print it.", "Compare it, cf. Knuth.|Print it.", id="cf."),
    pytest.param("Divide by 3.5. Round to 2.", "Divide by 3.5.|Round to 2.", id="numbers"),
    pytest.param("Call foo.bar(). Read a.py. Stop.", "Call foo.bar().|Read a.py.|Stop.",
                 id="names"),
    pytest.param("Add 1 to x. Print N.", "Add 1 to x.|Print N.", id="a letter at the end"),
    pytest.param("read the file. count its words", "read the file. count its words",
                 id="small letters begin no sentence"),
    pytest.param("Sort; ties by name; then print", "Sort; ties by name; then print",
                 id="semicolons"),
    pytest.param("Wait... and read. Then... Stop.", "Wait... and read.|Then...|Stop.",
                 id="an ellipsis"),
    pytest.param('Print "A. B". Print "C."', 'Print "A. B".|Print "C."', id="quotes"),
    pytest.param('Print "Done." Stop.', 'Print "Done."|Stop.', id="a stop in quotes"),
    pytest.param("Call `a. B` now. Stop.", "Call `a. B` now.|Stop.", id="backticks"),
    pytest.param("Call f([1. , 2], A. B). Stop.", "Call f([1. , 2], A. B).|Stop.", id="brackets"),
    pytest.param("Sort them. (Ties by name.) Print them.", "Sort them. (Ties by name.)|Print them.",
                 id="an aside"),
    pytest.param("Take all (A, B etc.) and sort.", "Take all (A, B etc.) and sort.",
                 id="a stop in brackets"),
    pytest.param("Is a != b? Then a = c ? D : E.", "Is a != b?|Then a = c ? D : E.",
                 id="operators"),
    pytest.param("读取文件。统计单词！打印出来", "读取文件。|统计单词！|打印出来", id="Chinese"),
    pytest.param("读取。print it", "读取。|print it", id="Chinese and English"),
    pytest.param("Use inkl? Stop.", "Use inkl?|Stop.", id="a question about an abbreviation"),
    pytest.param("彼は「はい。」と言う。次", "彼は「はい。」|と言う。|次", id="quoted"),
    pytest.param("اقرأ الملف؟ اطبع الكلمات.", "اقرأ الملف؟|اطبع الكلمات.", id="Arabic"),
    pytest.param("Прочитай файл. Выведи слова.", "Прочитай файл.|Выведи слова.", id="Russian"),
    pytest.param("फ़ाइल पढ़ो। शब्द गिनो।", "फ़ाइल पढ़ो।|शब्द गिनो।", id="Hindi"),
    pytest.param("Read the file\nCount its words\nPrint the ten most common words of all",
                 "Read the file|Count its words|Print the ten most common words of all",
                 id="lines that began early"),
    pytest.param("read the file\nand count", "read the file and count", id="a line that goes on"),
    pytest.param("Read the file and count its words, all of them that are there, by\nFibonacci.",
                 "Read the file and count its words, all of them that are there, by Fibonacci.",
                 id="a name behind a full line"),
    pytest.param("Read,\nThen stop", "Read, Then stop", id="a comma"),
    pytest.param("Read the file and count its words\nPrint them",
                 "Read the file and count its words|Print them", id="a short line"),
    pytest.param("Read the file and count all of the words that are in it, with care, and\n"
                 "sort them by how often they occur in the whole of the file\nThen print it",
                 "Read the file and count all of the words that are in it, with care, and "
                 "sort them by how often they occur in the whole of the file|Then print it",
                 id="shorter than the others"),
    pytest.param("Print the ten most common words of the file that was named and read\nCount\nStop",
                 "Print the ten most common words of the file that was named and read|Count|Stop",
                 id="each with a capital"),
    pytest.param("Read" + " it" * 40 + "\nPrint it", "Read" + " it" * 40 + "|Print it",
                 id="too long to be wrapped"),
    pytest.param("first\n\nsecond", "first|second", id="paragraphs"),
    pytest.param("1. read it\n2. count\n   its words\n10) stop", "read it|count its words|stop",
                 id="a numbered list"),
    pytest.param("1. Read it. 2. Count. 3. Stop.", "Read it.|Count.|Stop.",
                 id="numbers on one line"),
    pytest.param("- read it. Close it.\n* [ ] count\n• stop", "read it. Close it.|count|stop",
                 id="bullets"),
    pytest.param("a) read it\nb) count", "read it|count", id="letters"),
    pytest.param("1、读取\n2、统计", "读取|统计", id="Chinese numbers"),
    pytest.param("Write a stack:\n- push\n- pop\n\nPrint it.", "Write a stack: push|pop|Print it.",
                 id="a heading goes with the first item"),
    pytest.param("Read it. Do:\n- a\n- b", "Read it.|Do: a|b", id="a sentence as heading"),
    pytest.param("Read it.\n\nDo:\n  - a\n  - b", "Read it.|Do: a|b", id="a heading is no section"),
    pytest.param("Read it.\n:param a: b\nthen stop", "Read it.\n:param a: b|then stop",
                 id="behind a field"),
    pytest.param("- read:\n  - a\n  - b\n- stop", "read:\n- a\n- b|stop", id="a list in a list"),
    pytest.param("Square it.\n\n>>> f(2)\n4\n>>> f(3)\n9\n\nPrint it.",
                 "Square it.\n>>> f(2)\n4\n>>> f(3)\n9|Print it.", id="doctest's lines"),
    pytest.param('Write f. E.g., f(5) = "4". Print it.', 'Write f. E.g., f(5) = "4".|Print it.',
                 id="an example"),
    pytest.param("Write f. For example: f(5) returns 4. Print.",
                 "Write f. For example: f(5) returns 4.|Print.", id="an example with words before it"),
    pytest.param("写f。例：f(5) == 4。打印。", "写f。 例：f(5) == 4。|打印。",
                 id="an example in Chinese"),
    pytest.param("Write f. Assert that f(5) == 4.", "Write f.|Assert that f(5) == 4.",
                 id="a sentence that says more"),
    pytest.param("Read it.\n\nArgs:\n    path: where it is.\n    mode: how.\n\n    More.\n\nStop.",
                 "Read it.\nArgs:\n    path: where it is.\n    mode: how.\n    More.|Stop.",
                 id="a section"),
    pytest.param("Read it.\n\n:param path: where.\n    It is.\n@return how.\nStop.",
                 "Read it.\n:param path: where.\n    It is.\n@return how.|Stop.", id="fields"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "steps"), TABLE)
def test_split(text: str, steps: str) -> None:
    assert "|".join(split(text)) == steps


@given(st.text(alphabet="aB1 \n.!?。:;,-*()\"'`>#[]{}e", max_size=200))
def test_nothing_is_lost(text: str) -> None:
    """But marks of lists; and no step is blank."""
    steps = split(text)
    assert all(step.strip() for step in steps)
    assert "".join(filter(str.isalpha, "".join(steps))) == "".join(
        filter(str.isalpha, _without_letters_of_lists(text))
    )


def _without_letters_of_lists(text: str) -> str:
    return re.sub(r"(?m)^[ \t]*\(?[a-zA-Z]\)[ \t]+(?=\S)", "", text)


@pytest.mark.parametrize(("joint", "share"), [(" ", 0.63), ("\n", 0.89), ("\n\n", 0.91)])
def test_the_benchmark_is_factored_again(joint: str, share: float) -> None:
    """As well as `split` says of itself."""
    found = [squeezed(split(joint.join(prompts))) == squeezed(prompts) for prompts in problems()]
    assert sum(found) / len(found) >= share


def test_the_benchmark_is_factored_again_from_a_comment() -> None:
    found = []
    for prompts in problems():
        written = as_comment("\n\n".join(prompts), "python", "    ")
        intent = intent_at(parse(written, "python"), 0)
        found.append(intent is not None and squeezed(split(intent.text)) == squeezed(prompts))
    assert sum(found) / len(found) >= 0.9


def problems() -> list[list[str]]:
    if not MTPB.exists():
        pytest.skip("no ../shared/data/mtpb.jsonl, the benchmark whose prompts this test splits")
    lines = MTPB.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["prompts"] for line in lines]


def squeezed(steps: Sequence[str]) -> list[str]:
    return [" ".join(step.split()) for step in steps]
