"""``python -m steer_gym`` is ``steer-gym``."""

import sys

from steer_gym.cli import main

if __name__ == "__main__":
    sys.exit(main())
