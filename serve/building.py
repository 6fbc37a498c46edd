"""Build a house, its school and its sinks from the options and the file of cameras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rtaction.realtime.cameras.cameras_file import CamerasFile, load_cameras, with_sources
from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.clips.corrections import Corrections
from rtaction.serve.clips.media import Media
from rtaction.serve.clips.options import ClipOptions
from rtaction.serve.options import ServeOptions
from rtaction.serve.school.lessons import Lessons
from rtaction.serve.sinks.metrics import Metrics
from rtaction.serve.sinks.open import open_sinks
from rtaction.serve.store.folder_lock import FolderLock, made_folder
from rtaction.serve.store.index import EventIndex
from rtaction.serve.store.retention import Retention, RetentionOptions
from rtaction.serve.watching.rooms import Rooms
from rtaction.serve.watching.setups import setups_of
from rtaction.serve.watching.station import Plan
from rtaction.serve.watching.watchman import Watchman
from rtaction.serve.web.options import WebOptions, read_token
from rtaction.serve.web.server import WebServer

INDEX_NAME = "events.db"
# How long after its start an event is reported at most; the longest windows take some 5 s.
_MOST_DELAY_SECONDS = 8.0

OpenModel = Callable[[Path], ActionModel]


@dataclass(frozen=True, slots=True)
class Built:
    """What serves.

    Args:
        house: watches.
        school: teaches.
        server: shows both.
    """

    house: Watchman
    school: Lessons
    server: WebServer


def build(options: ServeOptions, open_model: OpenModel, model: Path) -> Built:
    """Everything that the options ask for; nothing has begun yet.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    web = WebOptions(
        host=options.host,
        port=options.port,
        token=read_token(options.token_env, options.token_file),
        allowed_hosts=options.allowed_hosts,
        allowed_origins=options.allowed_origins,
        trusted_proxies=options.trusted_proxies,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
    )
    loaded = _loaded(options)
    first_plan = [_plan_of(loaded, options, model)]  # a mistake is told before a folder is made
    tables = {} if loaded is None else loaded.tables
    where = str(options.cameras_file)
    clips = ClipOptions.from_table(tables.get("clips", {}), f"{where}: clips")
    kept = RetentionOptions.from_table(tables.get("retention", {}), f"{where}: retention")
    folder = options.folder
    with ExitStack() as on_error:
        lock = FolderLock(made_folder(folder))
        on_error.callback(lock.close)
        metrics = Metrics()
        sinks = [*open_sinks(tables, where=where, folder=folder), metrics]
        index = EventIndex(folder / INDEX_NAME)
        on_error.callback(index.close)
        rooms = Rooms(
            lock=lock,
            index=index,
            clips_folder=made_folder(folder / "clips"),
            corrections=Corrections(folder / "corrections", folder / "clips"),
            sinks=sinks,
            read_plan=lambda: first_plan.pop() if first_plan else plan_of(options, model),
            open_model=open_model,
            media_of=_media_of(folder / "clips", clips) if options.clips else None,
            retention_of=lambda is_writing: Retention(
                folder / "clips", index, kept, is_writing=is_writing
            ),
        )
        house = Watchman(rooms)
        school = Lessons(folder / "lessons", open_model)
        server = WebServer(house, web, metrics=metrics.metrics_text, school=school)
        on_error.pop_all()
    return Built(house, school, server)


def plan_of(options: ServeOptions, model: Path) -> Plan:
    """What is to be watched, as the options and the file of cameras say now.

    Raises:
        UsageError: there is a mistake.
    """
    return _plan_of(_loaded(options), options, model)


def _plan_of(loaded: CamerasFile | None, options: ServeOptions, model: Path) -> Plan:
    cameras = with_sources(
        [] if loaded is None else loaded.cameras, options.sources, options.cameras_file
    )
    return Plan(setups_of(cameras, model), {} if loaded is None else loaded.actions)


def _loaded(options: ServeOptions) -> CamerasFile | None:
    return None if options.cameras_file is None else load_cameras(options.cameras_file)


def _media_of(folder: Path, options: ClipOptions) -> Callable[..., Media]:
    return lambda on_done: Media(folder, options, on_done, max_delay_seconds=_MOST_DELAY_SECONDS)
