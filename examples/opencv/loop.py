"""Recognise actions in a loop of your own, and draw the label on each picture.

    python examples/opencv/loop.py                       # the first webcam, the bundled model
    python examples/opencv/loop.py clip.mp4 --model model.onnx --save labelled.avi

q ends it. It needs rtaction, which brings OpenCV.
"""

from __future__ import annotations

import argparse
import sys

import cv2

import rtaction


def main() -> None:
    parser = argparse.ArgumentParser(description="Label what a camera or a video shows.")
    parser.add_argument("source", nargs="?", default="0", help="webcam number, file or address")
    parser.add_argument("--model", help="ONNX file made by `rtaction export`; default: bundled")
    parser.add_argument("--save", metavar="FILE", help="write an .avi instead of showing a window")
    chosen = parser.parse_args()

    is_webcam = chosen.source.isdigit()
    capture = cv2.VideoCapture(int(chosen.source) if is_webcam else chosen.source)
    if not capture.isOpened():
        sys.exit("the source cannot be opened")
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    recognizer = rtaction.Recognizer(
        chosen.model,
        # A webcam's frames have the time at which they come; those of a file are counted.
        frames_per_second=None if is_webcam else rate,
        on_event=told,
    )
    writer = None
    text = ""
    while True:
        is_there, frame_bgr = capture.read()
        if not is_there:
            break
        for prediction in recognizer.push(cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)):
            text = f"{prediction.label} {prediction.score:.0%}"
        cv2.putText(frame_bgr, text, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 255), 2)
        if chosen.save:
            if writer is None:
                height, width = frame_bgr.shape[:2]
                codec = cv2.VideoWriter.fourcc(*"MJPG")
                writer = cv2.VideoWriter(chosen.save, codec, rate, (width, height))
            writer.write(frame_bgr)
            continue
        cv2.imshow("rtaction", frame_bgr)
        if cv2.waitKey(1) & 0xFF == ord("q"):
            break
    recognizer.finish()
    capture.release()
    if writer is not None:
        writer.release()


def told(event: rtaction.ActionEvent) -> None:
    """Print when an action has started and when it has ended."""
    if event.end_seconds is None:
        print(f"{event.label} started at {event.start_seconds:.1f} s", flush=True)
    else:
        print(f"{event.label} ended at {event.end_seconds:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except rtaction.RtactionError as error:
        sys.exit(f"error: {error}")
