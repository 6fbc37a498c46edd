"""A page to try a model on: a video that is uploaded, or the webcam of whoever looks at it.

    pip install gradio
    python examples/gradio/app.py                  # the bundled model
    python examples/gradio/app.py model.onnx

The page is at http://127.0.0.1:7860/. Browsers give a camera only to pages of this machine or by
https.
"""

from __future__ import annotations

import sys
import time

import gradio as gr
import numpy as np

import rtaction

COLUMNS = ["action", "from (s)", "to (s)", "score"]


def demo_of(model: str | None = None) -> gr.Blocks:
    """The page.

    Args:
        model: an ONNX file made by `rtaction export`. Default: the bundled model.
    """

    def recognise_video(video: str) -> tuple[dict[str, float], list[list[object]]]:
        """The mean score of each label, and the actions in it."""
        events: list[rtaction.ActionEvent] = []
        try:
            found = [
                (one.labels, one.scores)
                for one in rtaction.watch(video, model, on_event=events.append)
            ]
        except rtaction.RtactionError as error:
            raise gr.Error(str(error)) from None
        if not found:
            raise gr.Error("the video is shorter than a window of the model, or shows nobody")
        means = np.mean([scores for _, scores in found], axis=0)
        return dict(zip(found[0][0], map(float, means), strict=True)), [
            [one.label, round(one.start_seconds, 2), round(one.end_seconds, 2), one.peak_score]
            for one in events
            if one.end_seconds is not None
        ]

    def recognise_frame(
        image: np.ndarray | None, recognizer: rtaction.Recognizer | None
    ) -> tuple[dict[str, float] | None, rtaction.Recognizer | None]:
        """The newest scores of a webcam; each visitor has a recognizer of their own."""
        if image is None:
            return None, recognizer
        recognizer = recognizer or rtaction.Recognizer(model)
        predictions = recognizer.push(image, time.monotonic())
        if not predictions:
            return gr.skip(), recognizer
        last = predictions[-1]
        return dict(zip(last.labels, map(float, last.scores), strict=True)), recognizer

    with gr.Blocks(title="rtaction") as demo:
        gr.Markdown("# rtaction\nPerform an action; the page names it.")
        with gr.Tab("Video"):
            video = gr.Video(sources=["upload"])
            button = gr.Button("What is done here?", variant="primary")
            scores = gr.Label(num_top_classes=5, label="mean scores")
            table = gr.Dataframe(headers=COLUMNS, label="actions")
            button.click(recognise_video, video, [scores, table], api_name="recognise_video")
        with gr.Tab("Webcam"):
            camera = gr.Image(sources=["webcam"], streaming=True, type="numpy")
            live = gr.Label(num_top_classes=5, label="now")
            recognizer = gr.State(None)
            camera.stream(
                recognise_frame,
                [camera, recognizer],
                [live, recognizer],
                stream_every=0.1,
                api_name="recognise_frame",
            )
    return demo


if __name__ == "__main__":
    demo_of(sys.argv[1] if len(sys.argv) > 1 else None).launch(server_name="127.0.0.1")
