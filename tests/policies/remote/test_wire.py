"""Server and client over real sockets, on the loopback address alone."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import serve

import steer_gym
from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.errors import ActConfigError, SteerGymError, SteeringError
from steer_gym.observation import batch_observations
from steer_gym.policies.remote.codec import pack, unpack
from steer_gym.policies.remote.dialects import DIALECTS, LIBERO
from steer_gym.policies.remote.messages import hello
from steer_gym.policies.remote.policy import RemoteError, RemotePolicy
from steer_gym.policies.remote.server import PolicyServer

from .conftest import SPACE, CountingPolicy, ScalesPolicy

FAST = ActConfig(steering=Steering(NeuronSet.from_flat([0, 3]), alpha=(10.0, -2.0)))


def remote(server: PolicyServer, **options: Any) -> RemotePolicy:
    return steer_gym.make_policy("remote", port=server.port, **options)  # type: ignore[return-value]


def test_a_served_policy_keeps_the_contract(server: PolicyServer) -> None:
    steer_gym.check_policy(remote(server))


def test_the_client_tells_what_the_policy_is(server: PolicyServer, policy: ScalesPolicy) -> None:
    client = remote(server)
    assert client.spec == policy.spec
    assert client.concepts == policy.concepts
    assert not client.remembers


def test_steering_reaches_the_policy_row_by_row(
    server: PolicyServer, policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    batch = batch_observations([observation] * 3)
    configs = [None, replace(FAST, measure_steering=True), ActConfig(temperature=0.5, seed=7)]
    there, here = remote(server).plan(batch, configs), policy.plan(batch, configs)
    assert np.array_equal(there.actions, here.actions)
    assert there.steering == here.steering
    assert there.steering[1].size.greatest == 10.0
    assert there.tokens is not None
    assert np.array_equal(there.tokens, here.tokens)
    assert np.array_equal(there.valid, here.valid)
    assert there.extra["reasons"] == (None, None, None)
    assert not np.array_equal(there.actions[0], there.actions[1])


def test_openpis_stock_client_gets_what_a_local_call_gives(
    server: PolicyServer, policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    theirs = pytest.importorskip("openpi_client.websocket_client_policy")
    client = theirs.WebsocketClientPolicy(host="127.0.0.1", port=server.port)
    reply = client.infer(LIBERO.message(observation))
    assert set(reply) == {"actions", "server_timing"}
    assert np.array_equal(reply["actions"], policy.plan(observation).actions[0])
    with pytest.raises(RuntimeError, match="needs 'observation/state'"):
        client.infer({"observation/image": np.zeros((8, 8, 3), np.uint8), "prompt": "x"})
    again = client.infer(LIBERO.message(observation))
    assert np.array_equal(again["actions"], reply["actions"])


def test_a_message_in_openpis_words_without_its_client(
    server: PolicyServer, policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    with connect(f"ws://127.0.0.1:{server.port}", compression=None) as connection:
        assert "steer_gym/policy" in unpack(connection.recv())
        connection.send(pack(LIBERO.message(observation)))
        reply = unpack(connection.recv())
    assert set(reply) == {"actions", "server_timing"}
    assert np.array_equal(reply["actions"], policy.plan(observation).actions[0])


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_dialect_says_what_it_heard(name: str) -> None:
    dialect, rng = DIALECTS[name], np.random.default_rng(0)
    observation = {
        "image.base": rng.integers(0, 256, (8, 8, 3), dtype=np.uint8),
        "image.wrist": rng.integers(0, 256, (8, 8, 3), dtype=np.uint8),
        "tcp_pose": rng.normal(size=6) if name == "libero" else np.zeros(6),
        "joints": np.zeros(7) if name == "libero" else rng.normal(size=dialect.joints),
        "gripper": rng.normal(size=dialect.gripper),
        "instruction": "fold the towel",
    }
    back = dialect.observation(dialect.message(observation))
    assert back.keys() == observation.keys()
    assert all(np.array_equal(back[key], observation[key]) for key in observation)


def test_a_server_of_openpis_own_is_spoken_to_in_its_dialect(observation: dict[str, Any]) -> None:
    from websockets.sync.server import serve

    def infer(connection: Any) -> None:
        connection.send(pack({"metadata": "of openpi"}))
        for message in connection:
            heard = unpack(message)
            mean = heard["observation/image"].mean() + heard["observation/state"][0]
            connection.send(pack({"actions": np.full((10, 7), mean), "state": np.zeros(8)}))

    with serve(infer, "127.0.0.1", 0, compression=None) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        port = listening.socket.getsockname()[1]
        with pytest.raises(RemoteError, match="give dialect='libero'"):
            RemotePolicy(port=port)
        client = RemotePolicy(port=port, dialect="libero")
        batch = batch_observations([observation, observation])
        plan = client.plan(batch)
        mean = observation["image.base"].mean() + observation["tcp_pose"][0]
        assert plan.actions.shape == (2, 10, 7)
        assert np.allclose(plan.actions, mean)
        with pytest.raises(SteeringError, match="has no neurons to steer"):
            client.act(observation, FAST)
        with pytest.raises(ActConfigError, match="samples as it was started"):
            client.act(observation, ActConfig(temperature=1.0))
        with pytest.raises(RemoteError, match=r"shape \(1, 10, 7\), not \(1, 5, 7\)"):
            RemotePolicy(port=port, dialect="libero", horizon=5).plan(observation)
        client.close()
        listening.shutdown()
        thread.join()


def test_clients_that_come_together_are_answered_together_and_never_crossed() -> None:
    policy = ScalesPolicy(delay_s=0.01)
    with PolicyServer(policy, port=0) as server:

        def work(number: int) -> bool:
            client, rng = remote(server), np.random.default_rng(number)
            for step in range(20):
                observation = policy.spec.example_observation(seed=1000 * number + step)
                alpha = float(rng.normal())
                config = ActConfig(steering=Steering(NeuronSet.from_flat([number % 7]), alpha))
                expected = ScalesPolicy().plan(observation, config).actions
                if not np.array_equal(client.plan(observation, config).actions, expected):
                    return False
            client.close()
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
    assert sum(policy.batches) == 160
    assert max(policy.batches) > 1
    assert max(policy.batches) <= 8


def test_one_clients_mistake_does_not_reach_the_others(observation: dict[str, Any]) -> None:
    broken = {**observation, "image.wrist": np.full((8, 8, 3), 255, np.uint8)}
    policy = ScalesPolicy(delay_s=0.02)
    with PolicyServer(policy, port=0) as server, ThreadPoolExecutor(6) as pool:
        asked = [broken if n % 3 == 0 else observation for n in range(6)]
        calls = [pool.submit(remote(server).plan, one) for one in asked]
        for one, call in zip(asked, calls, strict=True):
            if one is broken:
                with pytest.raises(RemoteError, match="ZeroDivisionError: the scales broke"):
                    call.result()
            else:
                assert np.array_equal(call.result().actions, policy.plan(observation).actions)


def test_a_full_queue_says_so_at_once(observation: dict[str, Any]) -> None:
    policy = ScalesPolicy(delay_s=0.3)
    with (
        PolicyServer(policy, port=0, rows=1, waiting=1) as server,
        ThreadPoolExecutor(6) as pool,
    ):
        clients = [remote(server) for _ in range(6)]
        calls = [pool.submit(client.plan, observation) for client in clients]
        errors = [str(call.exception()) for call in calls if call.exception()]
        assert 1 <= len(errors) < 6
        assert all("1 requests waiting; ask again" in error for error in errors)


def test_too_many_clients_are_told(policy: ScalesPolicy, observation: dict[str, Any]) -> None:
    with PolicyServer(policy, port=0, clients=1) as server:
        first = remote(server)
        with pytest.raises(RemoteError, match="as many clients as it allows"):
            remote(server)
        assert np.array_equal(first.act(observation), policy.act(observation))
        first.close()
        deadline = time.monotonic() + 5
        while True:
            try:
                remote(server)
                break
            except RemoteError:
                assert time.monotonic() < deadline
                time.sleep(0.01)


GARBAGE = [b"", b"\xc1", b"\x81", b"\xde\xff\xff", bytes(range(256)), pack({}), pack({"x": 1})]


def test_garbage_gets_an_error_and_the_next_question_an_answer(
    server: PolicyServer, policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    with connect(f"ws://127.0.0.1:{server.port}", compression=None) as connection:
        connection.recv()
        for garbage in [*GARBAGE, "text"]:
            connection.send(garbage)
            assert isinstance(connection.recv(timeout=5), str)
        for strange in (
            {"instruction": 3},
            {"instruction": []},
            {"instruction": "x", "steer_gym/configs": 1},
            {"instruction": "x", "steer_gym/configs": [{"temperature": "hot"}]},
            {"instruction": ["x", "y"], "steer_gym/configs": [{}, {}], "tcp_pose": np.zeros(3)},
            {"observation/image": "x", "observation/wrist_image": 1, "observation/state": []},
            {"steer_gym/reset": "all"},
        ):
            connection.send(pack(strange))
            assert isinstance(connection.recv(timeout=5), str)
        connection.send(pack(LIBERO.message(observation)))
        reply = unpack(connection.recv(timeout=5))
    assert np.array_equal(reply["actions"], policy.plan(observation).actions[0])


def test_what_is_no_websocket_at_all_does_no_harm(
    server: PolicyServer, policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    for nonsense in (b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(nonsense)
    assert np.array_equal(remote(server).act(observation), policy.act(observation))


def test_a_message_beyond_the_limit_ends_its_connection_only(
    policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    with PolicyServer(policy, port=0, message_mib=0.01) as server:
        client = remote(server)
        large = {**observation, "image.base": np.zeros((100, 100, 3), np.uint8)}
        with pytest.raises(RemoteError, match="did not answer"):
            client.act(large)
        assert np.array_equal(client.act(observation), policy.act(observation))


def test_health_can_be_asked(server: PolicyServer) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=5) as reply:
        assert (reply.status, reply.read()) == (200, b"OK\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_that_others_reach_is_refused(host: str, policy: ScalesPolicy) -> None:
    with pytest.raises(SteerGymError, match="pass --expose if you mean it"):
        PolicyServer(policy, host=host, port=0)


def test_a_port_that_is_taken_is_named(server: PolicyServer, policy: ScalesPolicy) -> None:
    with pytest.raises(SteerGymError, match=rf"Cannot listen on 127\.0\.0\.1:{server.port}"):
        PolicyServer(policy, port=server.port)


def test_no_server_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RemoteError, match="Start one with `steer-gym serve`"):
            RemotePolicy(port=taken.getsockname()[1], timeout_s=5)


def test_a_policy_that_remembers_has_one_client_and_forgets_when_told(
    observation: dict[str, Any],
) -> None:
    with PolicyServer(CountingPolicy(), port=0) as server:
        client = remote(server)
        assert client.remembers
        assert [client.act(observation)[0] for _ in range(3)] == [1, 2, 3]
        client.reset()
        assert client.act(observation)[0] == 1
        with pytest.raises(RemoteError, match="as many clients as it allows"):
            remote(server)


def test_a_client_finds_the_server_again_after_it_was_restarted(
    policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    with PolicyServer(policy, port=0) as server:
        port, client = server.port, remote(server)
        client.act(observation)
    with pytest.raises(RemoteError, match="did not answer"):
        client.act(observation)
    with PolicyServer(policy, port=port):
        assert np.array_equal(client.act(observation), policy.act(observation))


def test_an_answer_that_was_not_waited_for_is_never_taken_for_the_next_one(
    observation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with PolicyServer(ScalesPolicy(), port=0) as server:
        client, brighter = remote(server), {**observation, "tcp_pose": np.ones(6)}
        expected = [ScalesPolicy().act(each) for each in (observation, brighter)]
        with monkeypatch.context() as patch:
            patch.setattr(ClientConnection, "recv", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.act(observation)
        assert np.array_equal(client.act(brighter), expected[1])
        assert np.array_equal(client.act(observation), expected[0])


def interrupted(connection: ClientConnection, timeout: float | None = None) -> None:
    raise KeyboardInterrupt


def test_a_refusal_in_words_keeps_the_connection(observation: dict[str, Any]) -> None:
    with PolicyServer(CountingPolicy(), port=0) as server:
        client, broken = remote(server), {**observation}
        broken["image.wrist"] = np.full((8, 8, 3), 255, np.uint8)
        assert client.act(observation)[0] == 1
        with pytest.raises(RemoteError, match="the scales broke"):
            client.act(broken)
        assert client.act(observation)[0] == 3


def test_a_greeting_that_comes_too_late_is_never_taken_for_an_answer(
    policy: ScalesPolicy, observation: dict[str, Any]
) -> None:
    with PolicyServer(policy, port=0) as server:
        port, client = server.port, remote(server, timeout_s=1.0)
    heard, ask_again = [], threading.Event()

    def late(connection: Any) -> None:
        ask_again.wait(30)
        connection.send(pack(hello(policy)))
        heard.extend(connection)

    with serve(late, "127.0.0.1", port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for _ in range(2):  # the first finds its old connection broken
            with pytest.raises(RemoteError, match=r"did not answer|No policy server"):
                client.act(observation)
        ask_again.set()
        server.shutdown()
        thread.join()
    assert not heard
    with PolicyServer(policy, port=port):
        assert np.array_equal(client.act(observation), policy.act(observation))


def test_another_policy_at_the_same_address_is_refused(observation: dict[str, Any]) -> None:
    other = ScalesPolicy()
    other.spec = replace(other.spec, neurons=replace(SPACE, fingerprint="others"))
    with PolicyServer(ScalesPolicy(), port=0) as server:
        port, client = server.port, remote(server)
    with pytest.raises(RemoteError, match="did not answer"):
        client.act(observation)
    with PolicyServer(other, port=port):
        for _ in range(2):
            with pytest.raises(RemoteError, match=r"another policy than before: .*'others'"):
                client.act(observation)


def test_a_policy_that_forgot_the_episode_with_its_connection_must_be_reset(
    observation: dict[str, Any],
) -> None:
    with PolicyServer(CountingPolicy(), port=0) as server:
        port, client = server.port, remote(server)
        client.act(observation)
    with pytest.raises(RemoteError, match="did not answer"):
        client.act(observation)
    with PolicyServer(CountingPolicy(), port=port):
        with pytest.raises(RemoteError, match=r"forgotten the episode. Call reset\(\)"):
            client.act(observation)
        client.reset()
        assert client.act(observation)[0] == 1


def test_closing_answers_those_who_wait(observation: dict[str, Any]) -> None:
    server = PolicyServer(ScalesPolicy(delay_s=0.2), port=0, rows=1)
    with ThreadPoolExecutor(4) as pool:
        clients = [remote(server) for _ in range(4)]
        calls = [pool.submit(client.plan, observation) for client in clients]
        time.sleep(0.1)
        server.close()
        failures = [call.exception(timeout=5) for call in calls]
    assert all(failure is None or isinstance(failure, RemoteError) for failure in failures)
    assert any(failures)
