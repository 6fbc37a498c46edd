"""No password leaves a service: not by its page, its sinks, its logs or its files."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from rtaction.errors import RtactionError
from rtaction.realtime.cameras.address import parse_address
from rtaction.realtime.cameras.camera import cameras_of
from rtaction.realtime.model.action_model import ActionModel
from rtaction.redaction import redact, scrub
from rtaction.serve.building import Built, build
from rtaction.serve.house.house import Query
from rtaction.serve.options import ServeOptions
from rtaction.serve.watching.desk import Desk
from rtaction.serve.watching.setups import setups_of
from tests.realtime.servers.fault_server import FaultServer
from tests.realtime.servers.stream_server import StreamServer
from tests.serve.place import SPEC, bright_picture, until
from tests.serve.sinks.mosquitto import PASSWORD, USER, Mosquitto, Onlooker
from tests.serve.sinks.receiver import Receiver
from tests.tiny_model import write_tiny_model

# Each has this in it, in whatever notation; nothing else has.
_MARK = "zq7secret"
_STREAM_SECONDS = 0.5


def _secret(number: int | str) -> str:
    return f"{_MARK}{number}"


class Told:
    """All that a service has told to anybody."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytes]] = []

    def add(self, where: str, what: str | bytes) -> None:
        self.parts.append((where, what if isinstance(what, bytes) else what.encode()))

    def leaks(self) -> list[str]:
        wanted = [_MARK.encode(), PASSWORD.encode(), b"s3cret"]
        return [
            f"{where}: {what[max(at - 80, 0) : at + 60]!r}"
            for where, what in self.parts
            for one in wanted
            if (at := what.lower().find(one)) >= 0
        ]


class Scene:
    """Cameras with passwords wherever people put them, sinks with theirs, and a service."""

    def __init__(self, folder: Path, running: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.model = write_tiny_model(folder / "tiny.onnx", SPEC)
        self.camera = running.enter_context(
            FaultServer(picture=bright_picture, user="admin", password=_secret("/1@x:y"))
        )
        self.web_camera = running.enter_context(StreamServer(picture=bright_picture))
        self.broker = Mosquitto(folder, has_password=True)
        running.callback(self.broker.end)
        self.onlooker = Onlooker(self.broker.port, username=USER, password=PASSWORD)
        running.callback(self.onlooker.close)
        self.receiver = Receiver()
        self.receiver.start()
        running.callback(self.receiver.end)
        for name, value in {
            "T_MQTT_USER": USER,
            "T_MQTT_PASSWORD": PASSWORD,
            "T_HOOK": _secret("hook"),
            "T_CAM_USER": "viewer",
            "T_CAM_PASSWORD": _secret("env/1 ä"),
            "T_TOKEN": _secret("token-of-the-page"),
            "T_NOTIFY": f"json://user:{_secret('notify')}@127.0.0.1:9/x?key={_secret('key')}",
        }.items():
            monkeypatch.setenv(name, value)
        self.cameras = folder / "cameras.toml"
        self.cameras.write_text(self.good(), encoding="utf-8")
        options = ServeOptions(
            cameras_file=self.cameras,
            folder=folder / "kept",
            port=0,
            token_env="T_TOKEN",
        )
        self.built: Built = build(options, lambda path: ActionModel(path, device="cpu"), self.model)
        running.callback(self.built.house.close, 8.0)
        self.built.house.open()
        self.built.server.start()
        running.callback(self.built.server.stop)

    def addresses(self) -> list[str]:
        host, rtsp, web = "127.0.0.1", self.camera.port, self.web_camera.port
        return [
            self.camera.url(),
            self.camera.url("admin", _secret("wrong")),
            f"rtsp://{host}:9/live?password={_secret(2)}&user=admin",
            f"rtsp://{host}:{rtsp}/user=admin&password={_secret(3)}&channel=1/none",
            f"rtsp://{host}:{rtsp}/admin:{_secret(4)}/none",
            f"http://{host}:{web}/odd?token={_secret(5)}",
            f"http://admin:{quote(_secret('6/@?#'), safe='')}@{host}:9/x.mjpg",
            f"rtsp://admin:{_secret('7/with#all?of@them')}@{host}:9/x",
            f"rtsps://{_secret(8)}@{host}:9/x",
            f"https://{host}:9/snapshot.jpg?auth={quote(_secret('9+ä'))}#{_secret('f')}",
            f"rtsp://{host}:9/x;{_secret('params')}",
        ]

    def good(self, more: str = "") -> str:
        cameras = [
            f'[[camera]]\nurl = "{one}"\nopen_timeout_seconds = 2' for one in self.addresses()
        ]
        cameras[0] += '\nname = "Front door"'
        cameras[1] += f'\nrecord_url = "rtsp://admin:{_secret("record")}@127.0.0.1:9/main"'
        return "\n".join(
            [
                *cameras,
                f'[[camera]]\nname = "env"\nurl = "rtsp://127.0.0.1:{self.camera.port}/live"\n'
                'username_env = "T_CAM_USER"\npassword_env = "T_CAM_PASSWORD"',
                more,
                f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}',
                'username_env = "T_MQTT_USER"\npassword_env = "T_MQTT_PASSWORD"',
                f'[[webhook]]\nurl = "{self.receiver.url()}?token={_secret("url")}"',
                'secret_env = "T_HOOK"\nphases = ["start", "end", "change"]',
                f'[[webhook]]\nurl = "http://me:{_secret("basic")}@127.0.0.1:9/hook"',
                '[[notify]]\nurl_env = "T_NOTIFY"',
            ]
        )

    def broken(self) -> Iterator[str]:
        """Files with mistakes, beside or in what is secret."""
        secret = _secret("broken")
        url = f"rtsp://admin:{secret}@127.0.0.1/x"
        yield self.good(f'[[camera]]\nurl = "{url}')
        yield self.good(f'[[camera]]\nurl = {url}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\nurl = "{url}"')
        yield self.good(f'[[camera]]\nurl = "{url.replace("rtsp", "rtps")}"')
        yield self.good(f'[[camera]]\nurl = "admin:{secret}@127.0.0.1/x"')
        yield self.good(f'[[camera]]\nsource = "admin:{secret}@127.0.0.1/x"')
        yield self.good(f'[[camera]]\nurl = ["{url}"]')
        yield self.good(f'[[camera]]\nurl = "{url}"\npassword = "{secret}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\nrotation = "{url}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\n"{url}" = 1')
        yield self.good(f'[[camera]]\nurl = "{url}"\npassword_env = "{secret}"\nname = "x"')
        yield self.good(f'[[camera]]\nurl = "rtsp://127.0.0.1/x"\npassword_env = "{secret}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\nmodel = "{url}"')
        yield self.good(f'[[camera]]\nname = "{url}"\nurl = "{url}"\nmirror = 3')
        yield self.good(f'[[camera]]\nname = "{url}"\nurl = "{url}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\nzones."{url}".corners = 1')
        yield self.good(f'["{url}"]\nx = 1')
        yield self.good(f'[[camera]]\nurl = "{url}"\nschedule = ["{url}"]')
        yield self.good(f'[[camera]]\nurl = "{url}"\ntransport = "{url}"')
        yield self.good(f'[[camera]]\nurl = "{url}"\nlabels = ["{url}"]')


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with ExitStack() as running:
        yield Scene(tmp_path, running, monkeypatch)


