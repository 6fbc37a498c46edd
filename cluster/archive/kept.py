"""Finished parts of long videos, kept on disk until their video is done.

A run that is killed loses no part that was finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from rtaction.cluster.archive.messages import Piece, PieceEnd, Scored
from rtaction.errors import OutputError, SourceError
from rtaction.output_file import whole_file


class KeptParts:
    """A folder with a file for each part.

    Args:
        folder: made when it is needed.
        identity: of the model and the settings; parts of others are not found.
        fingerprint_of: size and time of the last change of a video; parts of a video that has
            changed are not found.
    """

    def __init__(
        self, folder: Path, identity: str, fingerprint_of: Callable[[str], tuple[int, str]]
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._fingerprint_of = fingerprint_of

    def keep(self, chunks: list[Scored]) -> None:
        """Write the scores of a part.

        Raises:
            OutputError: it cannot be written.
        """
        end = chunks[-1].end
        assert end is not None
        path = self._path_of(chunks[0].piece)
        if path is None or end.problem:
            return
        about = {name: value for name, value in asdict(end).items() if name in _KEPT}
        with whole_file(path) as partial:
            np.savez(
                partial,
                scores=np.concatenate([one.scores for one in chunks]),
                times_seconds=np.concatenate([one.times_seconds for one in chunks]),
                about=np.array(json.dumps(about)),
            )

    def find(self, piece: Piece) -> list[Scored] | None:
        """What was kept of a part; None if nothing was."""
        path = self._path_of(piece)
        if path is None or not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as content:
                about = json.loads(str(content["about"]))
                scores, times_seconds = content["scores"], content["times_seconds"]
        except (OSError, ValueError, KeyError, BadZipFile):
            return None  # it is judged again
        lists = {name: tuple(one) for name, one in about.items() if isinstance(one, list)}
        end = PieceEnd(1, **(about | lists))
        return [Scored(piece, 0, scores, times_seconds, end)]

    def clear(self) -> None:
        """Remove all parts: their videos are done.

        Raises:
            OutputError: they cannot be removed.
        """
        try:
            if self._folder.exists():
                shutil.rmtree(self._folder)
        except OSError as error:
            raise OutputError(f"cannot remove {self._folder}: {error.strerror}") from None

    def _path_of(self, piece: Piece) -> Path | None:
        try:
            fingerprint = self._fingerprint_of(piece.place)
        except SourceError:
            return None
        of = asdict(piece) | {"video": 0}
        key = json.dumps([self._identity, fingerprint, of], sort_keys=True)
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


_KEPT = frozenset({"num_frames", "last_seconds", "begun_seconds", "lead", "tail", "is_sound"})
