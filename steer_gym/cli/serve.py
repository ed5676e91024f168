"""``steer-gym serve``: serve a policy over openpi's websocket protocol."""

from __future__ import annotations

import argparse
import json
from typing import Any

from steer_gym.errors import SteerGymError
from steer_gym.extras import load
from steer_gym.registry import make_policy

SERVER = "steer_gym.policies.remote.server:PolicyServer"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("policy", help="a policy of `steer-gym policies`")
    parser.add_argument(
        "options", nargs="*", metavar="NAME=VALUE", help="of the policy: checkpoint=..., ..."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind to")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument(
        "--expose", action="store_true", help="allow an address that other machines reach"
    )
    parser.add_argument("--rows", type=int, default=8, help="rows of clients answered together")
    parser.add_argument("--waiting", type=int, default=64, help="requests that may wait")
    parser.add_argument("--clients", type=int, default=32, help="connections at a time")
    parser.add_argument("--message-mib", type=float, default=16.0, help="largest message [MiB]")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    make_server = load(SERVER)
    policy = make_policy(options.policy, **policy_options(options.options))
    try:
        with make_server(
            policy,
            host=options.host,
            port=options.port,
            expose=options.expose,
            rows=options.rows,
            waiting=options.waiting,
            clients=options.clients,
            message_mib=options.message_mib,
        ) as server:
            address = f"ws://{server.host}:{server.port}"
            print(f"{policy.spec.name} at {address}; stop with Ctrl-C", flush=True)
            server.wait()
    except KeyboardInterrupt:
        print("\nstopped")
    finally:
        policy.close()
    return 0


def policy_options(words: list[str]) -> dict[str, Any]:
    """Return keyword arguments of ``name=value`` words; a value that is JSON is read as such.

    Raises:
        SteerGymError: A word has no ``=``.
    """
    pairs = [word.partition("=") for word in words]
    strays = [word for word, (_, sign, _) in zip(words, pairs, strict=True) if not sign]
    if strays:
        raise SteerGymError(f"An option of the policy is NAME=VALUE, but {strays[0]!r} was given.")
    return {name: _value(value) for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
