r"""Secrets are masked, and little else is; text in, text out. Masked places stand between « and ».

No test holds a secret as one string: those who look for secrets in repositories would find it.
"""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen_lsp.secrets import MASK, TOKENS, Masked, mask, remask, until_secret

ALPHANUMERIC = string.ascii_letters + string.digits
SEEDS = st.integers(0, 2**32)


def check(marked: str) -> None:
    """What stands between the marks is masked, and nothing else."""
    parts = marked.replace("»", "«").split("«")
    expected = "".join(MASK * len(part) if n % 2 else part for n, part in enumerate(parts))
    assert mask("".join(parts)) == expected


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param('password = "«hunter2!»"\n', id="Python"),
        pytest.param('password: str = "«hunter2!»"\n', id="Python, with a type"),
        pytest.param('config["password"] = "«hunter2!»"\n', id="a key of a dictionary"),
        pytest.param('{"password": "«hunter2!»", "user": "bob"}\n', id="JSON"),
        pytest.param("connect(user='bob', password=b'«hunter2!»')\n", id="an argument"),
        pytest.param('getenv("DB_PASSWORD", "«hunter2!»")\n', id="a default"),
        pytest.param('SECRET_KEY = (\n    "«dj4ngo-1ns3cure%(x$»"\n)\n', id="on the next line"),
        pytest.param('if (password === "«hunter2!»") {\n', id="a comparison"),
        pytest.param('const API_KEY: &str = "«9f8e7d6c5b4a3928»";\n', id="Rust"),
        pytest.param('private apiKey: string = `«9f8e7d6c5b4a3928»`;\n', id="TypeScript"),
        pytest.param('apiKey := "«9f8e7d6c5b4a3928»"\n', id="Go"),
        pytest.param('#define API_KEY "«9f8e7d6c5b4a3928»"\n', id="C"),
        pytest.param('char password[16] = "«hunter2!»";\n', id="C, an array"),
        pytest.param('std::string password{"«hunter2!»"};\n', id="C++"),
        pytest.param('builder.setPassword("«hunter2!»");\n', id="Java"),
        pytest.param("export GITHUB_TOKEN=«9f8e7d6c5b4a39281706»\n", id="a shell"),
        pytest.param("token: «9f8e7d6c5b4a39281706»\n", id="YAML"),
        pytest.param('password = "«hunter2!»', id="while it is typed"),
        pytest.param("password = \"«it's1more»\"\n", id="another quote inside"),
        pytest.param('api_key = "«qwrtzplkjhgfd12»"\n', id="shaped like a word, but none"),
        pytest.param('api_key = "«aBeDiFoHuJ12»"\n', id="shaped like words, but none"),
        pytest.param("url = 'postgres://bob:«hunter2»@db:5432/x'\n", id="a URL"),
        pytest.param('h = {"Authorization": "Bearer «9f8e7d6c5b4a3928»"}\n', id="bearer"),
        pytest.param('İ = 1; password = "«hunter2!»"\n', id="behind a longer small letter"),
    ],
)  # fmt: skip
def test_what_a_name_says_is_secret_is_masked(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('password = "password"\n', id="a word"),
        pytest.param('password = os.environ["DB_PASSWORD_1"]\n', id="no text"),
        pytest.param('password = "{password1}"\n', id="a template"),
        pytest.param('password = "%(password1)s"\n', id="another template"),
        pytest.param('password = "$DB_PASSWORD1"\n', id="a variable"),
        pytest.param('password: "At least 8 characters"\n', id="a sentence"),
        pytest.param('token = "oauth2_access_token"\n', id="a name"),
        pytest.param('token_url = "https://a1.example.com/oauth2/9f8e7d6c"\n', id="a URL"),
        pytest.param('token = "urn:ietf:params:oauth:token-type:jwt2"\n', id="a URN"),
        pytest.param('key = "9f8e7d6c5b4a39281706"\n', id="the key of a dictionary"),
        pytest.param("token = next_token_of_2_lines\n", id="a variable's name"),
        pytest.param("token = qwrtz_plkjh_bvcxy_2\n", id="a variable's odd name"),
        pytest.param('api_key = "https://x9.example.com/9f8e7d6c"\n', id="where to get a key"),
        pytest.param('password = "https://a1.example.com"\n', id="where to get a password"),
        pytest.param('api_key = "${KEY_9f8e7d6c5b4a}"\n', id="a template for a key"),
        pytest.param('api_key = "000000000001"\n', id="a placeholder"),
        pytest.param('checksum = "d41d8cd98f00b204e9800998ecf8427e"\n', id="a hash"),
        pytest.param('id = "123e4567-e89b-12d3-a456-426614174000"\n', id="a UUID"),
        pytest.param('COLOUR = "#a1b2c3"\n', id="a colour"),
        pytest.param('join(pwd, "./data/set-1.csv")\n', id="a folder that is called pwd"),
        pytest.param('if line.startswith("-----BEGIN PRIVATE KEY-----"):\n    f(line)\n', id="PEM"),
        pytest.param('css = "sk-spinner-circle-fade-dot"\n', id="words behind sk-"),
        pytest.param('task-0123456789012345678901234567\n', id="sk- at the end of a word"),
    ],
)  # fmt: skip
def test_what_names_and_code_say_stays(text: str) -> None:
    check(text)


