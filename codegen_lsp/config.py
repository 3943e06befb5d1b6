"""Every setting, once: its name, its default, its bounds and what it does.

A person's value that makes no sense costs them that value and nothing else: `parse` keeps the default
and returns one line to show. The editors' settings pages are made from `settings()`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

LOG_LEVELS = ("debug", "info", "warning", "error")


def _setting(default: Any, doc: str, **limits: Any) -> Any:
    return field(default=default, metadata={"doc": doc, **limits})


@dataclass(frozen=True, slots=True)
class Config:
    """What a person may choose. Fields are named as in Python, settings as in editors (camelCase)."""

    enabled: bool = _setting(True, "Whether anything is suggested at all.")
    model: str = _setting("nano", "The model: an installed name, or the path of a GGUF file.")
    candidates: int = _setting(
        3, "How many different candidates an invoked completion asks for.", minimum=1, maximum=10
    )
    max_tokens: int = _setting(
        96, "The longest candidate, in tokens of the model.", minimum=1, maximum=1024
    )
    # The paper's temperature for pass@100 (Nijkamp et al. 2022): several are of use only if they differ.
    temperature: float = _setting(
        0.8,
        "How adventurous the further candidates are; the first one is greedy.",
        minimum=0.0,
        maximum=2.0,
    )
    top_p: float = _setting(
        0.95,
        "Sample among the likeliest tokens that make up this probability.",
        minimum=0.05,
        maximum=1.0,
    )
    min_confidence: float = _setting(
        0.2,
        "How sure the model has to be of what is shown without being asked for: the least (geometric)"
        " mean probability of its tokens. Higher shows less, and more of it is right.",
        minimum=0.0001,
        maximum=1.0,
    )
    power_saving: bool = _setting(
        True,
        "Suggest later, and single lines only, on battery and while other programs are busy.",
    )
    prompt_tokens: int = _setting(
        1024,
        "The longest prompt, in tokens. Longer knows more and answers later.",
        minimum=16,
        maximum=65536,
    )
    threads: int = _setting(
        0, "Processor threads for the model; 0 takes the physical cores.", minimum=0, maximum=512
    )
    spare_cores: int = _setting(
        1,
        "Cores left to other programs, where there are more than two and threads is 0.",
        minimum=0,
        maximum=512,
    )
    gpu_layers: int = _setting(
        -1,
        "Layers on the GPU, where llama.cpp was built for one; -1 takes all.",
        minimum=-1,
        maximum=1000,
    )
    kv_cache_mb: int = _setting(
        512,
        "The most memory, in MB, for prompts that are kept evaluated. One of 2,048 tokens takes 190 MB"
        " with a 350M model, 750 MB with a 2.7B one.",
        minimum=16,
        maximum=65536,
    )
    run_examples: bool = _setting(
        False,
        "Run the code for a comment against the examples in it (`f(2) == 4`, doctest), walled in, and"
        " offer what passes first. Python on Linux; never in a workspace that the editor does not"
        " trust.",
    )
    unsafe_sandbox: bool = _setting(
        False,
        "Where code cannot be walled in, run it with limits on time and memory only: it can then read"
        " your files and use the network.",
    )
    disabled_languages: tuple[str, ...] = _setting(
        (), "Language identifiers for which nothing is suggested."
    )
    log_level: str = _setting("info", "How much goes to the log.", choices=LOG_LEVELS)


class Setting(NamedTuple):
    """One row of the settings table."""

    key: str
    name: str
    default: Any
    doc: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...] | None


def settings() -> tuple[Setting, ...]:
    """The table that drives the parser, the tests and the editors' settings pages."""
    return tuple(
        Setting(
            key=_camel_case(f.name),
            name=f.name,
            default=f.default,
            doc=f.metadata["doc"],
            minimum=f.metadata.get("minimum"),
            maximum=f.metadata.get("maximum"),
            choices=f.metadata.get("choices"),
        )
        for f in dataclasses.fields(Config)
    )


def parse(values: object, base: Config | None = None) -> tuple[Config, tuple[str, ...]]:
    """A `Config` from a client's settings, and a line for each value that could not be used.

    `values` is whatever the client sent: a mapping from keys to JSON values, or nothing at all.
    Keys that are absent or null keep what `base` says.
    """
    base = base or Config()
    if values is None:
        return base, ()
    if not isinstance(values, Mapping):
        return base, (f"settings: expected an object, got {_show(values)}; the defaults are used",)
    table = {setting.key: setting for setting in settings()}
    chosen: dict[str, Any] = {}
    complaints = [f"setting {key!r} does not exist" for key in values if key not in table]
    for key, setting in table.items():
        value = values.get(key)
        if value is None:
            continue
        try:
            chosen[setting.name] = _checked(setting, value)
        except ValueError as wrong:
            complaints.append(f"setting {key!r}: {wrong}; {_show(setting.default)} is used")
    return dataclasses.replace(base, **chosen), tuple(complaints)


def _checked(setting: Setting, value: Any) -> Any:
    expected = type(setting.default)
    if expected is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ValueError(f"expected a list of texts, got {_show(value)}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if expected is float and is_number:
        value = float(value)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise ValueError(f"expected {_TYPE_NAMES[expected]}, got {_show(value)}")
    if setting.choices is not None and value not in setting.choices:
        raise ValueError(f"expected one of {', '.join(setting.choices)}, got {_show(value)}")
    # A comparison that is false for NaN too.
    if setting.minimum is not None and not (setting.minimum <= value <= (setting.maximum or value)):
        raise ValueError(f"expected {setting.minimum} to {setting.maximum}, got {_show(value)}")
    return value


_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
