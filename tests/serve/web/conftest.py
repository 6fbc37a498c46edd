"""A served house, and a client that checks its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from rtaction.serve.house.school import LessonView
from rtaction.serve.web.options import Limits, WebOptions
from rtaction.serve.web.server import WebServer
from tests.serve.fake_house import FakeHouse
from tests.serve.web.checked import checked_client
from tests.serve.web.fake_school import FakeSchool

LESSON = "20261130-093000-ab12"
TOKEN = "a-token-of-enough-characters"

Serve = Callable[..., WebServer]


@pytest.fixture(scope="module")
def kept_house(tmp_path_factory: pytest.TempPathFactory) -> FakeHouse:
    return FakeHouse(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(kept_house: FakeHouse) -> FakeHouse:
    """As new."""
    kept_house.reset()
    return kept_house


@pytest.fixture
def serve(house: FakeHouse) -> Iterator[Serve]:
    """Starts a server of the house, with options of `WebOptions` and of `WebServer`."""
    with ExitStack() as running:

        def start(options: WebOptions | None = None, **more: Any) -> WebServer:
            server = WebServer(house, options or WebOptions(port=0), **more)
            server.start()
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="module")
def kept_server(kept_house: FakeHouse) -> Iterator[WebServer]:
    limits = Limits(num_requests_at_once=10_000)
    school = FakeSchool(kept_house.folder)
    school.views[LESSON] = LessonView(
        id=LESSON,
        takes={"my wave": 3, "nothing": 2},
        state="learned",
        progress=1.0,
        report=("accuracy on 5 takes: 80 %", "  few takes: ten of each label give a better model"),
        has_model=True,
    )
    server = WebServer(kept_house, WebOptions(port=0), limits=limits, school=school)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(house: FakeHouse, kept_server: WebServer) -> Iterator[httpx.Client]:
    """Of a server without a token that all tests of a module share."""
    with checked_client(kept_server.url) as one:
        yield one
