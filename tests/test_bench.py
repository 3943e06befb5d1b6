"""The benchmark runs, on the embedded model and with as few samples as can be; no time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from codegen_lsp.engine import Cancel, Prompt, Sampling
from codegen_lsp.evaluate.bench import (
    FIGURES,
    MAX_REPETITIONS,
    BenchError,
    Figure,
    Report,
    collect,
    figure,
)
from codegen_lsp.evaluate.peers import RACES, Comparison, Race, compare
from codegen_lsp.evaluate.program import LanguageServer, ProgramError, running
from codegen_lsp.evaluate.raw import Raw
from codegen_lsp.llama import LlamaEngine
from codegen_lsp.models import EMBEDDED_PATH
from codegen_lsp.terminal import bench_json, print_bench
from codegen_lsp.worker import Worker

ROOT = Path(__file__).parent.parent

# Answers as llama-server does, without a model: as many tokens as it is asked for, at once.
STAND_IN = """#!{python}
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({{"status": "ok"}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        n_candidates = asked["n_cmpl"]
        self.reply([{{"tokens_predicted": asked["n_predict"]}}] * n_candidates)

    def reply(self, answer):
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_): pass

if "--version" in sys.argv:
    print("version: stand-in", file=sys.stderr)
else:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
BROKEN = """#!{python}
import sys
sys.exit("some words\\nerror: couldn't bind to that port\\n")
"""


def bench(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`codegen-lsp bench engine`, with nothing but `path` on the PATH."""
    return subprocess.run(
        [sys.executable, "-m", "codegen_lsp", "bench", "engine", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(path or "")},
        cwd=ROOT,
        timeout=300,
        check=False,
    )


def program(folder: Path, text: str) -> Path:
    """A folder with a llama-server of ours."""
    file = folder / "llama-server"
    file.write_text(text.format(python=sys.executable))
    file.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = program(tmp_path_factory.mktemp("bin"), STAND_IN)
    done = bench("--quick", "--json", "--peers", path=path)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_figure_is_there_and_sane(result: dict[str, Any]) -> None:
    assert list(result["figures"]) == list(FIGURES)
    for name, (unit, _) in FIGURES.items():
        found = result["figures"][name]
        assert 0 < found["min"] <= found["value"] <= found["max"], name
        assert found["min"] <= found["median"] <= found["max"], name
        assert found["n"] == (
            1 if unit == "MB" and name != "server_rss_mb" else 8 if "p95" in name else 2
        )
        assert unit != "×" or 0.02 < found["value"] < 50, name


def test_it_says_where_and_what_was_measured(result: dict[str, Any]) -> None:
    assert result["model"] == EMBEDDED_PATH.name
    assert result["quantization"] == "Q8_0"
    assert {"processor", "cores", "threads", "load"} <= set(result["machine"])
    assert {"codegen-lsp", "llama-cpp-python"} <= set(result["versions"])
    assert result["date"].endswith("+00:00")
    memory = {name: result["figures"][name]["value"] for name in FIGURES if name.endswith("_mb")}
    parts = memory["weights_mb"] + memory["kv_mb"] + memory["engine_overhead_mb"]
    assert memory["engine_rss_mb"] == pytest.approx(parts, rel=0.01)


def test_peers_race_or_are_said_to_be_missing(result: dict[str, Any]) -> None:
    assert set(result["peers"]) == {"llama-server", "llama_cpp.server", "transformers"}
    stand_in = result["peers"]["llama-server"]
    assert stand_in["version"] == "stand-in"
    assert list(stand_in["races"]) == list(RACES)
    for race in stand_in["races"].values():
        assert race["ours"]["min"] > 0
        assert race["ratio"]["n"] == 2
    for compared in result["peers"].values():
        assert bool(compared["missing"]) != bool(compared["races"])


def test_a_peer_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path, BROKEN)))
    engines: list[Worker] = []

    def start(speculate: bool) -> Worker:
        engines.append(Worker(EMBEDDED_PATH, speculate=speculate))
        return engines[-1]

    found = compare(EMBEDDED_PATH, tmp_path, start, 1, lambda _: None)
    (engine,) = engines
    assert not psutil.pid_exists(engine.pid)
    expected = "it does not start: error: couldn't bind to that port"
    assert found["llama-server"].missing == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "none.gguf"], "there is no model 'none.gguf'; installed are:"),
        (["--model", "README.md"], "llama.cpp cannot load it"),
    ],
)
def test_what_is_no_model(arguments: list[str], message: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_model_that_is_too_small(tiny_gguf: Path) -> None:
    done = bench("--model", str(tiny_gguf))
    assert done.returncode == 1
    assert done.stderr.endswith("has room for 512 tokens; measuring takes 1,664\n")


@pytest.mark.parametrize("number", ["many", "0", str(MAX_REPETITIONS + 1)])
def test_repetitions_are_a_number(number: str) -> None:
    done = bench("--repetitions", number)
    assert done.returncode == 2
    assert "--repetitions" in done.stderr


def test_figure() -> None:
    samples = [float(number) for number in range(40, 0, -1)]
    assert figure(samples, "reuse_ms") == Figure(20.5, 20.5, 1, 40, 40)
    assert figure(samples, "cancel_prefill_ms_p95") == Figure(38, 20.5, 1, 40, 40)
    assert figure([3.0], "cancel_prefill_ms_p95").value == 3


def test_collect_drops_the_first_and_what_does_not_count() -> None:
    given = iter([None, {"x": 9.0}, None, {"x": 1.0}, {"x": 2.0}, {"x": 3.0}])
    assert collect(2, lambda: next(given)) == {"x": [1.0, 2.0]}
    with pytest.raises(BenchError, match="too early"):
        collect(1, lambda: None)


def test_raw_writes_what_the_engine_writes() -> None:
    engine, raw = LlamaEngine(EMBEDDED_PATH), Raw(EMBEDDED_PATH, 1, 1)
    text = "def add(first, second):\n    return"
    tokens = tuple(engine.tokenize(text))
    expected = [token.id for token in engine.generate(Prompt("", tokens), [Sampling(8)], Cancel())]
    raw.run(tokens[3:], 8)  # which it forgets
    assert list(raw.run(tokens, 8).tokens) == expected
    assert raw.text(tokens) == text
    (end,) = engine.tokenize("\n")
    assert not raw.ends([end])
    raw.close()
    engine.close()


def test_programs_that_end_or_are_not_there() -> None:
    with (
        pytest.raises(ProgramError, match="no-such-program cannot be started: No such file"),
        running(["no-such-program"]),
    ):
        pass
    with running([sys.executable, "-c", "import sys; sys.exit('first\\nlast word')"]) as ended:
        server = LanguageServer(ended)
        with pytest.raises(ProgramError, match="the server has ended: last word"):
            server.request("initialize", {})
    with running([sys.executable, "-c", "import time; time.sleep(30)"]) as lasting:
        pass
    assert lasting.process.returncode != 0


def a_report() -> Report:
    return Report(
        "some.gguf", "Q8_0", "2026-01-02T03:04:05+00:00",
        {"processor": "a processor", "cores": 4, "threads": 2, "load": 0.1},
        {"codegen-lsp": "1.2.3"},
        {name: figure([1.23456, 2000.0], name) for name in FIGURES},
    )  # fmt: skip


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    race = Race(figure([1.0]), figure([2.5]), figure([2.5]))
    peers = {
        "one": Comparison("7 [x]", races={"cold_ms": race}),
        "another": Comparison(missing="it is [not] there"),
    }
    print_bench(a_report(), peers, FIGURES)
    shown = capsys.readouterr().out
    assert "some.gguf (Q8_0) on a processor, 2 threads of 4 cores, load 0.1" in shown
    assert all(name in shown and meaning in shown for name, (_, meaning) in FIGURES.items())
    rows = [line.split() for line in shown.splitlines()]
    assert ["reuse_ms", "1,001", "ms", "1.23", "2,000", "2"] in [row[:6] for row in rows]
    assert "against one 7 [x]" in shown
    assert ["cold_ms", "1", "2.5", "2.5", "2.5", "2.5"] in rows
    assert "not against another: it is [not] there" in shown


def report(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/report.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )


def test_report_puts_results_into_the_file_and_the_readme(tmp_path: Path) -> None:
    engine_json, readme = tmp_path / "engine.json", tmp_path / "README.md"
    readme.write_text("before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n")
    race = Race(figure([1.0]), figure([2.5]), figure([2.5]))
    peers = {"one": Comparison("7", races={"cold_ms": race}), "two": Comparison(missing="no")}
    first, again = tmp_path / "first", tmp_path / "again"
    first.write_text(json.dumps(bench_json(a_report(), {})))
    again.write_text(json.dumps(bench_json(a_report(), peers)))
    other = tmp_path / "other"
    other.write_text(first.read_text().replace("some.gguf", "other.gguf"))
    assert report(engine_json, readme, first, other).stderr == ""
    assert report(engine_json, readme, again).stderr == ""
    assert [each["model"] for each in json.loads(engine_json.read_text())] == [
        "some.gguf", "other.gguf",
    ]  # fmt: skip
    lines = readme.read_text().splitlines()
    assert "old" not in lines
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "| `reuse_ms`, ms | 1,001 | 1,001 |" in lines
    assert "| one 7 | some | 2.5 | — | — | — | — |" in lines
    assert any(line.startswith("Measured on: 2026-01-02, a processor") for line in lines)
    written = readme.read_text()
    assert report(engine_json, readme).stderr == ""
    assert readme.read_text() == written


def test_report_misses_its_place(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing here")
    done = report(tmp_path / "engine.json", readme)
    assert "there are no two lines" in done.stderr
    assert readme.read_text() == "nothing here"


def test_readme_shows_what_was_committed(tmp_path: Path) -> None:
    committed = ROOT / "benchmarks" / "engine.json"
    if not committed.exists():
        pytest.skip("nothing was measured yet")
    readme, engine_json = tmp_path / "README.md", tmp_path / "engine.json"
    readme.write_bytes((ROOT / "README.md").read_bytes())
    engine_json.write_bytes(committed.read_bytes())
    assert report(engine_json, readme).stderr == ""
    assert readme.read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")
