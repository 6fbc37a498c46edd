"""The flow of Node-RED: whole, and started for real where Node-RED is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.webhooks.post import Receiver as Address
from rtaction.serve.sinks.webhooks.sink import Webhook, WebhookSettings
from tests.project import ROOT
from tests.realtime.conftest import environment
from tests.serve.sinks.doubles import Room, ended, record, wait_until
from tests.serve.sinks.mosquitto import free_port

FLOW = ROOT / "examples" / "node_red" / "flow.json"


def nodes() -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(FLOW.read_text(encoding="utf-8"))
    return content


def test_every_wire_leads_to_a_node_of_the_tab() -> None:
    flow = nodes()
    by_id = {one["id"]: one for one in flow}
    assert len(by_id) == len(flow)
    (tab,) = (one for one in flow if one["type"] == "tab")
    reached = set()
    for one in flow:
        if one is tab:
            continue
        assert one["z"] == tab["id"]
        wires = [target for output in one["wires"] for target in output]
        assert set(wires) <= set(by_id)
        reached |= set(wires)
        assert len(one["wires"]) == one.get("outputs", len(one["wires"]))
    begins = {one["id"] for one in flow if one["type"] == "http in"}
    assert reached | begins | {tab["id"]} == set(by_id)


def test_it_needs_nothing_that_node_red_lacks() -> None:
    own = {"tab", "http in", "http response", "function", "switch", "template", "change", "debug"}
    assert {one["type"] for one in nodes()} <= own


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Node-RED with the flow, on this machine only."""
    program = os.environ.get("RTACTION_NODE_RED")
    node = shutil.which("node")
    if not program or node is None:
        pytest.skip("no Node-RED: npm install node-red, RTACTION_NODE_RED=.../node-red/red.js")
    port = free_port()
    settings = tmp_path / "settings.js"
    settings.write_text(
        f"module.exports = {{ uiHost: '127.0.0.1', uiPort: {port}, httpAdminRoot: false, "
        "flowFile: 'flow.json', credentialSecret: false, telemetry: { enabled: false }, "
        "logging: { console: { level: 'warn' } }, editorTheme: { tours: false } };"
    )
    shutil.copy(FLOW, tmp_path / "flow.json")
    process = subprocess.Popen(
        [node, program, "--userDir", str(tmp_path), "--settings", str(settings)],
        env=environment(NODE_RED_DISABLE_TELEMETRY="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/rtaction"

    def is_there() -> bool:
        try:
            return httpx.get(f"{url}/last").status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(is_there)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_node_red_is_told_of_an_event(address: str, tmp_path: Path) -> None:
    def last() -> Any:
        return httpx.get(f"{address}/last").json().get("text")

    assert last() is None
    assert httpx.post(address, json={"type": "spam"}).status_code == 422
    webhook = Webhook(
        WebhookSettings(url=address),
        Address.parse(address),
        url=address,
        secret=None,
        queue=tmp_path / "queue.sqlite",
        back_off=BackOff(first_seconds=0.01, longest_seconds=0.05),
    )
    Room().open(webhook)
    try:
        event = record("wave")
        webhook.event(event, "start")
        wait_until(lambda: last() == "Front door: wave started")
        webhook.event(ended(event), "end")
        wait_until(lambda: last() == "Front door: wave ended")
    finally:
        webhook.close(1)
    # An event that comes once more is answered, and not told again.
    again = {"type": "event", "schema_version": 1, "phase": "start", "event": event.to_dict()}
    assert httpx.post(address, json=again).status_code == 204
    assert last() == "Front door: wave ended"
