"""The command line: one table of commands, each imported only when it runs."""

from steer_gym.cli.dispatch import main

__all__ = ["main"]
