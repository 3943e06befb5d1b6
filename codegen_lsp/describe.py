"""Code becomes its description: what is asked about a definition, what is made of the answers, and where
that goes.

A docstring goes below its header in Python; elsewhere a comment goes above it, in the form that the
language's documentation tools read. It says in a few sentences what the definition does, and nothing of
parameters: models invent those.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

from codegen_lsp import lines
from codegen_lsp.complete import budget_for, greedy_first
from codegen_lsp.config import Config
from codegen_lsp.context import MAX_TEXT
from codegen_lsp.document import Document
from codegen_lsp.edits import Change
from codegen_lsp.engine import Cancel, Engine, Prompt, mean_logprob
from codegen_lsp.intents import MAX_COLUMNS, MIN_COLUMNS, as_comment
from codegen_lsp.languages import Language, row
from codegen_lsp.normal import normal, style_at
from codegen_lsp.repetition import circle, stutter
from codegen_lsp.secrets import until_secret
from codegen_lsp.syntax import Definition, Parsed, definitions, parse

# Characters above a definition that the model is shown: some 600 tokens.
MAX_ABOVE = 2_000
# Sentences of a description, and words that the shortest one has.
MAX_SENTENCES, MIN_WORDS = 3, 2
# What tools that make documentation read: a block above the definition, or lines with a mark of their
# own. Go has none of these: there it is a comment like any other.
BLOCKS = frozenset({
    "javascript", "javascriptreact", "typescript", "typescriptreact", "java", "c", "cpp", "kotlin",
    "scala", "groovy", "php", "objective-c", "objective-cpp",
})  # fmt: skip
MARKS = {"rust": "///", "swift": "///", "dart": "///", "csharp": "///", "zig": "///"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A definition in a document: in normal form its lines, those of them that are its header, and those
    above it. Its description goes in front of the offset `at` of the document as its client has it,
    where a line begins, indented by `indent`."""

    document: Document
    name: str
    above: str
    code: str
    header: str
    at: int
    indent: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a model says of a definition: its words, and how sure of them it was."""

    text: str
    mean_logprob: float


def subject_at(document: Document, offset: int) -> Subject | str:
    """The innermost function or class on whose lines an offset of the document is; or why it cannot be
    described, in one line for a person."""
    text = normal(document.text, document.language)
    parsed = parse(text, document.language) if len(text) <= MAX_TEXT else None
    around = _around(parsed, len(normal(document.text[:offset], document.language)))
    if parsed is None or around is None:
        return "there is no function and no class around the cursor"
    if not _says_something(text[around.body : around.end], row(document.language)):
        return f"{around.name} does nothing yet that could be described"
    if _is_described(parsed, around):
        return f"{around.name} has a description already"
    if document.language == "python" and _is_on_one_line(text, around):
        return f"the body of {around.name} has to begin on a line of its own"
    return _subject(document, text, around)


def described(
    subject: Subject, engine: Engine, config: Config, cancel: Cancel, hear: Callable[[str], None]
) -> tuple[Description, ...]:
    """What a model says of it, the surest first, none of it twice; nothing once the flag is raised.
    `hear` is told what the first one says so far. Raises `EngineError`."""
    written = [_Written() for _ in range(config.candidates)]
    generation = engine.generate(
        prompt_for(subject, engine, config), greedy_first(config, config.candidates), cancel
    )
    for token in generation:
        candidate = written[token.candidate]
        candidate.text += token.text
        candidate.logprobs.append(token.logprob)
        if is_over(candidate.text, subject):
            generation.stop(token.candidate)
        if token.candidate == 0:
            hear(candidate.text)
    if cancel.is_set():
        return ()
    found: dict[str, Description] = {}
    ends = zip(written, generation.stats.stops, strict=True)
    for candidate, stop in sorted(ends, key=lambda each: -mean_logprob(each[0].logprobs)):
        text = cleaned(candidate.text, subject, is_cut=stop == "length")
        if text:
            found.setdefault(text, Description(text, mean_logprob(candidate.logprobs)))
    return tuple(found.values())


def prompt_for(subject: Subject, engine: Engine, config: Config) -> Prompt:
    """What stands above, the code, and again its header with an opened docstring, or a comment that
    begins with its name; as much of that as fits. Which form is best: `benchmarks/descriptions.py`."""
    budget = budget_for(config, engine)
    above, code = subject.above.split("\n")[:-1], subject.code.split("\n")
    while True:
        text = "\n".join(above + code) + f"\n\n{_asked(subject)}"
        tokens = engine.tokenize(text)
        if len(tokens) <= budget or not above + code:
            return Prompt(text, tuple(tokens[-budget:]))
        above, code = above[len(above) // 2 + 1 :], code if above else code[: len(code) // 2]


def is_over(text: str, subject: Subject) -> bool:
    """Whether what comes behind a text that is being written would not be shown."""
    words, is_left = _words(text, subject)
    n_sentences = len(_SENTENCE_END.findall(words.rstrip()))
    return is_left or bool(_END.search(words)) or n_sentences >= MAX_SENTENCES


def cleaned(text: str, subject: Subject, *, is_cut: bool = False) -> str:
    """One to a few sentences of what a model has said; "" where it has said nothing of use. Where that
    is cut off, its last sentence is none."""
    words, _ = _words(text, subject)
    said = " ".join(until_secret(_END.split(words, maxsplit=1)[0], "").split()).lstrip(":-– ")
    if (at := stutter(said)) is not None or (at := circle(said, at_end=False)) is not None:
        said, is_cut = said[:at], True
    ends = [match.end() for match in _SENTENCE_END.finditer(said)][:MAX_SENTENCES]
    if is_cut or len(ends) == MAX_SENTENCES:
        said = said[: ends[-1]] if ends else ""
    header, code = (" ".join(text.split()) for text in (subject.header, subject.code))
    is_code = header.rstrip(" {") in said or said.rstrip(".") in code
    if is_code or len(re.findall(r"[^\W\d_]{2,}", said)) < MIN_WORDS:
        return ""
    first = said.split()[0]
    names = set(re.findall(r"\w+", subject.code)) - row(subject.document.language).keywords
    if first.isalpha() and first.islower() and first not in names:
        said = said[0].upper() + said[1:]
    return said if said[-1] in ".!?" else said.rstrip(",;:- ") + "."


def change_for(subject: Subject, description: Description) -> Change:
    """What is to be done to the document: whole lines, in its own style."""
    document, at = subject.document, subject.at
    newline = style_at(document.text, at, document.language).newline
    lines_ = written_out(description.text, subject.name, document.language, subject.indent)
    text = lines_.replace("\n", newline)
    if at and document.text[at - 1] not in "\r\n":  # the last line has no end
        text = newline + text.removesuffix(newline)
    return Change(at, at, text)


def written_out(text: str, name: str, language: str, indent: str) -> str:
    r"""A description as it stands in a text of its language, in lines that end with \n."""
    if language == "go":  # by convention it begins with the name
        text = f"{name} {text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}"
    width = max(MIN_COLUMNS, MAX_COLUMNS - len(indent))
    if language == "python":
        found = _docstring(text, width)
    elif language in BLOCKS:
        found = _block(text, width)
    elif language in MARKS:
        found = _marked(text, MARKS[language], width, is_xml=language == "csharp")
    else:
        return as_comment(text, language, indent)
    return "".join(f"{indent}{line}\n" for line in found)


# Above a definition: what belongs to it and stands on lines of its own.
_ATTRIBUTE = re.compile(r"[ \t]*(?:#\[|@\w|\[[A-Z])")
# Where a description ends: at a blank line, at what tools read or people list, at code.
_END = re.compile(
    r"\n[ \t]*\n|\"\"\"|'''|```|\*/|>>>"
    r"|^[ \t]*(?::(?:param|type|returns?|rtype|raises|i?var)\b|[@\\]\w|[-=~]{3,}"
    r"|(?:async )?def \w|class \w+[:(]"
    r"|(?:Args|Arguments|Parameters|Returns?|Raises|Yields?|Examples?|Notes?)[ \t]*[:\n])",
    re.MULTILINE,
)
# A dot in a word ("a.b") or behind a letter ("e.g.") ends nothing.
_SENTENCE_END = re.compile(r"(?<!\b\w)[.!?](?=\s|\Z)")
_CODE_LINE = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)
_OPENED = re.compile(r"\s*[rRuU]?[\"']")


@dataclass(slots=True)
class _Written:
    """A candidate while it is being written."""

    text: str = ""
    logprobs: list[float] = field(default_factory=list)


def _around(parsed: Parsed | None, offset: int) -> Definition | None:
    """The innermost one; the cursor may be anywhere on its lines."""
    if parsed is None:
        return None
    text = parsed.text

    def is_on_its_lines(each: Definition) -> bool:
        end = each.start + len(text[each.start : each.end].rstrip())
        return text.rfind("\n", 0, each.start) < offset <= lines.line_end(text, end)

    found = [each for each in definitions(parsed) if each.kind in {"function", "class"}]
    around = (each for each in found if is_on_its_lines(each))
    return max(around, key=lambda each: each.start, default=None)


def _says_something(body: str, language: Language) -> bool:
    """Whether there is anything but brackets and comments."""
    said = (line.strip(" \t{};") for line in body.split("\n"))
    return any(line and not line.startswith(language.line_comments) for line in said)


def _is_on_one_line(text: str, around: Definition) -> bool:
    behind = text[around.body : lines.line_end(text, around.body)].strip()
    return bool(behind) and not behind.startswith("#")


def _is_described(parsed: Parsed, around: Definition) -> bool:
    if parsed.language == "python":
        return _OPENED.match(parsed.text, around.body, around.end) is not None
    at = _first_line(parsed.text, around)
    return bool(lines.comment_above(parsed.text, at, row(parsed.language)).strip())


def _first_line(text: str, around: Definition) -> int:
    """Where a definition's first line begins, attributes included."""
    start = text.rfind("\n", 0, around.start) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not _ATTRIBUTE.match(text, above, start):
            break
        start = above
    return start


