"""What a replay's report looks like: on a terminal, as JSON, in README, and drawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegen_lsp.evaluate.contest import Gate, Report, Side
from codegen_lsp.evaluate.tally import FIGURES, Generated, Pressed, Tally, tally
from codegen_lsp.terminal import print_replay, replay_json

ROOT = Path(__file__).parent.parent
MARKED = "before\n<!-- replay -->\nold\n<!-- /replay -->\nafter\n"


def a_tally(answer_ms: float) -> Tally:
    key = Pressed(
        0, "go", "character", 0.2, answer_ms, "cache", shown=True, right=True, generation=1
    )
    taken = Pressed(0, "go", "acceptance", 0.2, n_saved=25)
    return tally([key, taken], 100, [Generated(1, True, 200, 9, 8, 6)], 0, timed=True)


def a_report(**changes: Any) -> Report:
    sides = [
        Side(figures, {"go": figures}, [each, 2 * each, 3 * each], ["a.go:1:2 '[x]'"])
        for each in (12.0, 345.0)
        for figures in [a_tally(each)]
    ]
    report = Report(
        title="some",
        model="some.gguf",
        date="2026-01-02T03:04:05+00:00",
        machine={"processor": "a processor", "cores": 4, "threads": 2},
        versions={"codegen-lsp": "1.2.3"},
        client="vscode",
        seed=0,
        fast=False,
        n_pieces=7,
        n_files=5,
        ours=sides[0],
        baseline=sides[1],
        gates=[Gate(0.25, 0.5, 0.125, None)],
    )
    return replace(report, **changes)


def rows_of(shown: str) -> list[list[str]]:
    return [line.split() for line in shown.splitlines()]


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_replay(a_report(), FIGURES)
    shown = capsys.readouterr().out
    rows = rows_of(shown)
    assert "some: 7 pieces of 5 files, typed with vscode's manners" in shown
    assert all(name in shown and meaning in shown for name, (_, meaning) in FIGURES.items())
    assert ["cache", "ms", *["12", "/", "12", "/", "12"], *["345", "/", "345", "/", "345"]] in rows
    assert ["typed", "ms", "—", "—"] in rows
    assert ["saved", "%", "25", "25"] in [row[:4] for row in rows]
    assert ["answered_in_time", "%", "50", "0"] in [row[:4] for row in rows]
    assert ["go", "2", "12", "/", "12", "/", "12", "50", "50", "100", "25", "0"] in rows
    assert "parses worse: a.go:1:2 '[x]'" in shown
    assert ["0.25", "50", "12.5", "—"] in rows


def test_table_of_one_side(capsys: pytest.CaptureFixture[str]) -> None:
    print_replay(a_report(fast=True, baseline=Side(missing="it is [not] there")), FIGURES)
    shown = capsys.readouterr().out
    assert "as fast as it answers" in shown
    assert "no baseline: it is [not] there" in shown
    print_replay(a_report(baseline=None, gates=()), FIGURES)
    assert "BASELINE" not in capsys.readouterr().out


def report_of(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/replay_report.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )


def test_report_puts_results_into_the_file_and_the_readme(tmp_path: Path) -> None:
    replay_json, readme, svg = (tmp_path / name for name in ("a.json", "README.md", "a.svg"))
    readme.write_text(MARKED)
    timed, fast = tmp_path / "timed", tmp_path / "fast"
    timed.write_text(json.dumps(replay_json_of(a_report(gates=()))))
    fast.write_text(json.dumps(replay_json_of(a_report(title="quick", fast=True, baseline=None))))
    done = report_of(replay_json, readme, svg, timed, fast)
    assert done.returncode == 0, done.stderr
    assert [each["fast"] for each in json.loads(replay_json.read_text("utf-8"))] == [False, True]
    lines = readme.read_text("utf-8").splitlines()
    assert "old" not in lines
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "|  | some | some, baseline |" in lines
    assert "| `latency_ms`, ms | 12 / 12 | 345 / 345 |" in lines
    assert "| `saved`, % | 25 | 25 |" in lines
    assert "| quick, go | 2 | 50 | 100 | 25 | 0 | — |" in lines
    assert "| quick, `minConfidence` 0.25 | 50 | 12.5 | — |" in lines
    # Drawn where it can be; where not, that is said in one line.
    assert svg.exists() == ("![How long" in readme.read_text("utf-8"))
    assert svg.exists() or done.stderr.endswith("pip install matplotlib (in the extra bench)\n")
    before = (replay_json.read_bytes(), readme.read_bytes())
    assert report_of(replay_json, readme, svg, timed).returncode == 0  # takes its own place
    assert (replay_json.read_bytes(), readme.read_bytes()) == before


def replay_json_of(report: Report) -> dict[str, Any]:
    result = replay_json(report)
    assert result["ours"]["tally"]["evaluated_median"] == 0.045
    return result


def test_readme_shows_what_was_committed(tmp_path: Path) -> None:
    committed = ROOT / "benchmarks" / "replay.json"
    if not committed.exists():
        pytest.skip("nothing was measured yet")
    readme, replay_json, svg = (tmp_path / name for name in ("README.md", "a.json", "replay.svg"))
    readme.write_bytes((ROOT / "README.md").read_bytes())
    replay_json.write_bytes(committed.read_bytes())
    svg.write_bytes((ROOT / "benchmarks" / "replay.svg").read_bytes())
    assert report_of(replay_json, readme, svg).returncode == 0
    assert readme.read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")
