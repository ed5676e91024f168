"""``steer-gym policies``: list the policies, or show one."""

from __future__ import annotations

import argparse

from steer_gym.policy import Policy
from steer_gym.registry import make_policy, policy_targets


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("name", nargs="?", help="load this policy and show what it takes and gives")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table, or one policy."""
    if options.name is None:
        targets = policy_targets()
        width = max(map(len, targets))
        print("\n".join(f"{name:<{width}}  {target}" for name, target in sorted(targets.items())))
    else:
        print(portrait(make_policy(options.name)))
    return 0


def portrait(policy: Policy) -> str:
    """Return what a policy takes, gives and can be steered by, as text."""
    spec = policy.spec
    cameras = ", ".join(f"{name} {h}x{w}" for name, (h, w) in spec.cameras.items())
    neurons = (
        f"{spec.neurons.layers} layers of {spec.neurons.width:,} ({spec.neurons.size:,} in all)"
        if spec.neurons
        else "none; it cannot be steered"
    )
    concepts = ", ".join(f"{name} ({len(s)})" for name, s in policy.concepts.items())
    facts = {
        "action": f"{spec.action.size} numbers, {spec.action.control}, {spec.action.unit}",
        "rate": f"{spec.action.rate_hz:g} Hz",
        "plan": f"{spec.horizon} actions, {spec.tokens} tokens",
        "cameras": cameras or "none",
        "invalid tokens": ", ".join(spec.invalid_tokens) or "it writes none",
        "neurons": neurons,
        "concepts": concepts or "none",
    }
    return "\n".join([spec.name, *(f"  {key:<15}{value}" for key, value in facts.items())])
