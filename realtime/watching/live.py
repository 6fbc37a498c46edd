"""Many live sources, one model.

Each source has a thread that reads it. The thread that asks for moments computes: it takes the
newest window of every source that has one, all in one batch, so that each source has its turn and
labels stay current however slow the model is. This module knows nothing about display windows or
logs.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from rtaction.errors import RtactionError
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.sources.opening import is_file, open_source
from rtaction.realtime.sources.source import Source
from rtaction.realtime.sources.turns import Turns
from rtaction.realtime.watching.back_off import BackOff
from rtaction.realtime.watching.feed import Feed, Link
from rtaction.realtime.watching.moment import Moment, Moments, StateChange
from rtaction.realtime.watching.options import DEFAULT_OPTIONS, WatchOptions
from rtaction.realtime.watching.people import news_of, options_of, tracker_for
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.engine import AnyTracker, Engine, Scorer
from rtaction.realtime.windows.state import STATE_TEXT, State

# The longest time in which the caller does not get to check the keyboard.
_IDLE_SECONDS = 0.1
# A thread may hang in the network until its timeout; it is not waited for.
_JOIN_SECONDS = 1.0
# While cameras are decoded by turns: the first window of a turn gives no label before its end.
_WINDOWS_PER_TURN, _SHORTEST_TURN_SECONDS = 2.0, 3.0


class LiveWatch:
    """Watches live sources until all have ended.

    Args:
        model: the model.
        cameras: the sources; files among them are played in real time.
        stats: updated during the run.
        options: how to watch. Default `WatchOptions()`.
        stays: watch on when there is no source, or all have ended, for those that are added.
            Default False.
        back_off: waits between attempts.
        open_with: opens a source. Default `open_source`.
    """

    def __init__(
        self,
        model: Scorer,
        cameras: Sequence[Camera],
        stats: WatchStats,
        options: WatchOptions = DEFAULT_OPTIONS,
        *,
        stays: bool = False,
        back_off: BackOff | None = None,
        open_with: Callable[[Camera], Source] = open_source,
    ) -> None:
        self._engine = Engine(model)
        self._model = model
        self._turns = Turns(
            max(_WINDOWS_PER_TURN * model.spec.window_seconds, _SHORTEST_TURN_SECONDS)
        )
        self._stats = stats
        self._options = options
        self._stays = stays
        self._back_off = back_off
        self._open_with = open_with
        self._wake = threading.Event()
        self._reported: dict[str, tuple[State, str]] = {}
        self._asked: deque[Callable[[], StateChange | None]] = deque()
        self.feeds = [self._feed_of(camera, options) for camera in cameras]

    @property
    def engine(self) -> Engine:
        """The engine that computes."""
        return self._engine

    def add(self, camera: Camera, options: WatchOptions | None = None) -> None:
        """Watch another source, from the next moment on; from any thread.

        Args:
            camera: the source.
            options: how, for this source alone, such as whom its frames are given to. Default: as
                all.
        """
        self._ask(lambda: self._add(camera, options or self._options))

    def remove(self, name: str) -> None:
        """Watch a source no longer, from the next moment on, which says that it has ended; from
        any thread. Another of the same name may be added at once."""
        self._ask(lambda: self._remove(name))

    def _ask(self, what: Callable[[], StateChange | None]) -> None:
        self._asked.append(what)
        self._wake.set()

    def _add(self, camera: Camera, options: WatchOptions) -> None:
        feed = self._feed_of(camera, options)
        self.feeds.append(feed)
        feed.start()

    def _remove(self, name: str) -> StateChange | None:
        feed = next((one for one in self.feeds if one.camera.name == name), None)
        if feed is None:
            return None
        self._update_stats(feed)
        self.feeds.remove(feed)
        feed.close()  # its thread may hang in the network; nobody waits for it
        self._reported.pop(name, None)
        return StateChange(name, "ended", "no longer watched", time.monotonic())

    def _feed_of(self, camera: Camera, options: WatchOptions) -> Feed[AnyTracker]:
        return Feed(
            camera,
            tracker_for(
                self._model,
                options_of(camera, options),
                is_live=True,
                is_camera=camera.address.kind in ("webcam", "rtsp", "http"),
            ),
            self._wake,
            replace(options, reconnect=options.reconnect and not is_file(camera)),
            turn=self._turns.join(),
            back_off=self._back_off,
            open_with=self._open_with,
        )

    def moments(self) -> Moments:
        """Watch.

        Raises:
            SourceError: no source could be opened at first; or, without `reconnect`, all have
                ended and one of them was lost.
        """
        for feed in self.feeds:
            feed.start()
        try:
            while True:
                self._wake.wait(_IDLE_SECONDS)
                self._wake.clear()
                removed = self._do_what_was_asked()
                # A source that is over now gives nothing more; one that ends while the model
                # computes may.
                links = [feed.link for feed in self.feeds]
                self._raise_if_none_can_be_opened()
                moment = self._look(links)
                yield replace(moment, changes=removed + moment.changes) if removed else moment
                if not self._stays and all(link == "ended" for link in links):
                    break
            self._raise_what_was_lost()
        finally:
            self._close()

    def _do_what_was_asked(self) -> list[StateChange]:
        """Add and remove sources; returns the news of those that were removed."""
        news = []
        while self._asked:
            change = self._asked.popleft()()
            if change is not None:
                news.append(change)
        return news

    def _look(self, links: Sequence[Link]) -> Moment:
        ended = [
            feed.tracker
            for feed, link in zip(self.feeds, links, strict=True)
            if link == "ended" and feed.error is None
        ]
        trackers = [feed.tracker for feed in self.feeds]
        predictions = self._engine.predict_due(trackers, ended=ended, is_live=True)
        frames = [frame for feed in self.feeds if (frame := feed.latest()) is not None]
        changes = [
            change
            for feed, link in zip(self.feeds, links, strict=True)
            if (change := self._change_of(feed, link)) is not None
        ]
        for feed in self.feeds:
            self._update_stats(feed)
        self._stats.count(predictions)
        people, left = news_of(trackers)
        return Moment(frames, predictions, changes, people, left)

    def _change_of(self, feed: Feed[AnyTracker], link: Link) -> StateChange | None:
        name = feed.camera.name
        state = feed.state_of(link)
        # The name is always shown next to the reason.
        text = str(feed.error) if feed.error else STATE_TEXT[state]
        reason = text.removeprefix(name).lstrip(": ")
        # That no frames come is known before the reason is.
        news = (
            (state, reason)
            if self._reported.get(name) == ("down", STATE_TEXT["down"])
            else (state,)
        )
        if self._reported.get(name, ())[: len(news)] == news:
            return None
        self._reported[name] = (state, reason)
        return StateChange(name, state, reason, time.monotonic())

    def _update_stats(self, feed: Feed[AnyTracker]) -> None:
        stats = self._stats.of(feed.camera.name)
        stats.first_seconds = feed.first_seconds
        stats.last_seconds = feed.last_seconds
        stats.num_frames = feed.num_frames
        stats.num_reconnects = feed.num_reconnects
        stats.frames_per_second = feed.frames_per_second
        stats.drops = feed.drops
        if feed.link == "ended" and stats.ended_seconds is None:
            stats.ended_seconds = time.monotonic()

    def _raise_if_none_can_be_opened(self) -> None:
        if self._options.wait_for_sources or self._stays:
            return
        if not all(feed.has_failed_at_first for feed in self.feeds):
            return
        self._raise_what_was_lost()

    def _raise_what_was_lost(self) -> None:
        errors: list[RtactionError] = [feed.error for feed in self.feeds if feed.error is not None]
        if errors:
            raise errors[0]

    def _close(self) -> None:
        for feed in self.feeds:
            feed.close()
        deadline_seconds = time.monotonic() + _JOIN_SECONDS
        for feed in self.feeds:
            feed.join(max(deadline_seconds - time.monotonic(), 0.0))