def _subject(document: Document, text: str, around: Definition) -> Subject:
    start = text.rfind("\n", 0, around.start) + 1
    at = shows_indent = _first_line(text, around)
    body = lines.line_end(text, around.body) + 1
    if document.language == "python":
        at = body
        shows_indent = next(each.start() for each in _CODE_LINE.finditer(text, body))
    starts = (*document.line_starts, len(document.text))
    line = document.text[starts[text.count("\n", 0, shows_indent)] :]
    return Subject(
        document,
        around.name,
        text[max(0, start - MAX_ABOVE) : start],
        text[start : around.end].rstrip() + "\n",
        text[start:body],
        starts[text.count("\n", 0, at)],
        line[: lines.indentation(line)],
    )


def _asked(subject: Subject) -> str:
    language = subject.document.language
    indent = normal(subject.indent, language)
    opened = f'{subject.header}{indent}"""' if language == "python" else ""
    return opened or f"{indent}{_mark(subject)} {subject.name}"


def _mark(subject: Subject) -> str:
    """Of the comment that the model writes: every language that has functions has one."""
    return next(iter(row(subject.document.language).line_comments), "//").rstrip()


def _words(text: str, subject: Subject) -> tuple[str, bool]:
    """What a text says without the marks of a comment, and whether it has left that."""
    if subject.document.language == "python":
        return text.lstrip(), False
    mark = _mark(subject)
    first, *others = text.split("\n")
    said = [first]
    for number, line in enumerate(others, 1):
        begun = line.strip()
        if not begun.startswith(mark):
            return "\n".join(said), number < len(others) or not mark.startswith(begun)
        said.append(begun[len(mark) :])
    return "\n".join(said), False


def _docstring(text: str, width: int) -> list[str]:
    found = _wrapped('"""' + text.replace("\\", "\\\\"), width)
    if len(found) == 1 and len(found[0]) + 3 <= width:
        return [found[0] + '"""']
    return [*found, '"""']


def _block(text: str, width: int) -> list[str]:
    # In Kotlin and Scala one that begins within another has to end there, too.
    text = text.replace("*/", "* /").replace("/*", "/ *")
    if len(text) + len("/**  */") <= width:
        return [f"/** {text} */"]
    return ["/**", *(f" * {line}" for line in _wrapped(text, width - len(" * "))), " */"]


def _marked(text: str, mark: str, width: int, *, is_xml: bool) -> list[str]:
    if is_xml:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    found = _wrapped(text, width - len(mark) - 1)
    shown = ["<summary>", *found, "</summary>"] if is_xml else found
    return [f"{mark} {line}" for line in shown]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
