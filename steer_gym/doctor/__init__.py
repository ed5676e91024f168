"""What is installed, what works, and the command that mends each gap."""

from .finding import Finding, Level
from .installation import files, packages
from .probes import machine

__all__ = ["Finding", "Level", "files", "machine", "packages"]
