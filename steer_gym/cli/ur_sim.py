"""``steer-gym ur-sim``: a simulated UR controller on its own ports, until Ctrl-C."""

from __future__ import annotations

import argparse
from dataclasses import fields

from steer_gym.extras import load

SETTINGS = "steer_gym.hardware.controller.settings:SimulatorSettings"
CHOICES = "steer_gym.hardware.controller.settings:CHOICES"
SIMULATOR = "steer_gym.hardware.controller.simulator:Simulator"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options, one for each setting of the simulator."""
    choices = load(CHOICES)
    for field in fields(load(SETTINGS)):
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, bool):
            parser.add_argument(option, action="store_true")
        else:
            allowed, kind = choices.get(field.name), type(field.default)
            parser.add_argument(option, type=kind, default=field.default, choices=allowed)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    settings = load(SETTINGS)
    given = {field.name: getattr(options, field.name) for field in fields(settings)}
    simulator = load(SIMULATOR)(settings(**given))
    ports = {name: listener.port for name, listener in simulator.listeners.items()}
    print(f"A simulated {options.arm} listens on {simulator.host}; Ctrl-C ends it.", flush=True)
    print("  ".join(f"{name} {port}" for name, port in ports.items()), flush=True)
    simulator.run()
    return 0
