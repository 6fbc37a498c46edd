"""Where videos of an archive are found and read: folders, lists, addresses, an S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

from rtaction.cluster.archive.archive_files import (
    find_archive,
    fingerprint_of,
    local_copy,
    opened_video,
)
from rtaction.errors import DatasetError, SourceMissing, SourceUnreadable, UsageError
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.place import url_of
from rtaction.realtime.predicting.subtitles import path_for, to_eaf
from rtaction.realtime.predicting.work import judge
from tests.cluster.archive.drawn import answers_by_hand, job_for, steady, write_waves
from tests.videos import write_flat_video

pytest.importorskip("pyarrow")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    write_waves(folder / "deep" / "long.mp4", steady(450))
    write_flat_video(folder / "a.mp4", value=200, seconds=2.0)
    (folder / "notes.md").write_text("no video")
    return folder


def names(places: list[Path]) -> list[str]:
    return [str(name) for name, _, _ in find_archive(places)]


def test_folders_lists_and_addresses_name_videos(tmp_path: Path, videos: Path) -> None:
    url = videos.as_uri()
    listed = tmp_path / "list.txt"
    listed.write_text(f"{videos / 'a.mp4'}\n\n{url}/deep\n")
    assert names([videos]) == [str(videos / "a.mp4"), str(videos / "deep" / "long.mp4")]
    ((name, root, place),) = find_archive([Path(f"{url}/deep/long.mp4")])
    assert str(name) == f"file://{videos}/deep/long.mp4"
    assert str(root) == f"file://{videos}/deep"
    assert fingerprint_of(place) == fingerprint_of(str(videos / "deep" / "long.mp4"))
    assert names([listed]) == [str(videos / "a.mp4"), f"file://{videos}/deep/long.mp4"]
    assert path_for(name, PurePath(root), tmp_path, ".vtt") == tmp_path / "long.mp4.vtt"


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("file:///nowhere/at/all", SourceMissing, "file:///nowhere/at/all: no such video or"),
        ("s3://me:secret@bucket/videos", UsageError, "expected no password in an address"),
        ("what://bucket/videos", UsageError, "nothing here reads such addresses"),
        ("{videos}/empty.txt", DatasetError, "empty.txt is empty"),
        ("file://{videos}/none", DatasetError, "no video in file://"),
    ],
)
def test_mistakes_are_told(videos: Path, place: str, error: type[Exception], message: str) -> None:
    (videos / "empty.txt").write_text("\n")
    (videos / "none").mkdir()
    with pytest.raises(error, match=message) as told:
        find_archive([Path(place.format(videos=videos))])
    assert "secret" not in str(told.value)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, videos: Path) -> Iterator[str]:
    """The address of a folder in an S3 server on this machine."""
    server = pytest.importorskip("moto.server", reason="needs moto[s3], flask and flask-cors")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    query = f"endpoint_override={host}:{port}&scheme=http&allow_bucket_creation=true"
    from pyarrow import fs

    files, _ = fs.FileSystem.from_uri(f"s3://archive/?{query}")
    files.create_dir("archive")
    fs.copy_files(str(videos), "archive/v", destination_filesystem=files)
    with files.open_output_stream("archive/v/broken.mp4") as broken:
        broken.write(b"no video")
    yield f"s3://archive/v?{query}"
    running.stop()


def test_videos_in_s3_have_the_answers_of_local_ones(
    bucket: str, videos: Path, tiny_model: Path
) -> None:
    """Long ones in parts, of which only what is needed is fetched; no question mark in a name."""
    found = find_archive([Path(bucket)])
    assert [str(name) for name, _, _ in found] == [
        f"s3://archive/v/{name}" for name in ("a.mp4", "broken.mp4", "deep/long.mp4")
    ]
    places = [Path(place) for _, _, place in found]
    with local_copy(str(url_of(places[0]))) as copy:
        assert copy.read_bytes() == (videos / "a.mp4").read_bytes()
    assert not copy.exists()
    with opened_video(str(url_of(places[2]))) as container:
        assert container.streams.video[0].width == 48

    urls = [url for url in map(url_of, places) if url is not None]
    answers, rounds = answers_by_hand(tiny_model, urls, job_for(tiny_model))
    assert len(rounds[1]) > 2
    by_name = {answer.path.name.partition("?")[0]: answer for answer in answers}
    model = ActionModel(tiny_model, device="cpu", num_threads=1)
    for name in ("a.mp4", "deep/long.mp4"):
        path = videos / name
        expected = judge(model, path, PredictOptions((path,))).to_dict(top=2)
        got = by_name[path.name].to_dict(top=2)
        assert got | {"video": ""} == expected | {"video": ""}
    assert "cannot be read as a video" in by_name["broken.mp4"].problem
    assert "/tmp" not in by_name["broken.mp4"].problem
    assert "s3://archive/v/a.mp4" in to_eaf(by_name["a.mp4"], model="m")


def test_a_file_that_has_gone_is_told(bucket: str) -> None:
    url = url_of(Path(bucket.replace("/v?", "/v/gone.mp4?")))
    with pytest.raises((SourceMissing, SourceUnreadable), match=r"gone\.mp4"), local_copy(str(url)):
        pass
