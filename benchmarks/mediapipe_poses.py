"""Landmarks of videos by MediaPipe Pose, for `benchmarks.mediapipe_lstm`.

It runs in a Python of its own, with `mediapipe` and `opencv-python`, without rtaction:

    python mediapipe_poses.py VIDEO OUTPUT.npz
"""

import sys
import time

import cv2  # noqa: TID251
import mediapipe
import numpy as np

_NUM_LANDMARKS = 33


def main() -> None:
    video, output = sys.argv[1:]
    pose = mediapipe.solutions.pose.Pose(model_complexity=1)
    capture = cv2.VideoCapture(video)
    frames_per_second = capture.get(cv2.CAP_PROP_FPS) or 30.0
    rows, wall_seconds, cpu_seconds = [], [], []
    while True:
        is_read, picture = capture.read()
        if not is_read:
            break
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        started = time.perf_counter(), time.process_time()
        found = pose.process(picture).pose_landmarks
        wall_seconds.append(time.perf_counter() - started[0])
        cpu_seconds.append(time.process_time() - started[1])
        row = np.zeros((_NUM_LANDMARKS, 4), np.float32)
        if found is not None:
            row[:] = [(one.x, one.y, one.z, one.visibility) for one in found.landmark]
        rows.append(row)
    np.savez(
        output,
        landmarks=np.array(rows, np.float32).reshape(-1, _NUM_LANDMARKS * 4),
        wall_seconds=wall_seconds,
        cpu_seconds=cpu_seconds,
        frames_per_second=frames_per_second,
    )


if __name__ == "__main__":
    main()
