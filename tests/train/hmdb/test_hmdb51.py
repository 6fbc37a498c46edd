from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rtaction.errors import DatasetError, MissingLibrary, UsageError
from rtaction.labelled.videos import grouping
from rtaction.train.hmdb.hmdb51 import CLASSES, fetch_hmdb51, group_pattern
from tests.train.archives import rar_of, tar_of, zip_of

Pack = Callable[[dict[str, bytes]], bytes]
RAR_TOOLS = [
    pytest.param(
        tool, marks=pytest.mark.skipif(not shutil.which(tool), reason=f"no {tool} installed")
    )
    for tool in ("bsdtar", "unar", "unrar")
]


def clips_of(name: str) -> dict[str, bytes]:
    return {
        f"{name}/Film_{n}_[x]_{name}_f_cm_np1_le_goo_{n}.avi": f"{name} {n}".encode() * 300
        for n in range(3)
    }


def packed(outer: Pack, inner: Pack, suffix: str) -> bytes:
    return outer({f"{one}{suffix}": inner(clips_of(one)) for one in ("golf", "wave", "dribble")})


def flat(outer: Pack) -> bytes:
    return outer({f"hmdb51/{k}": v for one in ("golf", "wave") for k, v in clips_of(one).items()})


class Server(ThreadingHTTPServer):
    """Serves one file; hangs up after `stop_after` bytes of an answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.stop_after, self.mark = b"", 1 << 30, '"one"'
        self.content_type = "application/octet-stream"
        self.says_length = True
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hmdb51_org.rar"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers["Range"]
        server.asked.append(wanted)
        start = 0
        if wanted and self.headers["If-Range"] == server.mark:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.content_type)
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.mark)
        self.end_headers()
        self.wfile.write(body[: server.stop_after])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.glob("*/*.avi")}


def test_the_classes_are_fifty_one() -> None:
    assert len(set(CLASSES)) == 51
    assert list(CLASSES) == sorted(CLASSES)


@pytest.mark.parametrize("tool", RAR_TOOLS)
def test_a_rar_of_rars_gives_the_wanted_classes_only(
    tmp_path: Path, server: Server, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    seen = {tool, "lsar"} if tool == "unar" else {tool}
    monkeypatch.setattr(shutil, "which", lambda name: name in seen and which(name))
    server.content = packed(rar_of, rar_of, ".rar")
    counts = fetch_hmdb51(tmp_path, ["golf", "dribble"], source=server.url)
    assert counts == {"golf": 3, "dribble": 3}
    assert contents(tmp_path) == clips_of("golf") | clips_of("dribble")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".hmdb51", "dribble", "golf"]
    (kept,) = (tmp_path / ".hmdb51").iterdir()
    assert kept.match("hmdb51_org-*.rar")


@pytest.mark.parametrize(
    "content",
    [packed(zip_of, tar_of, ".tar"), packed(tar_of, zip_of, ".zip"), flat(zip_of), flat(tar_of)],
    ids=["zip of tars", "tar of zips", "zip of folders", "tar of folders"],
)
def test_mirrors_may_be_packed_otherwise(tmp_path: Path, content: bytes) -> None:
    mirror = tmp_path / "mirror"
    mirror.write_bytes(content)
    fetch_hmdb51(tmp_path / "videos", ["golf"], source=str(mirror))
    assert contents(tmp_path / "videos") == clips_of("golf")


def test_a_broken_download_goes_on_where_it_ended(tmp_path: Path, server: Server) -> None:
    server.content = packed(zip_of, zip_of, ".zip")
    server.stop_after = 1000
    with pytest.raises(DatasetError, match=r"run it again to go on"):
        fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    assert contents(tmp_path) == {}
    assert not list((tmp_path / ".hmdb51").glob("hmdb51_org-*.rar"))
    server.stop_after = 1 << 30
    seen: list[tuple[int, int | None]] = []
    fetch_hmdb51(tmp_path, ["golf"], source=server.url, on_bytes=lambda *one: seen.append(one))
    assert server.asked == [None, "bytes=1000-"]
    assert seen[-1] == (len(server.content), len(server.content))
    assert contents(tmp_path) == clips_of("golf")


def test_the_rest_of_another_file_is_not_appended(tmp_path: Path, server: Server) -> None:
    server.content, server.stop_after = b"x" * 5000, 1000
    with pytest.raises(DatasetError):
        fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    server.content, server.stop_after = packed(zip_of, zip_of, ".zip"), 1 << 30
    server.mark = '"two"'
    fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    assert contents(tmp_path) == clips_of("golf")


def test_what_is_there_is_neither_fetched_nor_unpacked_again(
    tmp_path: Path, server: Server
) -> None:
    server.content = packed(zip_of, zip_of, ".zip")
    fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    (tmp_path / "golf" / "mine.avi").write_bytes(b"mine")
    counts = fetch_hmdb51(tmp_path, ["golf", "wave"], source=server.url)
    assert counts == {"golf": 4, "wave": 3}
    assert server.asked == [None]


def test_a_web_page_is_not_taken_for_the_archive(tmp_path: Path, server: Server) -> None:
    server.content, server.content_type = b"<html>", "text/html"
    with pytest.raises(DatasetError, match=r"web page.*--from"):
        fetch_hmdb51(tmp_path, ["golf"], source=server.url)


@pytest.mark.parametrize("pack", [zip_of, tar_of, rar_of])
@pytest.mark.parametrize("name", ["../out.avi", "/out.avi", "golf/../../out.avi", "c:/out.avi"])
def test_nothing_is_written_outside(tmp_path: Path, pack: Pack, name: str) -> None:
    if pack is rar_of and not (shutil.which("bsdtar") or shutil.which("unar")):
        pytest.skip("nothing here lists a .rar")
    evil = tmp_path / "evil"
    evil.write_bytes(zip_of({"golf.zip": pack(clips_of("golf") | {name: b"evil"})}))
    with pytest.raises(DatasetError, match="points out of the target folder"):
        fetch_hmdb51(tmp_path / "in" / "videos", ["golf"], source=str(evil))
    assert not list(tmp_path.rglob("out.avi"))
    assert contents(tmp_path / "in" / "videos") == {}


@pytest.mark.parametrize("content", [b"nonsense" * 400, packed(zip_of, zip_of, ".zip")[:-40]])
def test_a_damaged_archive_leaves_no_class_behind(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.rar"
    bad.write_bytes(content)
    with pytest.raises(DatasetError, match="Delete"):
        fetch_hmdb51(tmp_path / "videos", ["golf"], source=str(bad))
    assert [p.name for p in (tmp_path / "videos").iterdir()] == [".hmdb51"]


def test_a_class_that_is_not_in_the_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(zip_of, zip_of, ".zip"))
    with pytest.raises(DatasetError, match=r"expected kick\.rar or kick/"):
        fetch_hmdb51(tmp_path, ["kick"], source=str(tmp_path / "a.zip"))


def test_an_unknown_class_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'golfing'"):
        fetch_hmdb51(tmp_path / "videos", ["golfing"], source="http://127.0.0.1:1/x")
    assert not (tmp_path / "videos").exists()


def test_without_a_program_for_rar_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingLibrary, match="apt install libarchive-tools"):
        fetch_hmdb51(tmp_path, ["golf"])


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("v/golf/Golf_swing_golf_f_cm_np1_ba_goo_0.avi", "Golf_swing"),
        ("v/kick_ball/#8_kick_ball_l_nm_np1_ba_bad_12.avi", "#8"),
        ("v/kick/A_kick_at_dawn_kick_u_nm_np2_ri_med_1.avi", "A_kick_at_dawn"),
        ("v/draw_sword/Film_draw_sword_u_nm_np1_fr_goo_0.avi", "Film"),
    ],
)
def test_clips_of_one_film_are_one_group(path: str, group: str) -> None:
    pattern = group_pattern(["golf", "kick", "kick_ball", "sword", "draw_sword"])
    assert grouping(pattern)(Path(path)) == group


def test_a_file_of_unknown_length_is_never_taken_for_whole(tmp_path: Path, server: Server) -> None:
    server.content = packed(zip_of, zip_of, ".zip")
    server.stop_after = 1000
    server.says_length = False
    with pytest.raises(DatasetError, match="does not report the size of the file"):
        fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    assert not list((tmp_path / ".hmdb51").glob("hmdb51_org-*.rar"))


def test_another_mirror_is_another_archive(tmp_path: Path, server: Server) -> None:
    server.content = packed(zip_of, zip_of, ".zip")
    fetch_hmdb51(tmp_path, ["golf"], source=server.url)
    fetch_hmdb51(tmp_path, ["wave"], source=server.url)
    assert len(server.asked) == 1
    fetch_hmdb51(tmp_path / "again", ["wave"], source=f"{server.url}?mirror=2")
    assert len(server.asked) == 2
