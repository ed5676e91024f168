"""What is installed, what works, and the command that mends each gap."""

from .finding import Finding, Level
from .installation import files, packages
from .probes import probes

__all__ = ["Finding", "Level", "files", "packages", "probes"]
