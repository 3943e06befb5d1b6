r"""Strings that look like secrets, masked: `mask` gives a text of the same length, so that offsets hold.

A small table of our own. detect-secrets, the library kept for this, takes 65 ms for 32 kB of Python with
its plugins alone and 450 ms by its `scan_line` (one core of 2.5 GHz), and imports an HTTP client; a key
may cost us 1 ms. So each rule has a few letters that every match contains, and Python's `str.find` looks
for those first: 0.8 ms for 32 kB, and microseconds where only a line has changed since (`remask`).

A rule looks at a line and, for a value that stands below its name, at the next one. Only private keys
have more lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import NamedTuple

from codegen_lsp.common import n_common_end, n_common_start

# A letter, because a mask has to be at home in strings, URLs and names alike. Eight of them are one
# token of GPT-2's vocabulary, and stand in no code that one would miss.
MASK = "x"
MASK_RUN = re.compile(MASK + "{6,}")  # no rule masks less


class Token(NamedTuple):
    """A kind of secret that shows by its own form: how it begins, and how it goes on from there."""

    begin: str
    pattern: str
    source: str


# Forms as their issuers document them, or as gitleaks (its config/gitleaks.toml) and detect-secrets (its
# plugins) have collected them. The group `value` is masked, or else all. Lengths are lower bounds:
# issuers make them longer over the years. What looks ahead is bounded, so that no text takes long.
TOKENS = (
    Token("AKIA", r"AKIA[A-Z2-7]{16}", "AWS, IAM identifiers; gitleaks"),
    Token("ASIA", r"ASIA[A-Z2-7]{16}", "AWS, IAM identifiers; gitleaks"),
    Token("ghp_", r"ghp_[A-Za-z0-9]{30,}", "GitHub, token formats (2021)"),
    Token("gho_", r"gho_[A-Za-z0-9]{30,}", "GitHub, token formats (2021)"),
    Token("ghu_", r"ghu_[A-Za-z0-9]{30,}", "GitHub, token formats (2021)"),
    Token("ghs_", r"ghs_[A-Za-z0-9]{30,}", "GitHub, token formats (2021)"),
    Token("ghr_", r"ghr_[A-Za-z0-9]{30,}", "GitHub, token formats (2021)"),
    Token("github_pat_", r"github_pat_\w{22,}", "GitHub, fine-grained tokens; gitleaks"),
    Token("gl", r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[\w-]{20,}", "GitLab, token overview"),
    Token("xox", r"xox[abeoprs]-[\w-]{10,}", "Slack, token types; detect-secrets"),
    Token("xapp-", r"xapp-\d-[\w-]{10,}", "Slack, token types; gitleaks"),
    Token("hooks.slack.com/", r"hooks\.slack\.com/services/(?P<value>[\w/]{20,})", "Slack, webhooks"),
    Token("k_live_", r"(?<=\b[rs])k_live_[A-Za-z0-9]{10,}", "Stripe, API keys (sk_, rk_)"),
    Token("k_test_", r"(?<=\b[rs])k_test_[A-Za-z0-9]{10,}", "Stripe, API keys (sk_, rk_)"),
    Token("sk-", r"sk-(?=[\w-]{0,60}\d)[\w-]{20,}", "OpenAI (sk-, sk-proj-), Anthropic (sk-ant-)"),
    Token("AIza", r"AIza[\w-]{35}", "Google, API keys; gitleaks"),
    Token("ya29.", r"ya29\.[\w-]{20,}", "Google, OAuth 2.0 access tokens"),
    Token("GOCSPX-", r"GOCSPX-[\w-]{20,}", "Google, OAuth 2.0 client secrets"),
    Token("eyJ", r"eyJ[\w-]{8,999}\.eyJ[\w-]{8,}(?:\.[\w-]*)?", "JSON Web Token (RFC 7519)"),
    Token("npm_", r"npm_[A-Za-z0-9]{36}", "npm, granular tokens; gitleaks"),
    Token("pypi-AgE", r"pypi-AgE[\w-]{50,}", "PyPI, API tokens; detect-secrets"),
    Token("hf_", r"hf_[A-Za-z]{30,}", "Hugging Face, access tokens; gitleaks"),
    Token("SG.", r"SG\.[\w-]{16,}\.[\w-]{16,}", "SendGrid, API keys; detect-secrets"),
    Token("_v1_", r"(?<=\bdo[opr])_v1_[a-f0-9]{64}", "DigitalOcean (dop_, doo_, dor_); gitleaks"),
    Token("dapi", r"dapi[a-f0-9]{32}", "Databricks, personal access tokens; gitleaks"),
    Token("AccountKey=", r"AccountKey=(?P<value>[A-Za-z0-9+/]{60,}={0,2})", "Azure, storage accounts"),
    Token("earer ", r"(?<=[Bb])earer (?=\S{0,60}\d)(?P<value>[\w.~+/-]{16,}=*)", "OAuth 2.0 (RFC 6750)"),
    Token("asic ", r"(?<=[Bb])asic (?P<value>[A-Za-z0-9+/]{12,}={1,2})", "HTTP Basic (RFC 7617)"),
    Token(
        "://",
        r"""://[^\s/?#:@"'`<>]{0,64}:(?P<value>[^\s/?#@"'`<>{}$%()\[\]]{6,256})@""",
        "passwords in URLs (RFC 3986, 3.2.1); detect-secrets",
    ),
)  # fmt: skip

