"""``python -m steer_gym`` is ``steer-gym``."""

import sys

from steer_gym.cli import main

sys.exit(main())
