"""Which cameras are watched with which models; both come and go while the rest is watched on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from rtaction.errors import NoSuchThing, UsageError
from rtaction.evaluation.text import counted
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.camera_rules import SourceRules, source_rules
from rtaction.serve.house.views import CameraState
from rtaction.serve.watching.desk import Desk
from rtaction.serve.watching.model_watch import ModelWatch, Told
from rtaction.serve.watching.rules import ALL_LABELS, actions_of
from rtaction.serve.watching.setups import Setup

_CLOSE_SECONDS = 5.0


class Settings(Protocol):
    """What a person has set on the page, kept over restarts."""

    def get_setting(self, key: str) -> Any | None:
        """A value, None if it was never set."""

    def set_setting(self, key: str, value: Any | None) -> None:
        """Keep a value for JSON; None forgets it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the file of cameras says.

    Args:
        setups: the cameras.
        actions: the table [actions].
    """

    setups: Sequence[Setup]
    actions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Post:
    """A camera at its model."""

    desk: Desk
    watch: ModelWatch
    rules: SourceRules
    is_watched: bool = False


class Station:
    """Cameras at their models.

    Args:
        told: who is told of what happens.
        settings: what a person has set.
        open_model: loads a model.
        on_new, on_gone: told of cameras that come and go.
    """

    def __init__(
        self,
        told: Told,
        settings: Settings,
        *,
        open_model: Callable[[Path], ActionModel],
        on_new: Callable[[Desk], Any],
        on_gone: Callable[[Desk], Any],
    ) -> None:
        self._told = told
        self._settings = settings
        self._open_model = open_model
        self._on_new, self._on_gone = on_new, on_gone
        self._lock = threading.RLock()
        self._plan = Plan(())
        self._posts: dict[str, _Post] = {}
        self._watches: dict[tuple[Path, int], ModelWatch] = {}
        self._is_closed = False

    @property
    def desks(self) -> list[Desk]:
        """The cameras, in the order of their file."""
        return [post.desk for post in tuple(self._posts.values())]

    @property
    def watches(self) -> list[ModelWatch]:
        """The models in use, with their cameras."""
        return list(self._watches.values())

    def desk(self, camera: str) -> Desk:
        """One camera, by its id.

        Raises:
            NoSuchThing: there is none.
        """
        return self._post(camera).desk

    def apply(self, plan: Plan) -> str:
        """Watch these cameras from now on; those that are as before go on undisturbed.

        Returns:
            What has changed, for a person.

        Raises:
            RtactionError: a camera or a model has a mistake; nothing has changed.
        """
        with self._lock:
            if self._is_closed:
                raise UsageError("the cameras are watched no longer; the service ends")
            watches: dict[tuple[Path, int], ModelWatch] = {}
            posts = {one.id: self._planned(one, plan, watches) for one in plan.setups}
            return self._change_to(plan, posts, watches)

    def keep_schedules(self) -> None:
        """Begin and end to watch cameras as their schedules say; called once a second."""
        with self._lock:
            for post in () if self._is_closed else self._posts.values():
                self._update(post)

    def enable(self, camera: str, *, is_enabled: bool) -> None:
        """See `House.enable`."""
        with self._lock:
            post = self._post(camera)
            post.desk.is_enabled = is_enabled
            self._settings.set_setting(f"enabled {camera}", is_enabled)
            self._update(post)
            self._told.on_state(post.desk)

    def set_threshold(self, camera: str, label: str | None, threshold: float | None) -> None:
        """See `House.set_threshold`."""
        with self._lock:
            post = self._post(camera)
            desk, key = post.desk, ALL_LABELS if label is None else label
            if label is not None and label not in desk.spec.labels:
                raise UsageError(
                    f"{label!r} is no label of {desk.setup.camera.name}; expected one of "
                    f"{', '.join(desk.spec.labels)}"
                )
            own = self._thresholds(camera)
            own = {name: value for name, value in own.items() if name != key}
            if threshold is not None:
                own[key] = threshold
            post.rules = self._rules(desk.setup, post.watch, self._plan, own)
            self._settings.set_setting(f"thresholds {camera}", own or None)
            post.desk.thresholds = _entering(post)
            post.watch.set_rules(desk, post.rules)
            self._told.on_state(desk)

    def close(self, timeout_seconds: float) -> None:
        """End all watching."""
        deadline_seconds = time.monotonic() + timeout_seconds
        with self._lock:
            self._is_closed = True
            for watch in self._watches.values():
                watch.end()
            for watch in self._watches.values():
                watch.close(max(deadline_seconds - time.monotonic(), 0.0))

    def _post(self, camera: str) -> _Post:
        post = self._posts.get(camera)
        if post is None:
            raise NoSuchThing(f"there is no camera {camera!r}")
        return post

    def _planned(
        self, setup: Setup, plan: Plan, watches: dict[tuple[Path, int], ModelWatch]
    ) -> _Post:
        """A camera as it will be watched; nothing has begun yet."""
        path = setup.model.resolve()
        key = path, path.stat().st_mtime_ns if path.is_file() else 0
        if key not in watches:
            watches[key] = self._watches.get(key) or ModelWatch(self._open_model(path), self._told)
        watch = watches[key]
        rules = self._rules(setup, watch, plan, self._thresholds(setup.id))
        is_enabled = self._settings.get_setting(f"enabled {setup.id}")
        if is_enabled is None:
            is_enabled = setup.camera.is_enabled
        desk = Desk(setup, watch.model.spec, is_enabled=is_enabled, thresholds={})
        post = _Post(desk, watch, rules)
        desk.thresholds = _entering(post)
        return post

    def _change_to(
        self,
        plan: Plan,
        posts: dict[str, _Post],
        watches: dict[tuple[Path, int], ModelWatch],
    ) -> str:
        before = self._posts
        same = {camera for camera, post in posts.items() if _is_same(before.get(camera), post)}
        old_watches, self._watches = self._watches, watches
        changed: list[_Post] = []
        new: list[_Post] = []
        for watch in watches.values():
            if watch not in old_watches.values():
                watch.start()
        # At once: whoever asks meanwhile finds each camera that was there and stays.
        self._posts = {id: before[id] if id in same else post for id, post in posts.items()}
        self._plan = plan
        for camera, post in posts.items():
            old = before.get(camera)
            if old is not None and camera in same:
                if old.rules != post.rules:
                    old.rules, old.desk.thresholds = post.rules, post.desk.thresholds
                    old.watch.set_rules(old.desk, old.rules)
                    changed.append(old)
                    self._told.on_state(old.desk)
                continue
            (new if old is None else changed).append(post)
            if old is not None:
                self._end(old)
            self._on_new(post.desk)
            self._update(post)
        gone = [old for camera, old in before.items() if camera not in posts]
        for old in gone:
            self._end(old)
            self._on_gone(old.desk)
        for watch in old_watches.values():
            if watch not in watches.values():
                watch.close(_CLOSE_SECONDS)
        parts = {"new": len(new), "changed": len(changed), "gone": len(gone)}
        told = [f"{counted(number, 'camera')} {what}" for what, number in parts.items() if number]
        return ", ".join(told) or "nothing has changed"

    def _end(self, post: _Post) -> None:
        if post.is_watched:
            post.is_watched = False
            post.watch.remove(post.desk)
        post.desk.rest("disabled")

    def _update(self, post: _Post) -> None:
        """Watch a camera, or do not, as it should be now."""
        desk, schedule = post.desk, post.desk.setup.camera.schedule
        is_due = schedule.is_active(datetime.now(UTC))
        should = desk.is_enabled and is_due
        if should and not post.is_watched:
            post.is_watched = True
            post.watch.add(desk, post.rules)
        elif not should:
            state: CameraState = "resting" if desk.is_enabled else "disabled"
            if post.is_watched:
                post.is_watched = False
                post.watch.remove(desk)
            if desk.state != state:
                desk.rest(state)
                self._told.on_state(desk)

    def _thresholds(self, camera: str) -> dict[str, float]:
        return dict(self._settings.get_setting(f"thresholds {camera}") or {})

    def _rules(
        self, setup: Setup, watch: ModelWatch, plan: Plan, thresholds: Mapping[str, float]
    ) -> SourceRules:
        known = {
            label: threshold
            for label, threshold in thresholds.items()
            if label in (ALL_LABELS, *watch.model.spec.labels)
        }
        return source_rules(
            setup.camera, watch.model.spec, actions=plan.actions, given=actions_of(known)
        )


def _is_same(old: _Post | None, post: _Post) -> bool:
    return old is not None and old.desk.setup == post.desk.setup and old.watch is post.watch


def _entering(post: _Post) -> dict[str, float]:
    """The score at which an event of each label starts."""
    spec = post.watch.model.spec
    labels = [label for label in spec.labels if label != spec.background_label]
    return {label: post.rules.rules.of(label).enter for label in labels}