# Names behind which a secret stands: those of gitleaks' `generic-api-key` and detect-secrets' `keyword`,
# without the many that go on otherwise (`token_url`). The first three are of what people make up.
PASSWORDS = ("passw", "pwd", "passphrase")
NAMES = (*PASSWORDS, "secret", "token", "key", "credential")
# Of keys, only those of these: dictionaries and keyboards have the others.
KEY_OWNER = re.compile(
    r"(?:api|access|account|app|auth|client|consumer|db|encryption|license|master|private|secret|service"
    r"|session|shared|signing|storage|subscription|webhook)[ _-]?\Z",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"""
    (?:passw(?:or)?d|pwd|passphrase|secret(?!_?key)|token|key|credential)s?
    (?:_?(?:\d{1,3}|base|default|dev|development|hash|live|prod|production|staging|test|value))?
    ["'\])]{0,3}                                       # config["password"]
    (?:[ \t]*:[ \t]*[\w.&'<>\[\] ]{1,30}?(?==))?       # password: str = (Python, TypeScript, Rust)
    (?:\[\d*\])?                                       # char password[16]
    [ \t]{0,16}
    (?:
        (?:=>|:=|={1,3}|!==?|:|\(|\|\||\?\?|\{|[ \t](?=["']))
        [ \t]*[(\\]?\r?\n?[ \t]*                        # the value may stand on the next line
        | (?<=["']),[ \t]*                              # getenv("PASSWORD", "...")
    )
    (?:
        [bfru@]{0,2}(?P<quote>["'`])
        (?P<quoted>(?:(?!(?P=quote))[^\s\\]|\\\S){6,512})(?=(?P=quote)|[ \t]*$)
        | (?P<bare>[a-z0-9+/_-]{20,512}={0,2})[ \t]*$
    )
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# `oauth2_token`, `urn:ietf:params:oauth`, `HMACSha256`: words, perhaps with a number behind them.
NAME = re.compile(r"(?:[A-Za-z]+\d{0,4}|[A-Za-z]?\d{1,4})?(?:[-_./:][A-Za-z]*\d{0,4})*")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# What is filled in later: `{password}`, `%(password)s`, `<password>`, `$PASSWORD`.
TEMPLATE = re.compile(r"\{[^{}]*\}|%\(\w+\)[sd]|<[^<>]+>|\A\$\w+\Z")

KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
MAX_KEY = 16_384  # characters; RSA of 8,192 bits takes 6,400
# A key's lines have 64 characters (RFC 7468) or 70 (OpenSSH), its last one fewer. In a program they may
# be strings of their own; their escapes hold no letters of the key.
KEY_PART = re.compile(r"-----END|\\[nrt]|(?P<line>[A-Za-z0-9+/=]{4,})")
KEY_LINE = 40
KEY_GLUE = re.compile(r"""(?:\\[nrt]|[\s"'`+,.;()\\]){1,80}""")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text, and the same without its secrets, of the same length."""

    original: str
    text: str


NOTHING = Masked("", "")


def mask(text: str) -> str:
    """The text without what looks like a secret: a run of `MASK` of the same length stands for it."""
    return _masked(text, _spans(text))


def remask(text: str, before: Masked) -> Masked:
    """As `mask`, but only what has changed since `before`, an earlier version, is looked at."""
    if "PRIVATE KEY" in text or "PRIVATE KEY" in before.original:
        return Masked(text, mask(text))
    start = n_common_start(text, before.original)
    n_kept = min(n_common_end(text, before.original), min(len(text), len(before.original)) - start)
    # Whole lines, and one more: its value may stand above, on the last line that has changed.
    first = _line_start(text, start)
    last = _line_end(text, _line_end(text, len(text) - n_kept) + 1)
    # A value may belong to a name on the line above it.
    above = _line_start(text, max(0, first - 1))
    changed = mask(text[above:last])[first - above : last - above]
    return Masked(text, before.text[:first] + changed + _end(before.text, len(text) - last))


def until_secret(text: str, line_before: str) -> str:
    """The part of a candidate in front of the first thing that looks like a secret, or like the mask of
    one, and in front of its quotes. `line_before` is what stands left of the cursor on its line."""
    line = line_before + text
    n_given = len(line_before)
    spans = [*_spans(line), *(run.span() for run in MASK_RUN.finditer(line))]
    starts = [max(start, n_given) for start, end in spans if end > n_given]
    return line[n_given : min(starts)].rstrip("\"'`") if starts else text


def _masked(text: str, spans: Iterator[tuple[int, int]]) -> str:
    parts, done = [], 0
    for start, end in sorted(spans):
        if end > done:
            parts += [text[done:start], MASK * (end - max(start, done))]
            done = end
    return "".join([*parts, text[done:]])


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets stand, in no order; some may overlap."""
    for begin, pattern in _PATTERNS:
        at = text.find(begin)
        while at >= 0:
            found = pattern.match(text, at)
            if found:
                yield found.span("value" if "value" in pattern.groupindex else 0)
            at = text.find(begin, found.end() if found else at + 1)
    # The only letter whose small form is longer.
    small = text.replace("\u0130", "I").lower()
    for name in NAMES:
        at = small.find(name)
        while at >= 0:
            yield from _named(text, at, name)
            at = small.find(name, at + 1)
    yield from _private_keys(text)


def _named(text: str, at: int, name: str) -> Iterator[tuple[int, int]]:
    """The secret that the name at an offset says that it is one."""
    if name == "key" and not KEY_OWNER.search(text, max(0, at - 16), at):
        return
    if found := NAMED.match(text, at):
        kind = "quoted" if found["quoted"] else "bare"
        is_secret = {
            "bare": _is_random(found[kind]) and _n_digits(found[kind]) >= 3,
            "quoted": _is_password(found[kind]) if name in PASSWORDS else _is_random(found[kind]),
        }
        if is_secret[kind]:
            yield found.span(kind)


def _is_password(value: str) -> bool:
    """Whether somebody made this up, rather than named something with it: gitleaks, too, lets letters
    alone pass."""
    has_more = any(not (character.isalpha() or character in "_-./: ") for character in value)
    return has_more and not TEMPLATE.search(value) and "://" not in value


def _is_random(value: str) -> bool:
    """Whether a machine made this: long, mixed, and no name, path or template."""
    return (
        len(value) >= 12
        and _n_digits(value) >= 1
        and _entropy(value) >= 2.0
        and not _is_name(value)
        and not TEMPLATE.search(value)
        and "://" not in value
    )


def _is_name(value: str) -> bool:
    """Whether a value is made of words: of the letters of English 38 % are vowels (of random ones 19 %),
    and words of mixed case are longer than three letters."""
    words = WORD.findall(value)
    n_letters = sum(map(len, words))
    n_vowels = sum(map(value.lower().count, "aeiou"))
    return bool(
        NAME.fullmatch(value) and n_vowels >= 0.25 * n_letters and n_letters >= 3 * len(words)
    )


def _n_digits(value: str) -> int:
    return sum(map(str.isdigit, value))


def _entropy(value: str) -> float:
    """Bits a character (Shannon); 16 random hexadecimal digits have 3.2 on average, and three of a
    million have less than 2.0."""
    shares = [n / len(value) for n in Counter(value).values()]
    return -sum(share * log2(share) for share in shares)


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    """The lines of private keys, without those that frame them."""
    at = text.find("-----BEGIN ")
    while at >= 0:
        end = at + 1
        if head := KEY_BEGIN.match(text, at):
            end = min(len(text), head.end() + MAX_KEY)
            behind = -1  # a whole line of the key
            for part in KEY_PART.finditer(text, head.end(), end):
                start = part.start("line")
                if part[0] == "-----END":
                    end = part.end()
                    break
                is_whole = len(part[0]) >= KEY_LINE
                if is_whole or (behind >= 0 <= start and KEY_GLUE.fullmatch(text, behind, start)):
                    yield part.span()
                if start >= 0:
                    behind = part.end() if is_whole else -1
        at = text.find("-----BEGIN ", end)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Where the line that holds the offset ends, its end not included; the text's end at most."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _end(text: str, length: int) -> str:
    return text[len(text) - length :]


def _compiled(token: Token) -> re.Pattern[str]:
    """A secret is no end of a longer word, unless its pattern says what it may be the end of."""
    is_free = token.pattern.startswith("(?<") or not token.begin[0].isalnum()
    return re.compile(token.pattern if is_free else r"(?<![A-Za-z0-9])" + token.pattern)


_PATTERNS = [(token.begin, _compiled(token)) for token in TOKENS]
