"""Serves any policy over openpi's websocket protocol.

    with PolicyServer(policy, port=8000) as server:
        server.wait()

openpi's stock client works as it is. It answers on loopback alone unless told otherwise: nothing
in the protocol asks who is there.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response
from websockets.sync.server import ServerConnection, serve

from steer_gym.errors import SteerGymError
from steer_gym.policy import Policy

from .batching import Batcher, BusyError
from .codec import pack, unpack
from .messages import DONE, RESET, answer, asked, hello

HEALTH = "/healthz"
MEBIBYTE = 2**20
_log = logging.getLogger(__name__)


class PolicyServer:
    """A listening socket, a thread for each client, and one for the policy."""

    def __init__(
        self,
        policy: Policy,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        expose: bool = False,
        rows: int = 8,
        waiting: int = 64,
        clients: int = 32,
        message_mib: float = 16.0,
    ) -> None:
        """Listen and answer.

        Args:
            policy: Any policy. One that remembers the episode is served to one client at a time.
            host: Address to bind to.
            port: 0 takes a free one.
            expose: Whether ``host`` may be reached from other machines.
            rows: At most so many rows of different clients in one forward pass.
            waiting: Requests that may wait.
            clients: Connections at a time.
            message_mib: Largest message.

        Raises:
            SteerGymError: The address is not loopback and ``expose`` is not set, or cannot be had.
        """
        _require_loopback(host, expose)
        self._policy = policy
        self._hello = pack(hello(policy))
        self._places = threading.BoundedSemaphore(1 if policy.remembers else clients)
        try:
            self._server = serve(
                self._serve_client,
                host,
                port,
                compression=None,
                max_size=int(message_mib * MEBIBYTE),
                process_request=_health,
            )
        except OSError as error:
            raise SteerGymError(f"Cannot listen on {host}:{port}: {error}.") from error
        self.host, self.port = self._server.socket.getsockname()[:2]
        self._batcher = Batcher(policy, rows=rows, waiting=waiting)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="steer-gym server", daemon=True
        )
        self._thread.start()

    def wait(self) -> None:
        """Return when the server has been closed."""
        self._thread.join()

    def close(self) -> None:
        """Stop listening and end the policy's thread; clients get an error."""
        self._server.shutdown()
        self._thread.join()
        self._batcher.close()

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _serve_client(self, connection: ServerConnection) -> None:
        if not self._places.acquire(blocking=False):
            connection.send("The server has as many clients as it allows; try again later.")
            return
        try:
            if self._policy.remembers:
                self._policy.reset()
            connection.send(self._hello)
            for message in connection:
                connection.send(self._reply(message))
        except ConnectionClosed:
            pass
        finally:
            self._places.release()

    def _reply(self, message: bytes | str) -> bytes | str:
        """Return the answer to one message: bytes, or as openpi does a text that says why not."""
        try:
            content = unpack(message)
            if RESET in content:
                self._policy.reset(_reset_rows(content[RESET]))
                return pack({DONE: True})
            request = asked(content)
            plan, rows = self._batcher.plan(request)
            return pack(answer(plan, rows, request))
        except (SteerGymError, BusyError) as error:
            return f"{type(error).__name__}: {error}"
        except Exception as error:
            _log.exception("A request failed.")
            return f"The policy failed: {type(error).__name__}: {error}"


def _reset_rows(rows: Any) -> list[int] | None:
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, int) for row in rows):
        raise SteerGymError(f"{RESET!r} must be nothing, or a list of rows, but is {rows!r}.")
    return rows


def _require_loopback(host: str, expose: bool) -> None:
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not (local or expose):
        raise SteerGymError(
            f"{host} can be reached from other machines, and the protocol has no password. Bind "
            "to 127.0.0.1 and forward the port by ssh, or pass --expose if you mean it."
        )


def _health(connection: ServerConnection, request: HttpRequest) -> Response | None:
    if request.path == HEALTH:
        return connection.respond(HTTPStatus.OK, "OK\n")
    return None
