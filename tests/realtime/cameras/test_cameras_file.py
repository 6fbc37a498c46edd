"""A cameras.toml says what is meant or why it cannot be meant, and shows no password."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from rtaction.errors import RtactionError, SourceMissing, UsageError
from rtaction.pose.region import Region, Zone
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.cameras.cameras_file import CamerasFile, load_cameras
from rtaction.realtime.cameras.schedule import Schedule
from rtaction.realtime.cameras.view import View

SECRET = "s3cret"
ONE = '[[camera]]\nname = "door"\n'
URL = 'url = "rtsp://cam/1"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "cameras.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_can_be_said_of_a_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOOR_USER", "admin")
    monkeypatch.setenv("DOOR_PASSWORD", "p@s/s ñ:")
    text = """
        [actions]
        wave = { on = 0.7 }

        [[camera]]
        name = "front door"
        url = "rtsp://192.168.1.20/stream1"
        username_env = "DOOR_USER"
        password_env = "DOOR_PASSWORD"
        roi = [0.1, 0.2, 0.8, 1]
        rotation = 90
        mirror = true
        transport = "udp"
        open_timeout_seconds = 2
        read_timeout_seconds = 1.5

        [[camera]]
        source = "0"
    """

    loaded = load_cameras(written(tmp_path, text))

    target = "rtsp://admin:p%40s%2Fs%20%C3%B1%3A@192.168.1.20/stream1"
    address = Address("rtsp", target, "rtsp://192.168.1.20/stream1")
    view = View((0.1, 0.2, 0.8, 1), 90, mirror=True)
    door = Camera(address, "front door", view, "udp", 2, 1.5)
    webcam = Camera(Address("webcam", 0, "webcam 0"), "webcam 0")
    assert loaded == CamerasFile([door, webcam], {"wave": {"on": 0.7}})
    assert "p@s/s ñ:" in address.secrets
    assert "admin" not in repr(loaded)


def test_what_is_said_of_what_may_be_seen_and_what_counts(tmp_path: Path) -> None:
    (tmp_path / "fall.onnx").touch()
    text = f"""
        {ONE}{URL}
        enabled = false
        masks = [[0, 0, 0.2, 0.2], [0.5, 0, 1, 0, 1, 0.5]]
        model = "fall.onnx"
        labels = ["fall", "wave"]
        schedule = ["mon-fri 07:00-19:00"]
        quiet = ["12:00-13:00"]
        timezone = "Europe/Berlin"
        actions.labels.fall = {{ enter = 0.8 }}
        [camera.zones.porch]
        corners = [0.1, 0.5, 0.4, 0.5, 0.4, 1, 0.1, 1]
        labels = ["fall"]
        [camera.zones."next door"]
        corners = [0.5, 0.5, 1, 1]
    """

    (camera,) = load_cameras(written(tmp_path, text)).cameras

    assert not camera.is_enabled
    assert camera.view.masks == (*(Region.of([0, 0, 0.2, 0.2]), Region.of([0.5, 0, 1, 0, 1, 0.5])),)
    assert camera.model == tmp_path / "fall.onnx"
    assert camera.labels == ("fall", "wave")
    assert camera.schedule == Schedule.parse(
        ["mon-fri 07:00-19:00"], ["12:00-13:00"], "Europe/Berlin"
    )
    assert camera.actions == {"labels": {"fall": {"enter": 0.8}}}
    assert camera.zones == (
        Zone("porch", Region.of([0.1, 0.5, 0.4, 0.5, 0.4, 1, 0.1, 1]), ("fall",)),
        Zone("next door", Region.of([0.5, 0.5, 1, 1])),
    )
    assert {camera: 1}[load_cameras(written(tmp_path, text)).cameras[0]] == 1, "it has not changed"


def test_clips_come_from_another_stream_with_the_same_user_and_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DOOR_USER", "admin")
    monkeypatch.setenv("DOOR_PASSWORD", SECRET)
    users = 'username_env = "DOOR_USER"\npassword_env = "DOOR_PASSWORD"\n'
    masks = "masks = [[0, 0, 1, 0.5]]\n"

    def recorded(text: str) -> Camera:
        (camera,) = load_cameras(written(tmp_path, ONE + URL + masks + text)).cameras
        assert camera.recorded.recorded == camera.recorded
        assert (camera.recorded.name, camera.recorded.view) == (camera.name, camera.view)
        return camera.recorded

    def target(text: str) -> str:
        return str(recorded(text).address.target)

    assert target("") == "rtsp://cam/1"
    assert target('record_url = "rtsp://cam/main"') == "rtsp://cam/main"
    assert target(users + 'record_url = "rtsp://cam/main"') == f"rtsp://admin:{SECRET}@cam/main"
    assert recorded(users + 'record_url = "rtsp://cam/main"').address.name == "rtsp://cam/main"
    assert not caplog.records
    own = 'record_url = "rtsp://u:own@cam/main"'
    assert target(users + own) == "rtsp://u:own@cam/main"
    assert "contains a password in the address of door" in caplog.text
    assert recorded('record = "0"').address == Address("webcam", 0, "webcam 0")


def test_the_tables_of_serve_are_handed_out_as_they_are(tmp_path: Path) -> None:
    text = (
        f'{ONE}{URL}[clips]\n[mqtt]\nhost = "broker"\n'
        '[[webhook]]\nurl = "https://example.org"\n[[notify]]\nurl_env = "PHONE"\n'
        "[retention]\ndays = 7\n"
    )
    assert load_cameras(written(tmp_path, text)).tables == {
        "clips": {},
        "mqtt": {"host": "broker"},
        "webhook": [{"url": "https://example.org"}],
        "notify": [{"url_env": "PHONE"}],
        "retention": {"days": 7},
    }


def test_what_is_not_said_is_the_default(tmp_path: Path) -> None:
    (camera,) = load_cameras(written(tmp_path, ONE + URL)).cameras

    assert (camera.view, camera.transport) == (View(), "auto")
    assert (camera.open_timeout_seconds, camera.read_timeout_seconds) == (5.0, 3.0)


def test_a_user_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_USER", "admin")

    (camera,) = load_cameras(written(tmp_path, f'{ONE}{URL}username_env="DOOR_USER"')).cameras

    assert camera.address.target == "rtsp://admin@cam/1"


def test_names_that_are_not_given_are_made_different(tmp_path: Path) -> None:
    text = f'[[camera]]\n{URL}[[camera]]\n{URL}[[camera]]\nname = "rtsp://cam/1 (2)"\n{URL}'

    names = [camera.name for camera in load_cameras(written(tmp_path, text)).cameras]

    assert names == ["rtsp://cam/1", "rtsp://cam/1 (3)", "rtsp://cam/1 (2)"]


def test_a_region_is_a_rectangle_or_has_corners(tmp_path: Path) -> None:
    text = f"[[camera]]\n{URL}region = [0.5, 0, 1, 1]\n[[camera]]\n{URL}region = [0, 0, 1, 0, 0, 1]"
    cameras = load_cameras(written(tmp_path, text)).cameras
    rectangle, triangle = (camera.region for camera in cameras)
    assert rectangle == Region(((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    assert triangle == Region(((0, 0), (1, 0), (0, 1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no camera"),
        ("[actions]\n", "lists no camera"),
        ("[[camera]\n", "is not valid TOML"),
        (f"[[camera]]\npassword = {SECRET}", "is not valid TOML"),
        ("cameras = 1\n", "unknown key 'cameras'"),
        (f"{ONE}{URL}[action]\n", "unknown key 'action'"),
        (f"actions = 1\n{ONE}{URL}", "actions: expected a table"),
        (f"[camera]\n{URL}", r"written \[\[camera\]\]"),
        ("camera = [1]\n", r"written \[\[camera\]\]"),
        (f"{ONE}", r"camera 1 \('door'\): expected either url .* got neither"),
        (f'{ONE}{URL}source = "0"', "got both"),
        (f"{ONE}{URL}rio = [0, 0, 1, 1]", "unknown key 'rio'; expected one of name, url"),
        (f"[[camera]]\nname = 3\n{URL}", "camera 1: name: expected a string in quotes"),
        (f'[[camera]]\nname = " "\n{URL}', "name: expected one line of printable text"),
        (f'[[camera]]\nname = "a\\nb"\n{URL}', "name: expected one line of printable text"),
        (f"{ONE}url = 3", "url: expected a string in quotes"),
        (f"{ONE}source = 0", "source: expected a string in quotes"),
        (f'{ONE}url = "0"', "url: expected an address such as rtsp"),
        (f'{ONE}url = "ftp://cam/1"', "url: cannot open addresses of the kind 'ftp'"),
        (f'{ONE}source = "screen:x"', "source: invalid part of the screen"),
        (f"{ONE}{URL}roi = 1", "roi: expected a list of four numbers"),
        (f"{ONE}{URL}roi = [0, 0, 1, true]", "roi: expected a list of four numbers"),
        (f'{ONE}{URL}roi = [0, 0, 1, "a"]', "roi: expected a list of four numbers"),
        (f"{ONE}{URL}roi = [0, 0, 1]", "roi must be four numbers"),
        (f"{ONE}{URL}roi = [0.5, 0, 0.5, 1]", "roi must be .* left < right"),
        (f"{ONE}{URL}region = 1", "region: expected a list of numbers, such as"),
        (f'{ONE}{URL}region = [0, 0, 1, "a"]', "region: expected a list of numbers"),
        (
            f"{ONE}{URL}region = [0, 0, 1]",
            "region: expected left, top, .* 3 numbers",
        ),
        (f"{ONE}{URL}region = [0.5, 0, 0.5, 1]", "region: expected left, top, right"),
        (f"{ONE}{URL}rotation = 45", "rotation must be 0, 90, 180 or 270"),
        (f"{ONE}{URL}rotation = 90.0", "rotation: expected an integer"),
        (f"{ONE}{URL}rotation = false", "rotation: expected an integer"),
        (f"{ONE}{URL}mirror = 1", "mirror: expected true or false"),
        (f'{ONE}{URL}transport = "http"', 'transport must be "auto", "tcp" or "udp"'),
        (f'{ONE}{URL}open_timeout_seconds = "5"', "open_timeout_seconds: expected a number"),
        (f"{ONE}{URL}open_timeout_seconds = 0", "open_timeout_seconds must be .* above 0"),
        (f"{ONE}{URL}read_timeout_seconds = inf", "read_timeout_seconds must be"),
        (f"{ONE}{URL}read_timeout_seconds = nan", "read_timeout_seconds must be"),
        (f"{ONE}{URL}read_timeout_seconds = true", "read_timeout_seconds: expected a number"),
        (f"{ONE}{URL}{ONE}{URL}", r"camera 2 \('door'\): name: already used by another camera"),
        (f'{ONE}{URL}password = "{SECRET}"', 'password_env = "CAMERA_PASSWORD"'),
        (f'{ONE}{URL}Password = "{SECRET}"', 'password_env = "CAMERA_PASSWORD"'),
        (f'{ONE}{URL}password_env = "SET"', "password_env: it needs a user"),
        (f'{ONE}{URL}username_env = "NOT_SET"', "username_env: .* NOT_SET is not set"),
        (f'{ONE}source = "0"\nusername_env = "SET"', "username_env: only an rtsp:// or http://"),
        (
            f'{ONE}url = "rtsp://u:{SECRET}@cam/1"\nusername_env = "SET"',
            "username_env: the address has a user as well",
        ),
        (f"{ONE}{URL}masks = [0, 0, 1, 1]", r"masks: expected a list of lists of numbers"),
        (f"{ONE}{URL}masks = [[0, 0, 1]]", r"masks: expected left, top.* got 3 numbers"),
        (f"{ONE}{URL}masks = [[0, 0, 1, 1, 1, 0.2, 0, 0.7]]", "door.*: masks .* whose edges cross"),
        (f"{ONE}{URL}zones = [1]", r"zones: expected a table for each zone, .* got a list"),
        (f"{ONE}{URL}zones.porch = [0, 0, 1, 1]", r"zones\.porch: expected a table, got a list"),
        (f"{ONE}{URL}zones.porch = {{}}", r"zones\.porch: corners: expected .* got nothing"),
        (f"{ONE}{URL}zones.porch.corners = [0, 0, 2, 1]", r"zones\.porch\.corners: expected left"),
        (f"{ONE}{URL}zones.porch.corner = [0, 0, 1, 1]", r"zones\.porch: unknown key 'corner'"),
        (
            f'{ONE}{URL}zones.porch = {{ corners = [0, 0, 1, 1], labels = "fall" }}',
            r"zones\.porch\.labels: expected a list of labels",
        ),
        (f'{ONE}{URL}zones."\\n".corners = [0, 0, 1, 1]', "the name of a zone"),
        (f"{ONE}{URL}labels = []", "labels: .*leave it out for all labels"),
        (f"{ONE}{URL}labels = [1]", "labels: expected a list of labels"),
        (f'{ONE}{URL}model = "no.onnx"', r"model: there is no file .*no\.onnx; expected an ONNX"),
        (f'{ONE}{URL}schedule = ["mon 7-19"]', "schedule: expected hours of days"),
        (f'{ONE}{URL}schedule = "mon"', "schedule: expected a list of hours"),
        (f"{ONE}{URL}quiet = [7]", "quiet: expected a list of hours"),
        (f'{ONE}{URL}timezone = "Mars"', "timezone: there is no time zone 'Mars'"),
        (f"{ONE}{URL}actions = 0.7", r"actions: expected a table, written \[camera\.actions\]"),
        (f"{ONE}{URL}enabled = 1", "enabled: expected true or false"),
        (f'{ONE}{URL}record_url = "main"', "record_url: expected an address .* use record for"),
        (f'{ONE}{URL}record_url = "rtsp://a/1"\nrecord = "0"', "record_url or record, got both"),
        (f'{ONE}{URL}record_url = "rtps://u:{SECRET}@cam/1"', "record_url: cannot open addresses"),
        (f'{ONE}url = "rtps://u:{SECRET}@cam/1"', "url: cannot open addresses like this"),
        (f'{ONE}url = ["rtsp://u:{SECRET}@cam/1"]', "url: expected a string in quotes"),
        (f'{ONE}url = "rtsp:/u:{SECRET}@cam/1"', "url: expected an address"),
    ],
)
def test_a_mistake_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setenv("SET", "admin")
    path = written(tmp_path, text)

    with pytest.raises(UsageError, match=message) as caught:
        load_cameras(path)

    assert str(path) in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize("source", ["nosuch.mp4", f"rtsp:/u:{SECRET}@cam/1"])
def test_a_source_that_is_not_there(tmp_path: Path, source: str) -> None:
    path = written(tmp_path, f'{ONE}source = "{source}"')

    with pytest.raises(SourceMissing, match="there is no such file") as caught:
        load_cameras(path)

    assert f"{path}, camera 1 ('door'): source" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nosuch\.toml cannot be read: No such file"):
        load_cameras(tmp_path / "nosuch.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_cameras(tmp_path)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_bytes(f"# Tür {SECRET}\n{ONE}{URL}".encode("latin-1"))
    with pytest.raises(UsageError, match="is not UTF-8") as caught:
        load_cameras(path)
    assert SECRET not in str(caught.value)

    path.write_bytes(f"{ONE}{URL}".replace("\n", "\r\n").encode("utf-8-sig"))
    assert len(load_cameras(path).cameras) == 1


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        (f"rtsp://admin:{SECRET}@cam/1", True),
        (f"rtsp://cam/user=admin&password={SECRET}&channel=1", True),
        (f"http://cam/v?user=admin&pwd={SECRET}", True),
        (f"http://cam/v?access_token={SECRET}", True),
        ("rtsp://admin@cam/1", False),
        ("rtsp://cam:554/1?channel=1&subtype=0", False),
    ],
)
def test_a_password_in_the_file_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, url: str, warns: bool
) -> None:
    text = "".join(f'[[camera]]\nname = "door {n}"\nurl = "{url}"\n' for n in range(2))

    with caplog.at_level(logging.WARNING):
        loaded = load_cameras(written(tmp_path, text))

    assert len(loaded.cameras) == 2
    assert len(caplog.records) == warns
    if warns:
        assert "door 0, door 1" in caplog.text
        assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], []),
        (["0", "1"], ["webcam 0", "webcam 1"]),
        (["0", "0", "0"], ["webcam 0", "webcam 0 (2)", "webcam 0 (3)"]),
        (["rtsp://u:a@cam/1", "rtsp://u:b@cam/1"], ["rtsp://cam/1", "rtsp://cam/1 (2)"]),
        (["screen:", "http://cam/v?x"], ["screen", "http://cam/v?…"]),
    ],
)
def test_names_of_sources_differ(texts: list[str], names: list[str]) -> None:
    assert [camera.name for camera in cameras_of(texts)] == names


def test_a_folder_of_videos_is_several_cameras(tmp_path: Path) -> None:
    paths = [tmp_path / "clip2.mp4", tmp_path / "clip10.mp4"]
    for path in paths:
        path.touch()

    assert cameras_of(["0", str(tmp_path)]) == [
        Camera(Address("webcam", 0, "webcam 0"), "webcam 0"),
        *(Camera(Address("file", str(path), str(path)), str(path)) for path in paths),
    ]


def test_of_several_sources_a_wrong_one_is_an_error() -> None:
    with pytest.raises(RtactionError, match="nosuch"):
        cameras_of(["0", "nosuch.mp4"])


@pytest.mark.parametrize(
    "changes",
    [{"transport": "http"}, {"open_timeout_seconds": 0.0}, {"read_timeout_seconds": float("nan")}],
)
def test_a_camera_that_cannot_be_meant(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        Camera(Address("webcam", 0, "webcam 0"), "webcam 0", **changes)


@pytest.mark.parametrize(
    "value", ["[" * 5000 + "]" * 5000, "9" * 5000, "{a=" * 5000 + "1" + "}" * 5000]
)
def test_what_no_parser_can_read_is_told(tmp_path: Path, value: str) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(f"x = {value}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cameras\.toml is (nested too deep|not valid TOML)"):
        load_cameras(path)


def test_a_password_in_the_place_of_a_variable_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(
        '[[camera]]\nurl = "rtsp://camera/x"\nusername_env = "HOME"\npassword_env = "hunter2!"\n',
        encoding="utf-8",
    )

    with pytest.raises(UsageError, match="password_env") as caught:
        load_cameras(path)
    assert "hunter2" not in str(caught.value)
