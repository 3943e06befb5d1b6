from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from codegen_lsp.strain import LOOK_EVERY, Strain


class Machine:
    """A machine of two cores, whose clock, programs and battery do what the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.user = self.own = 0.0
        self.battery: SimpleNamespace | None = None
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr("codegen_lsp.strain.time", clock)
        monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
        monkeypatch.setattr(psutil, "cpu_times", lambda: Times(self.user, 100.0))
        monkeypatch.setattr(psutil, "sensors_battery", lambda: self.battery, raising=False)

    def strain(self) -> Strain:
        return Strain(lambda: self.own)

    def pass_(self, seconds: float, *, others: float = 0.0, own: float = 0.0) -> None:
        self.now += seconds
        self.own += own
        self.user += others + own


class Times(tuple[float, float]):
    """As psutil's: a tuple with names."""

    def __new__(cls, user: float, idle: float) -> Times:
        return super().__new__(cls, (user, idle))

    @property
    def idle(self) -> float:
        return self[1]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_an_idle_machine_is_under_no_strain_nor_is_one_that_only_completes(
    machine: Machine,
) -> None:
    watch = machine.strain()
    machine.pass_(10, others=1)
    assert watch.reason() == ""
    machine.pass_(10, own=20)
    assert watch.reason() == ""


def test_other_programs_are_a_reason_until_they_end(machine: Machine) -> None:
    watch = machine.strain()
    machine.pass_(10, others=1)
    assert watch.reason() == ""
    machine.pass_(10, others=15)
    assert "other programs" in watch.reason()
    machine.pass_(LOOK_EVERY / 2, others=0)
    assert "other programs" in watch.reason()  # not looked at again yet
    machine.pass_(10, others=1)
    assert watch.reason() == ""


@pytest.mark.parametrize(("plugged", "expected"), [(True, ""), (None, ""), (False, "on battery")])
def test_a_battery_is_a_reason_where_it_is_in_use(
    machine: Machine, plugged: bool | None, expected: str
) -> None:
    watch = machine.strain()
    machine.battery = SimpleNamespace(power_plugged=plugged)
    machine.pass_(10)
    assert watch.reason() == expected


def test_the_real_machine_can_be_asked() -> None:
    assert isinstance(Strain(lambda: 0.0).reason(), str)
