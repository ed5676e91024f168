"""A policy that runs elsewhere, behind a steer_gym server or any of openpi's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.errors import ActConfigError, SteerGymError
from steer_gym.neuron_set import NeuronSet
from steer_gym.observation import CAMERAS, Observation, observation_row
from steer_gym.policy import Plan, Policy, PolicySpec

from .codec import WireError, pack, unpack
from .dialects import Dialect, find_dialect
from .messages import ACTIONS, HELLO, RESET, answered, ask, told_concepts, told_spec


class RemoteError(SteerGymError):
    """The server cannot be reached, or says that it cannot answer."""


class _SaidError(RemoteError):
    """The server answered, in words; the connection is as good as before."""


class RemotePolicy(Policy):
    """Asks a server; a steer_gym server takes everything that a local policy takes.

    A connection that broke off is made anew by the next call, if the same policy is served; if it
    remembers the episode, only by ``reset``.

    A server of openpi's own gets single observations in its robot's dialect; it cannot be steered
    and samples as it was started to, so that such configs are refused.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        dialect: str | None = None,
        horizon: int | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Connect.

        Args:
            host: Name or address, or a whole ``ws://`` or ``wss://`` address.
            port: Left out where ``host`` is a whole address.
            dialect: For servers of openpi's own: ``libero``, ``droid`` or ``ur5``.
            horizon: Actions in a chunk of such a server; by default the published checkpoint's.
            timeout_s: For connecting, and for each answer.

        Raises:
            RemoteError: There is no server, or it is openpi's own and ``dialect`` is not given.
        """
        self._address = host if host.startswith(("ws://", "wss://")) else f"ws://{host}:{port}"
        self._timeout_s, self._lock = timeout_s, threading.Lock()
        self._open = ExitStack()
        self._connection: ClientConnection | None = None
        told = self._connect()
        self._dialect: Dialect | None = None
        self._concepts: dict[str, NeuronSet] = {}
        self._remembers = False
        if told is not None:
            self.spec = told_spec(told)
            self._concepts, self._remembers = told_concepts(told), bool(told["remembers"])
        elif dialect is not None:
            self._dialect = find_dialect(dialect)
            self.spec = _openpi_spec(self._dialect, horizon)
        else:
            raise RemoteError(
                f"{self._address} is a server of openpi's own, which does not say what it serves; "
                "give dialect='libero', 'droid' or 'ur5'."
            )

    @property
    def remembers(self) -> bool:
        """Tell whether the served policy remembers the episode."""
        return self._remembers

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the concepts of the served policy."""
        return self._concepts

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return the server's plan; ``latency_s`` includes the way there and back.

        Raises:
            RemoteError: The server cannot be reached, or says why it cannot answer.
        """
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        with self._lock:
            if self._dialect is not None:
                plan = self._ask_openpi(self._dialect, batch, configs)
            else:
                plan = answered(self._exchange(ask(self._needed(batch), configs)))
        wanted = (len(configs), self.spec.horizon, self.spec.action.size)
        if plan.actions.shape != wanted:
            raise RemoteError(
                f"The server's actions have shape {plan.actions.shape}, not {wanted} (rows, "
                "horizon, size); give the horizon= or the dialect= that it serves."
            )
        return _timed(plan, time.perf_counter() - started)

    def reset(self, rows: Iterable[int] | None = None) -> None:
        """Let the served policy forget, where it remembers anything."""
        if self._remembers:
            with self._lock:
                self._exchange({RESET: None if rows is None else [int(row) for row in rows]})

    def close(self) -> None:
        """Hang up."""
        self._open.close()
        self._connection = None

    def _needed(self, batch: Observation) -> Observation:
        """Return the batch without the pictures that the served policy does not look at."""
        unseen = set(CAMERAS) - self.spec.cameras.keys()
        return {key: value for key, value in batch.items() if key not in unseen}

    def _ask_openpi(
        self, dialect: Dialect, batch: Observation, configs: tuple[ActConfig, ...]
    ) -> Plan:
        if any(config.temperature for config in configs):
            raise ActConfigError("A server of openpi's own samples as it was started; use 0.")
        rows = [observation_row(batch, row) for row in range(len(configs))]
        replies = [self._exchange(dialect.message(row)) for row in rows]
        try:
            actions = np.stack([np.asarray(reply[ACTIONS], np.float32) for reply in replies])
        except (KeyError, ValueError) as error:
            raise RemoteError(f"The server's reply holds no actions ({error!r}).") from error
        return Plan(actions=actions, steering=(None,) * len(rows))

    def _connect(self) -> Mapping[str, Any] | None:
        """Connect, and return what a steer_gym server tells of its policy."""
        try:
            connection = self._open.enter_context(
                connect(
                    self._address, compression=None, max_size=None, open_timeout=self._timeout_s
                )
            )
            greeting = self._read(connection)
        except (OSError, InvalidHandshake, ConnectionClosed, WireError) as error:
            self.close()
            raise RemoteError(
                f"No policy server at {self._address} ({error}). Start one with `steer-gym serve`."
            ) from error
        except BaseException:
            self.close()
            raise
        # Not before the greeting is read: it would be taken for the first answer.
        self._connection = connection
        told = greeting.get(HELLO)
        return told if isinstance(told, dict) else None

    def _connect_again(self, *, resets: bool) -> ClientConnection:
        """Connect to the policy of before, after the connection broke off.

        Raises:
            RemoteError: Another one is served now, or it has forgotten the episode.
        """
        if self._remembers and not resets:
            raise RemoteError(
                f"The connection to {self._address} broke off, and the policy there has forgotten "
                "the episode. Call reset() and begin a new one."
            )
        told = self._connect()
        served = None if told is None else (told_spec(told), bool(told["remembers"]))
        if served != (None if self._dialect else (self.spec, self._remembers)):
            self.close()
            now = "a server of openpi's own" if served is None else served[0]
            raise RemoteError(
                f"{self._address} serves another policy than before: it was {self.spec}, and is "
                f"{now}. Make a new RemotePolicy."
            )
        assert self._connection is not None
        return self._connection

    def _exchange(self, message: dict[str, Any]) -> dict[Any, Any]:
        """Send a message and return the reply, connecting anew if the last call broke off."""
        packed = pack(message)
        connection = self._connection or self._connect_again(resets=RESET in message)
        try:
            connection.send(packed)
            return self._read(connection)
        except _SaidError:
            raise
        except (OSError, ConnectionClosed, WireError) as error:
            self.close()
            raise RemoteError(f"{self._address} did not answer ({error}).") from error
        except BaseException:
            # Whatever comes later on this connection may answer an older question.
            self.close()
            raise

    def _read(self, connection: ClientConnection) -> dict[Any, Any]:
        reply = connection.recv(timeout=self._timeout_s)
        if isinstance(reply, str):
            raise _SaidError(f"{self._address} says: {reply}")
        return unpack(reply)


def _openpi_spec(dialect: Dialect, horizon: int | None) -> PolicySpec:
    return PolicySpec(
        name="remote",
        action=dialect.action,
        cameras=dict.fromkeys(dialect.images.values(), (224, 224)),
        horizon=horizon or dialect.horizon,
        execute=min(dialect.execute, horizon or dialect.horizon),
        joints=dialect.joints,
        gripper=dialect.gripper,
    )


def _timed(plan: Plan, latency_s: float) -> Plan:
    return Plan(
        actions=plan.actions,
        tokens=plan.tokens,
        valid=plan.valid,
        latency_s=latency_s,
        steering=plan.steering,
        extra={**plan.extra, "server_latency_s": plan.latency_s},
    )