def random_text(seed: int, alphabet: str, length: int) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("begin", "alphabet", "length", "n_kept"),
    [
        ("AKIA", BASE32, 16, 0),
        ("ASIA", BASE32, 16, 0),
        *((begin, ALPHANUMERIC, 36, 0) for begin in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
        ("github_pat_", ALPHANUMERIC + "_", 82, 0),
        *(
            (f"gl{kind}-", ALPHANUMERIC + "-_", 26, 0)
            for kind in ("pat", "dt", "ft", "soat", "rt", "cbt", "imt", "ptt", "agent", "oas")
        ),
        *((f"xox{kind}-", string.digits + "-", 24, 0) for kind in "abeoprs"),
        ("xapp-1-", BASE32, 24, 0),
        ("https://hooks.slack.com/services/", ALPHANUMERIC, 24, 33),
        *((begin, ALPHANUMERIC, 24, 1) for begin in ("sk_live_", "rk_live_", "sk_test_")),
        *((begin, "7" + ALPHANUMERIC, 48, 0) for begin in ("sk-", "sk-proj-7", "sk-ant-api03-")),
        ("AIza", ALPHANUMERIC + "-_", 35, 0),
        ("ya29.", ALPHANUMERIC + "-_", 60, 0),
        ("GOCSPX-", ALPHANUMERIC + "-_", 28, 0),
        ("npm_", ALPHANUMERIC, 36, 0),
        ("pypi-AgEIcHlwaS5vcmc", ALPHANUMERIC + "-_", 90, 0),
        ("hf_", string.ascii_letters, 34, 0),
        ("SG.aaaaaaaaaaaaaaaaaaaaaa.", ALPHANUMERIC + "-_", 43, 0),
        *((begin, HEX, 64, 3) for begin in ("dop_v1_", "doo_v1_", "dor_v1_")),
        ("dapi", HEX, 32, 0),
        ("AccountKey=", ALPHANUMERIC + "+/", 86, 11),
        ("Bearer 1", ALPHANUMERIC, 24, 7),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", ALPHANUMERIC + "-_", 43, 0),
    ],
)
@given(SEEDS)
def test_tokens_are_masked_wherever_they_stand(
    begin: str, alphabet: str, length: int, n_kept: int, seed: int
) -> None:
    secret = begin + random_text(seed, alphabet, length)
    if begin == "sk-":
        secret += "1"  # without a digit it may be words
    for around in ('x = "|"', "# see |\n", "f(|)", "|", "A=|\r\nB=2"):
        before, after = around.split("|")
        kept = secret[:n_kept]
        assert mask(before + secret + after) == before + kept + MASK * len(secret[n_kept:]) + after


def test_every_kind_of_token_has_an_example_above() -> None:
    marks = test_tokens_are_masked_wherever_they_stand.pytestmark
    begins = "|".join(row[0] for row in marks[0].args[1]) + "|Basic |://"
    assert [token.begin for token in TOKENS if token.begin not in begins] == []


@pytest.mark.parametrize("name", ["api_key", "CLIENT_SECRET", "accessToken", "credentials"])
@given(SEEDS, st.integers(16, 64), st.sampled_from([ALPHANUMERIC, HEX, ALPHANUMERIC + "+/"]))
def test_what_a_machine_made_is_masked_behind_its_name(
    name: str, seed: int, length: int, alphabet: str
) -> None:
    secret = "1" + random_text(seed, alphabet, length - 1)
    assert mask(f'{name} = "{secret}"\n') == f'{name} = "{MASK * length}"\n'


