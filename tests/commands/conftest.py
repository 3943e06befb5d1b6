"""A client of a server that has the embedded model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import Client, running
from tests.commands.asking import CLIENT


@pytest.fixture
def client() -> Iterator[Client]:
    with running() as client:
        client.initialize(**CLIENT)
        yield client
        client.leave()
