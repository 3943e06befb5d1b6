from __future__ import annotations

from typing import Any

import pytest

from codegen_lsp.config import Config, parse, settings


def test_nothing_given_means_the_defaults() -> None:
    assert parse(None) == (Config(), ())
    assert parse({}) == (Config(), ())
    assert parse({"model": None}) == (Config(), ())


def test_every_setting_takes_a_value_of_its_own_kind() -> None:
    values = {setting.key: setting.default for setting in settings()}
    assert parse(values) == (Config(), ())
    assert {setting.doc for setting in settings() if not setting.doc.endswith(".")} == set()


def test_values_come_on_top_of_a_base() -> None:
    config, _ = parse({"maxTokens": 7}, Config(model="big"))
    assert config == Config(model="big", max_tokens=7)


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("candidates", 0, "expected 1 to 10, got 0; 3 is used"),
        ("candidates", "3", "expected a whole number, got '3'; 3 is used"),
        ("candidates", True, "expected a whole number, got True; 3 is used"),
        ("candidates", 2.5, "expected a whole number, got 2.5; 3 is used"),
        ("topP", float("nan"), "expected 0.05 to 1.0, got nan; 0.95 is used"),
        ("enabled", 1, "expected true or false, got 1; True is used"),
        ("disabledLanguages", "c", "expected a list of texts, got 'c'; () is used"),
        ("logLevel", 4, "expected a text, got 4; 'info' is used"),
        (
            "logLevel",
            "all",
            "expected one of debug, info, warning, error, got 'all'; 'info' is used",
        ),
    ],
)
def test_a_bad_value_costs_one_line_and_nothing_else(key: str, value: Any, complaint: str) -> None:
    config, complaints = parse({key: value, "maxTokens": 7})
    assert complaints == (f"setting {key!r}: {complaint}",)
    assert config == Config(max_tokens=7)


def test_a_setting_that_does_not_exist() -> None:
    assert parse({"modle": "x"}) == (Config(), ("setting 'modle' does not exist",))


def test_settings_that_are_no_object() -> None:
    config, complaints = parse([1])
    assert config == Config()
    assert complaints == ("settings: expected an object, got [1]; the defaults are used",)


def test_whole_numbers_serve_where_numbers_are_asked_for() -> None:
    assert parse({"temperature": 1})[0].temperature == 1.0
