"""``steer-gym``: find the command, run it, and turn errors into one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from steer_gym.errors import SteerGymError, UnknownNameError
from steer_gym.extras import load
from steer_gym.version import __version__

from .parser import Parser

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (
        "steer Pocket in LIBERO, measure, film and plot the difference",
        "steer_gym.cli.demo:configure",
    ),
    "eval": ("run a policy on tasks and initial states, resumably", "steer_gym.cli.eval:configure"),
    "bench": (
        "run a benchmark: suites, conditions, controls, and a report",
        "steer_gym.cli.bench:configure",
    ),
    "report": (
        "say what a folder of results shows, or what changed between two",
        "steer_gym.cli.report:configure",
    ),
    "neurons": (
        "read what neurons mean, find concepts and test them",
        "steer_gym.cli.neurons:configure",
    ),
    "envs": ("list the environments and their tasks", "steer_gym.cli.envs:configure"),
    "policies": ("list the policies, or show one", "steer_gym.cli.policies:configure"),
    "doctor": (
        "say what is installed, what works and what mends the rest",
        "steer_gym.cli.doctor:configure",
    ),
    "export": ("write an evaluation as a LeRobot dataset", "steer_gym.cli.export:configure"),
    "serve": ("serve a policy over openpi's websocket protocol", "steer_gym.cli.serve:configure"),
    "convert": (
        "convert pi0-FAST's weights between openpi's and LeRobot's formats",
        "steer_gym.policies.pi0_fast.convert:configure",
    ),
    "ur-sim": ("run a simulated UR controller on its own ports", "steer_gym.cli.ur_sim:configure"),
    "ur-check": (
        "check a UR5 by reading, and slowly by moving",
        "steer_gym.cli.ur_check:configure",
    ),
    "pocket": (
        "collect demonstrations for Pocket, train and evaluate it",
        "steer_gym.policies.pocket.commands:configure",
    ),
}
"""Command -> its line of help, and ``module:function``. The function takes an argument parser, adds
its options and sets the default ``run``: from the parsed options to an exit code."""

USAGE_ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not given or given[0] in ("-h", "--help"):
            print(overview())
            return 0
        if given[0] == "--version":
            print(f"steer_gym {__version__}")
            return 0
        return run(given[0], given[1:])
    except SteerGymError as error:
        print(f"steer-gym: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt as interrupt:
        kept = str(interrupt) or "Nothing was left half-written."
        print(f"\nsteer-gym: interrupted. {kept}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def run(command: str, arguments: Sequence[str]) -> int:
    """Import and run one command.

    Raises:
        UnknownNameError: There is no such command.
    """
    if command not in COMMANDS:
        raise UnknownNameError("command", command, COMMANDS)
    description, target = COMMANDS[command]
    parser = Parser(
        prog=f"steer-gym {command}", description=f"{description[0].upper()}{description[1:]}."
    )
    load(target)(parser)
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def overview() -> str:
    """Return the help that lists the commands."""
    lines = [f"  {name:<10}{description}" for name, (description, _) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: steer-gym COMMAND [options]",
            "",
            "Steer vision-language-action policies through their neurons.",
            "",
            *lines,
            "",
            "steer-gym COMMAND --help shows a command's options; steer-gym --version the version.",
        ]
    )
