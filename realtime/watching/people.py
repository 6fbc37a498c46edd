"""Who counts, and what is told about people, in a run of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rtaction.errors import UsageError
from rtaction.model_spec import ModelSpec
from rtaction.pose.people import PoseNetworks
from rtaction.pose.region import Region
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.moment import Leave, PeopleSeen
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.windows.engine import AnyTracker, Scorer
from rtaction.realtime.windows.people_tracker import PeopleTracker
from rtaction.realtime.windows.tracker import Tracker
from rtaction.realtime.windows.who_counts import CountOptions, Persons
from rtaction.realtime.windows.whole_tracker import WholeTracker


def tracker_for(
    model: Scorer,
    options: WatchOptions,
    *,
    is_live: bool = False,
    is_camera: bool = False,
    is_file: bool = False,
) -> AnyTracker:
    """What collects the windows of one source for a model.

    Args:
        model: sees whole pictures, or people.
        options: its `stride_seconds`, `frames_beside`, `windows`, `count` and `networks`.
        is_live, is_camera: see `Tracker`. Default False.
        is_file: whether it is a file that is read to its end. Default False.
    """
    if not model.spec.follows_people:
        return picture_tracker_for(
            model.spec, options, is_live=is_live, is_camera=is_camera, is_file=is_file
        )
    return PeopleTracker(
        model.spec,
        options.networks or _networks_of(model),
        options.count,
        stride_seconds=options.stride_seconds,
        is_live=is_live,
        is_camera=is_camera,
        keep_frames=options.frames_beside,
    )


def picture_tracker_for(
    spec: ModelSpec,
    options: WatchOptions,
    *,
    is_live: bool = False,
    is_camera: bool = False,
    is_file: bool = False,
) -> Tracker | WholeTracker:
    """What collects the windows of one source for a model that sees whole pictures.

    Args:
        spec: of the model.
        options, is_live, is_camera, is_file: see `tracker_for`.
    """
    if judges_whole(spec, options, is_file=is_file):
        return WholeTracker(spec, keep_frames=options.frames_beside)
    return Tracker(
        spec,
        stride_seconds=options.stride_seconds,
        is_live=is_live,
        is_camera=is_camera,
        keep_frames=options.frames_beside,
    )


def judges_whole(spec: ModelSpec, options: WatchOptions, *, is_file: bool) -> bool:
    """Whether a source is judged once, as a whole, rather than by windows.

    Args:
        spec: of the model.
        options: its `windows`.
        is_file: whether the source is a file that is read to its end.
    """
    return spec.shows_whole_videos and is_file and not options.windows


def options_of(camera: Camera, options: WatchOptions) -> WatchOptions:
    """The options for one camera, which may have a region of its own, and zones."""
    region = camera.region or options.count.region
    return replace(options, count=replace(options.count, region=region, zones=camera.zones))


def news_of(trackers: Iterable[AnyTracker]) -> tuple[list[PeopleSeen], list[Leave]]:
    """What is new about the people of sources."""
    seen, left = [], []
    for tracker in trackers:
        if isinstance(tracker, PeopleTracker):
            news = tracker.news()
            left += [Leave(tracker.source, number) for number in news.left]
            if news.people is not None:
                seen.append(PeopleSeen(tracker.source, tuple(news.people)))
    return seen, left


def count_options(
    spec: ModelSpec,
    *,
    max_persons: int | None = None,
    person: Persons | None = None,
    region: Region | Sequence[float] | None = None,
    name_of: Callable[[str], str] = str,
) -> CountOptions:
    """Who counts, as a person says it.

    Args:
        spec: of the model.
        max_persons, person: see `CountOptions`. Default None: its defaults.
        region: see `Region.of`. Default None: the whole picture.
        name_of: what the person calls one of these. Default: as it is called here.

    Raises:
        UsageError: a value is out of range, or is given for a model that sees whole pictures.
    """
    given = {"max_persons": max_persons, "person": person, "region": region}
    names = [name for name, value in given.items() if value is not None]
    if names and not spec.follows_people:
        raise UsageError(
            f"{name_of(names[0])} is for models of people (modality pose), and this model sees "
            f"whole pictures (modality {spec.modality}); leave it out, or use another model"
        )
    try:
        if region is not None and not isinstance(region, Region):
            given["region"] = Region.of(region)
        return CountOptions(**{name: given[name] for name in names})  # type: ignore[arg-type]
    except ValueError as error:
        raise UsageError(str(error)) from None


def regions_of(cameras: Sequence[Camera], count: CountOptions) -> dict[str, Region]:
    """Where people count, by the names of cameras; the whole picture of those left out.

    Args:
        cameras: the sources; a region of their own takes the place of that of `count`.
        count: who counts.
    """
    own = {camera.name: camera.region for camera in cameras if camera.region is not None}
    if count.region is None:
        return own
    return {camera.name: count.region for camera in cameras} | own


def _networks_of(model: Scorer) -> PoseNetworks:
    if not isinstance(model, ActionModel):
        raise TypeError("a model of people needs pose networks; give WatchOptions.networks")
    return model.pose_networks
