"""A connection to an MQTT broker that comes back by itself.

This module knows neither cameras nor events.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtaction.errors import extra_missing
from rtaction.realtime.watching.back_off import BackOff
from rtaction.serve.sinks.mqtt.account import Account
from rtaction.serve.sinks.reasons import reason_of

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_LOOP_SECONDS = 1.0
_GOODBYE_SECONDS = 0.2
_SHORT_SECONDS = 5.0
_HEAD_BYTES = 16  # more than there is beside topic and payload
_MAX_QUEUED = 1000
TAKEN, LOST = "taken", "lost"
"""What became of a message, see `Broker.publish`."""
CONNECT_BACK_OFF = BackOff(first_seconds=1.0, longest_seconds=30.0)
_THROWN_OUT = "it ends each connection soon; has another client the same client_id?"
_REFUSED = "it does not let this user in; check the user name and the password"
# Names of MQTT 5's reason codes that another attempt does not change.
_LASTING = {
    "Bad user name or password": _REFUSED,
    "Not authorized": _REFUSED,  # as Mosquitto says to a wrong password
    "Banned": "it has banned this client",
    "Client identifier not valid": "it refuses the client_id",
    "Session taken over": "another client came with the same client_id; give each its own",
    "Unsupported protocol version": "it does not speak MQTT 5",
}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the broker shall tell.

    Args:
        topic: it may have wildcards.
        wants_retained: also what was retained before.
    """

    topic: str
    wants_retained: bool


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told, in the connection's thread; none of these may wait.

    Args:
        up: it is connected.
        down: it is not, with the reason.
        message: of a topic: its name, payload, and whether it was retained before.
    """

    up: Callable[[], None]
    down: Callable[[str], None]
    message: Callable[[str, bytes, bool], None]


class Broker:
    """A connection to a broker, in a thread of its own.

    Args:
        account: where to.
        will: topic and payload that the broker retains when the connection ends, in whatever way.
        listener: see there.
        back_off: waits between attempts. Default: 1 s, doubled up to 30 s.

    Raises:
        MissingLibrary: paho-mqtt is not installed.
    """

    def __init__(
        self,
        account: Account,
        will: tuple[str, bytes],
        listener: Listener,
        *,
        back_off: BackOff = CONNECT_BACK_OFF,
    ) -> None:
        self._account = account
        self._listener = listener
        self._back_off = back_off
        self._will = will
        self._is_up = False
        self._up_since_seconds = 0.0
        self._max_bytes: float = math.inf
        self._reason: str | None = None
        self._is_lasting = False
        self._closing = threading.Event()
        self._lock = threading.Condition()
        self._client: Client | None = None
        self._unanswered: dict[int, Callable[[str], None]] = {}
        self._answered: dict[int, str] = {}
        self._made()  # a missing library is told at once
        # A daemon: a broker that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="rtaction-mqtt", daemon=True)

    def start(self) -> None:
        """Connect, soon."""
        self._thread.start()

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._is_up

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        is_retained: bool,
        then: Callable[[str], None] = lambda outcome: None,
    ) -> bool:
        """Send a message.

        Args:
            topic: where to.
            payload: what.
            qos: 0, 1 or 2.
            is_retained: the broker keeps it for those who come later.
            then: called in any thread with `TAKEN`, `LOST` or why the broker refuses it. `LOST` is
                what it has not confirmed when the connection ends; it may have taken it. With a
                `qos` of 0, it is `TAKEN` at once.

        Returns:
            False if it is not sent, as there is no connection, or too much is unconfirmed.
        """
        from paho.mqtt.enums import MQTTErrorCode

        client = self._client
        if client is None or not self._is_up:
            return False
        num_bytes = len(topic.encode()) + len(payload) + _HEAD_BYTES
        if num_bytes > self._max_bytes:  # it would end the connection
            then(f"it takes messages of at most {self._max_bytes} bytes, not of {num_bytes}")
            return True
        info = client.publish(topic, payload, qos, is_retained)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        with self._lock:
            if qos == 0:
                outcome: str | None = TAKEN
            elif client is not self._client or not self._is_up:
                outcome = LOST
            else:  # the answer may have come already
                outcome = self._answered.pop(info.mid, None)
                if outcome is None:
                    self._unanswered[info.mid] = then
        if outcome is not None:
            then(outcome)
        return True

    def subscribe(self, subscriptions: list[Subscription]) -> None:
        """Have the broker tell, but not what this connection publishes itself."""
        from paho.mqtt.subscribeoptions import SubscribeOptions

        client = self._client
        if client is None:
            return
        retained = {
            True: SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE,
            False: SubscribeOptions.RETAIN_DO_NOT_SEND,
        }
        client.subscribe(
            [
                (one.topic, SubscribeOptions(1, True, False, retained[one.wants_retained]))
                for one in subscriptions
            ]
        )

    def close(self, timeout_seconds: float) -> None:
        """Wait for what is unconfirmed, for at most this time, and disconnect."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.reasoncodes import ReasonCode

        ends_at = time.monotonic() + timeout_seconds
        with self._lock:
            self._lock.wait_for(lambda: not self._unanswered or not self._is_up, timeout_seconds)
        self._closing.set()
        client = self._client
        if client is not None:
            client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        if self._thread.is_alive():
            self._thread.join(max(ends_at - time.monotonic(), _GOODBYE_SECONDS))

    def _made(self) -> Client:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
        except ImportError as error:
            raise extra_missing("MQTT", "serve", error) from None
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._account.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        if self._account.username is not None:
            client.username_pw_set(self._account.username, self._account.password)
        if self._account.tls is not None:
            client.tls_set_context(self._account.tls)
        client.will_set(*self._will, qos=1, retain=True)
        client.max_queued_messages_set(_MAX_QUEUED)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        # With it, other threads leave all writing to the thread of the loop.
        client.on_socket_register_write = lambda *_: None
        return client

    def _run(self) -> None:
        num_failures = 0
        while not self._closing.is_set():
            self._reason, self._is_lasting = None, False
            # A client of its own for each connection, so that nothing of an old one is sent late.
            client = self._made()
            with self._lock:
                self._client = client
            try:
                self._stay_connected(client)
            except OSError as error:
                self._reason = reason_of(error)
            except Exception as error:  # of paho, for what is no MQTT; its text may hold anything
                self._reason = f"it does not speak MQTT 5 ({type(error).__name__})"
            up_seconds = self._settle()
            if self._closing.is_set():
                return
            num_failures = 1 if up_seconds > _SHORT_SECONDS else num_failures + 1
            is_thrown_out = 0 < up_seconds <= _SHORT_SECONDS and num_failures > 1
            ended = _THROWN_OUT if is_thrown_out else "it ended the connection"
            self._listener.down(self._reason or ended)
            self._closing.wait(
                self._back_off.wait_seconds(num_failures, is_lasting=self._is_lasting)
            )

    def _stay_connected(self, client: Client) -> None:
        """Connect, and return when the connection has ended."""
        from paho.mqtt.enums import MQTTErrorCode

        account = self._account
        client.connect(account.host, account.port, account.keepalive_seconds)
        patience_ends_at = time.monotonic() + self._account.answer_seconds
        while client.loop(_LOOP_SECONDS) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if not self._is_up and time.monotonic() > patience_ends_at:
                self._reason = "it takes the connection, but says nothing; is it an MQTT broker?"
                return

    def _settle(self) -> float:
        """End a connection: for how many seconds there was one."""
        with self._lock:
            up_seconds = time.monotonic() - self._up_since_seconds if self._is_up else 0.0
            self._is_up, self._client = False, None
            lost, self._unanswered, self._answered = self._unanswered, {}, {}
            self._lock.notify_all()
        for then in lost.values():
            then(LOST)
        return up_seconds

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._tell_reason(reason)
            return
        self._max_bytes = getattr(properties, "MaximumPacketSize", math.inf)
        with self._lock:
            self._is_up, self._up_since_seconds = True, time.monotonic()
        self._listener.up()

    def _on_disconnect(
        self, client: Any, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._tell_reason(reason)
        elif reason.getName() == "Keep alive timeout":
            self._reason = "it no longer answers"

    def _on_publish(
        self, client: Client, data: Any, mid: int, reason: Any, properties: Any
    ) -> None:
        outcome = f"it refuses a message: {reason.getName()}" if reason.is_failure else TAKEN
        with self._lock:
            then = self._unanswered.pop(mid, None)
            if then is None:
                self._answered[mid] = outcome
            self._lock.notify_all()
        if then is not None:
            then(outcome)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        self._listener.message(message.topic, bytes(message.payload), bool(message.retain))

    def _tell_reason(self, reason: Any) -> None:
        name = reason.getName()
        self._is_lasting = name in _LASTING
        self._reason = _LASTING.get(name, f"it ended the connection: {name}")
