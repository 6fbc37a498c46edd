"""What of the pages is not run by `tests/docs`, and why. Everything that is not named here is."""

from __future__ import annotations

PYTHON_ELSEWHERE = {
    "README.md": ("tests/realtime/watching/test_python_page.py", 1),
    "docs/deploy.md": ("tests/core/cli/test_smaller.py", 1),
    "docs/own_networks.md": ("tests/train/test_own_page.py", 4),
    "docs/peers.md": ("tests/core/test_peers.py", 1),
    "docs/python.md": ("tests/realtime/watching/test_python_page.py", 10),
    "docs/serve.md": ("tests/serve/test_serve_doc.py", 1),
    "docs/sinks.md": ("tests/serve/sinks/test_docs.py", 1),
    "docs/tutorial.md": ("tests/train/test_tutorial.py", 6),
}
"""Pages whose Python a test of their own runs, and how many blocks that are."""

SHELL_ELSEWHERE = {
    "docs/own_networks.md": "tests/train/test_own_page.py",
    "docs/tutorial.md": "tests/train/test_tutorial.py",
}
"""Pages whose commands a test of their own runs, all of them."""

ONLY_PARSED = {
    "it asks a person to act before a camera; tests/teach runs it with a stand-in": (
        "rtaction record jump --takes 5",
        "rtaction teach wave clap",
        "rtaction teach wave clap jump",
        "rtaction teach",
        "rtaction teach --corrections corrections/",
    ),
    "it opens a window and waits for keys; tests/teach/test_labelling.py presses them": (
        "rtaction label corrections/ --model taught/model.onnx",
    ),
    "it runs until it is stopped; tests/serve starts it": (
        "rtaction serve",
        "rtaction serve rtsp://192.168.1.20/stream2",
        "rtaction serve --sources cameras.toml",
        "rtaction serve --sources cameras.toml --host 0.0.0.0 --token-env RTACTION_TOKEN"
        " --tls-cert cert.pem --tls-key key.pem",
    ),
    "it starts Ray, or joins a cluster; tests/cluster runs it on one of this machine": (
        "rtaction fleet cameras.toml --ray",
        "rtaction fleet cameras.toml --ray auto",
        "rtaction fleet cameras.toml --ray --output events.jsonl --metrics-port 9100",
        "rtaction predict model.onnx videos/ --ray -o predictions.csv",
        "rtaction predict model.onnx videos/ --ray auto -o predictions.parquet",
        "rtaction predict model.onnx videos/ --ray head:6379 -o predictions.jsonl",
    ),
    "it trains on several processors or machines; tests/train/learning runs such trainings": (
        "rtaction train videos/ --workers 4",
        "rtaction train videos/ --workers 4 -o run --resume",
        "rtaction train videos/ --folds 5 --repeats 3 --jobs 4",
        "rtaction train videos/ --seeds 5 --jobs 2",
        "rtaction train videos/ --folds 5 --ray",
        "rtaction train videos/ --folds 5 --ray head:6379",
        'TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": '
        '"worker", "index": 0}}\' rtaction train videos/ -o run',
        'TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": '
        '"worker", "index": 1}}\' rtaction train videos/ -o run',
    ),
    "it trains for minutes; tests/train/test_tutorial.py runs such trainings, smaller": (
        "rtaction train labels.csv --videos-root videos/ -o run/",
        "rtaction train labels.csv --videos-root videos/ -o run/ --auto",
        "rtaction train labels.csv --videos-root videos/ -o run/ --multi-label",
        "rtaction train videos/ --corrections corrections/",
        "rtaction train videos/ -o run/ --auto",
        "rtaction train videos/ -o run/ --clip-seconds 2 --frames 10 --background nothing",
        "rtaction train videos/ -o run/ --resume",
        "rtaction train videos/ -o cv/ --auto --folds 4 --group 'REGEX'",
        r"rtaction train videos/ -o cv/ --auto --folds 4 --group '(person\d+)_'",
    ),
    "it needs what such a training writes; tests/core/cli/test_export.py runs it": (
        "rtaction eval run/ labels.csv --videos-root videos/",
        "rtaction export mine/model.keras -o mine.onnx",
        "rtaction export run/model.keras -o model.onnx",
        "rtaction export run/model.keras -o model.onnx --quantize int8 --calibrate videos/"
        " --check others/",
        "rtaction export theirs.h5 -o model.onnx --labels wave,clap,nothing --clip-seconds 2"
        " --scale 0..1",
        "rtaction verify model.onnx videos/ --against run/model.keras",
    ),
    "it compares networks, or makes files, for long; tests/core/cli/test_smaller.py runs it": (
        "rtaction export model.onnx -o half.onnx --half --check videos/",
        "rtaction export model.onnx -o served.onnx --triton repository/",
        "rtaction export model.onnx -o small.onnx --quantize int8 --calibrate videos/"
        " --check others/",
    ),
    "it measures for a minute, or on a GPU; tests/realtime/bench runs it": (
        "rtaction bench model.onnx",
        "rtaction bench model.onnx --cameras 1,4,16",
        "rtaction bench model.onnx --device cuda:0 --device cpu",
    ),
    "it takes long for what tests/realtime/test_demo.py runs": ("rtaction demo",),
}
"""Commands of rtaction that are parsed by the command line, but not run, by reason."""

OTHER_PROGRAMS = {
    "[": "tests/serve/test_serve_doc.py runs it",
    "cd": "a folder of the project",
    "chmod": "secrets of containers",
    "cp": "files that a person has made",
    "curl": "a server",
    "docker": "Docker; tests/serve/test_containerfiles.py judges the files",
    "echo": "an account at GitHub",
    "gh": "an account at GitHub",
    "git": "a tag that a person signs",
    "mike": "the branch of the site",
    "mkdir": "secrets of containers",
    "mosquitto_sub": "a broker",
    "npm": "the internet",
    "printf": "tests/serve/test_serve_doc.py runs it",
    "podman": "Podman; tests/serve/test_containerfiles.py judges the files",
    "ray": "several machines; tests/cluster starts them on one",
    "ssh-keygen": "a key that a person makes",
    "sudo": "root; tests/serve/test_systemd.py judges the unit",
}
"""Other programs, whose lines are only looked at by the shell's parser, and what they need."""

NO_CODE = ("", "nginx", "console")
"""Languages of blocks that nothing reads; "console" is for the generated reference alone."""
