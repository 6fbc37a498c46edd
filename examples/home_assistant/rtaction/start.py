"""Turns the options of the add-on into a cameras.toml, and becomes `rtaction serve`.

Passwords go into the environment, never into the file. A cameras.toml in the add-on's own
configuration folder takes the place of the cameras in its options.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("RTACTION_DATA", "/data"))
CONFIG = Path(os.environ.get("RTACTION_CONFIG", "/config"))
SUPERVISOR = os.environ.get("RTACTION_SUPERVISOR", "http://supervisor")
PORT = os.environ.get("RTACTION_PORT", "8090")
LEAST_TOKEN = 16
WAIT_SECONDS = 10


def main() -> None:
    """Write the file, and run."""
    options = json.loads((DATA / "options.json").read_text(encoding="utf-8"))
    token = str(options.get("token", ""))
    if len(token) < LEAST_TOKEN:
        sys.exit(
            f"set a token of {LEAST_TOKEN} characters or more in the add-on's configuration: "
            "it is the password of the page"
        )
    os.environ["RTACTION_TOKEN"] = token
    sources = CONFIG / "cameras.toml"
    if not sources.exists():
        sources = DATA / "cameras.toml"
        sources.write_text(cameras_toml(options, broker()), encoding="utf-8")
    command = ["rtaction", "serve", "--sources", str(sources), "--folder", str(DATA / "events")]
    command += ["--host", "0.0.0.0", "--port", PORT, "--token-env", "RTACTION_TOKEN"]
    if options.get("model"):
        command += ["--model", str(CONFIG / options["model"])]
    sys.stdout.flush()
    os.execvp(command[0], command)


def cameras_toml(options: dict[str, Any], mqtt: dict[str, Any] | None) -> str:
    """The file; what it must not hold goes into the environment."""
    cameras = options.get("cameras") or []
    if not cameras:
        sys.exit("add a camera in the add-on's configuration, or put a cameras.toml in its folder")
    lines: list[str] = []
    if mqtt is not None:
        lines += ["[mqtt]", *table({key: mqtt[key] for key in ("host", "port") if key in mqtt})]
        lines += ["tls = true"] if mqtt.get("ssl") else []
        lines += secrets_of(mqtt, "MQTT")
    for number, camera in enumerate(cameras, 1):
        lines += ["", "[[camera]]"]
        lines += table({key: camera[key] for key in ("name", "url", "record_url") if key in camera})
        lines += secrets_of(camera, f"CAMERA_{number}")
    return "\n".join(lines) + "\n"


def table(values: dict[str, Any]) -> list[str]:
    """Lines of TOML; its strings and integers are written as in JSON."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def secrets_of(given: dict[str, Any], name: str) -> list[str]:
    """Put user and password into the environment; the lines that name them."""
    lines = []
    for key in ("username", "password"):
        if given.get(key):
            os.environ[f"{name}_{key.upper()}"] = str(given[key])
            lines.append(f'{key}_env = "{name}_{key.upper()}"')
    return lines


def broker() -> dict[str, Any] | None:
    """The MQTT broker that Home Assistant knows; None if there is none."""
    asked = urllib.request.Request(
        f"{SUPERVISOR}/services/mqtt",
        headers={"Authorization": f"Bearer {os.environ.get('SUPERVISOR_TOKEN', '')}"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=WAIT_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
    except (OSError, ValueError, KeyError) as error:
        print(f"no MQTT broker, so Home Assistant is not told: {error}", flush=True)
        return None
    return found


if __name__ == "__main__":
    main()