@given(st.text(string.ascii_letters + string.digits + "!$%&*+-.@^_~", min_size=6, max_size=40))
def test_a_password_with_a_digit_is_masked(value: str) -> None:
    value = value[:-1] + "7"
    if "%(" in value or value.startswith("$"):
        value = "a" + value[1:]
    assert mask(f"PASSWORD='{value}'") == f"PASSWORD='{MASK * len(value)}'"


PEM = base64.encodebytes(random.Random(0).randbytes(600)).decode().replace("\n", "")
LINES = [PEM[at : at + 64] for at in range(0, len(PEM), 64)]
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("\n".join([BEGIN, *(f"«{line}»" for line in LINES), END, "x"]), id="a file"),
        pytest.param("\n".join([BEGIN, *(f"«{line}»" for line in LINES)]), id="without its end"),
        pytest.param('"' + "\\n".join([BEGIN, *(f"«{line}»" for line in LINES), END]), id="one line"),
        pytest.param(
            "\n".join([f'"{BEGIN}\\n" +', *(f'    "«{line}»\\n" +' for line in LINES), f'"{END}";']),
            id="strings in a row",
        ),
        pytest.param(
            f"{BEGIN}\n«{'A' * 40}+eyJhbGciOiJI.eyJzdWIiOiJI»\n{END}", id="another secret in it"
        ),
        pytest.param(
            "\n".join([BEGIN, *(f"«{line}»" for line in LINES), END] * 2 + ["def f(): pass"]), id="two"
        ),
    ],
)  # fmt: skip
def test_private_keys_are_masked_between_their_frames(marked: str) -> None:
    check(marked)


def test_code_about_private_keys_stays() -> None:
    code = (
        'BEGIN = "-----BEGIN PRIVATE KEY-----"\n\ndef read(text):\n    return text.split(BEGIN)\n'
    )
    assert mask(code) == code


PIECES = [
    'password = "', "hunter2!", '"', "\n", "token = (\n", '    "9f8e7d6c5b4a3928"', "https://a:", "@b ",
    "AKIA", "A2A2A2A2", BEGIN, LINES[0], "x = 1\n", "é😀İ", "\r\n", " ",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(TEXTS)
def test_a_mask_keeps_offsets_and_lines(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(
        one == other or (other == MASK and not one.isspace())
        for one, other in zip(text, masked, strict=True)
    )
    assert mask(masked) == masked


@given(TEXTS, st.integers(0, 200), st.integers(0, 40), TEXTS)
@example('token = (\n    "9f8e7d6c5b4a3928"\n', 0, 1, "")  # a value that is none's any more
@example('oken = (\n    "9f8e7d6c5b4a3928"\n', 0, 0, "t")
@example(f"{BEGIN}\n{LINES[0]}\n", BEGIN.index("P"), 1, "")
@settings(max_examples=1_000)
def test_looking_at_what_has_changed_is_enough(
    before: str, start: int, n_cut: int, inserted: str
) -> None:
    after = before[:start] + inserted + before[start + n_cut :]
    assert remask(after, Masked(before, mask(before))) == Masked(after, mask(after))


@pytest.mark.parametrize(
    ("line_before", "text", "expected"),
    [
        pytest.param("", "x = 1\ny = 2", "x = 1\ny = 2", id="nothing of the kind"),
        pytest.param('password = "', 'hunter2!"\nx = 1', "", id="a secret made up"),
        pytest.param(
            "", 'p = 1\npassword = "hunter2!"\nx', "p = 1\npassword = ", id="further down"
        ),
        pytest.param('key = "', "xxxxxxxx", "", id="a mask"),
        pytest.param('key = "xxxxxx', 'xxx"', "", id="the rest of a mask"),
        pytest.param('password = "xxxxxxxx', '"\ny', '"\ny', id="behind a mask"),
        pytest.param("AKIA", "A2" * 8, "", id="the rest of a secret"),
        pytest.param("", "xxx = 1", "xxx = 1", id="a name of its letter"),
    ],
)
def test_a_candidate_ends_before_a_secret(line_before: str, text: str, expected: str) -> None:
    assert until_secret(text, line_before) == expected
