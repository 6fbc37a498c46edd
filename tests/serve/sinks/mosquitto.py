"""A real Mosquitto, and a client that looks on."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.serve.sinks.doubles import wait_until

USER, PASSWORD = "house", "s3cret/p@ss:word"


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Mosquitto:
    """A broker that can be ended, stopped and started again.

    Args:
        folder: for its files.
        has_password: it lets in `USER` with `PASSWORD` only.
        more: lines of its configuration.
    """

    def __init__(self, folder: Path, *, has_password: bool = False, more: list[str] | None = None):
        program = shutil.which(
            "mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin"
        )
        if program is None:
            pytest.skip("mosquitto is not installed")
        self.port = free_port()
        config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "user root"]
        if has_password:
            passwords = folder / "passwords"
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD],
                check=True,
                capture_output=True,
            )
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        lines += more or []
        config.write_text("\n".join(lines) + "\n")
        self._command = [program, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._listens)

    def end(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """It hangs: its sockets stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It no longer hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Have it read its rules anew."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0


class Onlooker:
    """A second client, that sees all topics."""

    def __init__(self, port: int, *, username: str | None = None, password: str = "") -> None:
        self.now: dict[str, bytes] = {}
        self.order: list[str] = []
        self.history: dict[str, list[bytes]] = defaultdict(list)
        self._is_ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if username is not None:
            self.client.username_pw_set(username, password)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: self._is_ready.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._is_ready.wait(15)

    def say(self, topic: str, payload: str, *, is_retained: bool = False) -> None:
        """Publish something."""
        self.client.publish(topic, payload, qos=1, retain=is_retained).wait_for_publish(15)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        payload = bytes(message.payload)
        self.order.append(message.topic)
        self.history[message.topic].append(payload)
        if payload:
            self.now[message.topic] = payload
        else:
            self.now.pop(message.topic, None)