def test_no_password_leaves_a_service(
    scene: Scene, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for of_this_test in ("httpx", "httpcore"):
        logging.getLogger(of_this_test).setLevel(logging.WARNING)
    caplog.set_level(logging.DEBUG)
    told, house = Told(), scene.built.house
    news = house.subscribe()
    until(lambda: any(one.snapshot for one in house.events(Query())))
    scene.camera.reset()  # its event ends
    until(lambda: any(one.clip and one.ended_at for one in house.events(Query())))
    event = next(one for one in house.events(Query()) if one.clip and one.ended_at)
    house.judge(event.id, "right")
    until(lambda: list((scene.folder / "kept" / "corrections").rglob("*.json")))
    until(lambda: any(one.state == "refused" for one in house.cameras()))
    until(lambda: sum(one.state == "down" for one in house.cameras()) >= 4)

    with httpx.Client(
        base_url=scene.built.server.url,
        headers={"Authorization": f"Bearer {_secret('token-of-the-page')}"},
        timeout=30.0,
    ) as client:
        num_refused = reload_mistakes(scene, client, told)
        assert num_refused >= 18
        for path in paths_of(client, [one.id for one in house.cameras()], event.id):
            get(client, path, told)
    while (one := news.next(0.0)) is not None:
        told.add("news", json.dumps([one.kind, one.data], default=str))
    until(lambda: scene.receiver.accepted)
    for request in scene.receiver.asked:
        told.add("webhook", request.body)
        told.add("webhook", json.dumps(request.headers))
    for topic, payloads in list(scene.onlooker.history.items()):
        told.add("topic", topic)
        for payload in payloads:
            told.add(f"payload of {topic}", payload)
    assert any("front-door" in topic for topic in scene.onlooker.history)
    scene.built.server.stop()
    house.close(8.0)
    for file in (scene.folder / "kept").rglob("*"):
        told.add("name of a file", str(file.relative_to(scene.folder)))
        if file.is_file():
            told.add(f"content of {file.name}", file.read_bytes())
    formatter = logging.Formatter("%(message)s")
    for record in caplog.records:
        told.add(f"log of {record.name}", formatter.format(record))
    out, err = capfd.readouterr()
    told.add("stdout", out)
    told.add("stderr", err)
    assert len(told.parts) > 200
    assert told.leaks() == []


def reload_mistakes(scene: Scene, client: httpx.Client, told: Told) -> int:
    """Have files with mistakes read, and the good one again; how many are refused."""
    num_refused = 0
    for text in (*scene.broken(), scene.good()):
        scene.cameras.write_text(text, encoding="utf-8")
        answer = client.post("/api/reload", headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 400), answer.text
        num_refused += answer.status_code == 400
        told.add("api/reload", answer.content)
        told.add("api/cameras", client.get("/api/cameras").content)
    return num_refused


def paths_of(client: httpx.Client, cameras: list[str], event: str) -> Iterator[str]:
    """All that can be got, also from what is not there."""
    operations = client.get("/openapi.json").json()["paths"]
    assert len(operations) > 15
    for path, methods in operations.items():
        if "get" not in methods:
            continue
        several = cameras if "{camera}" in path and "stream" not in path else cameras[:1]
        for camera in several:
            filled = path.replace("{camera}", camera).replace("{event}", event)
            yield re.sub(r"\{\w+\}", "none", filled)
    for path in ("/", "/openapi.json", "/docs", "/none", "/api/cameras/none", "/api/events/none"):
        yield path
    for name in re.findall(r'(?:src|href)="([^"#]+)"', client.get("/").text):
        yield name if name.startswith("/") else f"/{name}"


def get(client: httpx.Client, path: str, told: Told) -> None:
    """Get something; of what never ends, its beginning."""
    told.add("address", path)
    timeout = httpx.Timeout(30.0, read=_STREAM_SECONDS)
    with suppress(httpx.ReadTimeout), client.stream("GET", path, timeout=timeout) as answer:
        told.add(path, json.dumps(dict(answer.headers)))
        got = 0
        for chunk in answer.iter_bytes():
            told.add(path, chunk)
            got += len(chunk)
            if got > 20_000 and ("stream" in path or "news" in path):
                return


def test_ten_thousand_addresses(tmp_path: Path) -> None:
    chance = random.Random(7)
    odd = "@/?#:&;=%+ ä\"'\\|$!~"
    refused: list[str] = []
    for number in range(10_000):
        address = made_address(chance, odd)
        try:
            (camera,) = cameras_of([address])
        except RtactionError as error:
            refused.append(str(error))
            continue
        shown = f"{camera!r} {camera.name} {redact(address)} {parse_address(address)!r}"
        if number % 10 == 0:  # the slower ones
            (setup,) = setups_of([camera], tmp_path / "tiny.onnx")
            view = Desk(setup, SPEC, is_enabled=True, thresholds={}).view()
            shown += f" {setup!r} {view!r} {json.dumps(view.to_dict())}"
            said = f"tcp://x failed: {address} ({address!r}); {quote(address)}"
            shown += " " + scrub(said, camera.address.secrets)
        assert _MARK not in shown.lower(), (address, shown)
    assert not any(_MARK in one for one in refused)
    assert len(refused) < 5000


def made_address(chance: random.Random, odd: str) -> str:
    """An address with passwords in some of the places where people put them."""

    def secret() -> str:
        words = [f"{_MARK}{chance.randrange(10**6)}" for _ in range(chance.randint(1, 2))]
        word = chance.choice(odd).join(words)
        return quote(word, safe="") if chance.random() < 0.5 else word.replace(" ", "%20")

    scheme = chance.choice(["rtsp", "rtsps", "http", "https", "RTSP"])
    host = chance.choice(["camera", "10.0.0.7", "[fe80::1]", "a.example.org", "camera:554"])
    user = chance.choice(["", f"admin:{secret()}@", f"{secret()}@", f":{secret()}@"])
    path = chance.choice(
        [
            "/live",
            "",
            f"/user=admin&password={secret()}&channel=1.sdp",
            f"/admin:{secret()}/ch1",
            f"/live;{secret()}",
        ]
    )
    query = chance.choice(["", f"?password={secret()}", f"?a=1&token={secret()}", f"?{secret()}"])
    end = chance.choice(["", "", f"#{secret()}"])
    return f"{scheme}://{user}{host}{path}{query}{end}"


def test_names_that_are_addresses(tmp_path: Path) -> None:
    """A name is shown everywhere, so that it may be no address with a password."""
    from rtaction.realtime.cameras.cameras_file import load_cameras

    path = tmp_path / "cameras.toml"
    url = f"rtsp://admin:{_secret(1)}@10.0.0.7/live"
    path.write_text(f'[[camera]]\nname = "Yard {url}"\nurl = "{url}"\n')
    with pytest.raises(RtactionError, match=r"name: .*password") as caught:
        load_cameras(path)
    assert _MARK not in str(caught.value)


@pytest.mark.parametrize("key", ["4pRpmGyLx4kCWzcQ", "a3f9c2d87b1e4f60b2c9"])
def test_keys_in_paths(key: str) -> None:
    """Some recorders let everybody in who knows a path."""
    address = f"rtsps://192.168.1.1:7441/{key}?enableSrtp"
    (camera,) = cameras_of([address])
    assert camera.name == "rtsps://192.168.1.1:7441/…?…"
    said = f"404 for {address}, {key} or /{key.upper()}"
    assert key.lower() not in scrub(said, camera.address.secrets).lower()
    for path in ("/h264Preview_01_main", "/profile1MainStream", "/Streaming/Channels/101"):
        assert redact(f"rtsp://cam{path}") == f"rtsp://cam{path}"
