"""LIBERO's robosuite environment without its rendering, and with cheaper, bit-identical steps."""

from __future__ import annotations

import io
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from steer_gym.extras import require

from .assets import require_assets
from .gl import choose_backend
from .lean import make_lean
from .model_reuse import ModelStore

CONTROL_HZ = 20


def make_problem(bddl_file: Path, on_sample: Callable[[], None]) -> Any:
    """Return LIBERO's problem (a robosuite environment) as its ``OffScreenRenderEnv`` makes it.

    Args:
        bddl_file: The task's file.
        on_sample: Called whenever upstream's observables would read their sensors. With
            robosuite's clock that is one simulation step (2 ms) before the end of a control step.
    """
    bddl_utils, mapping, load_controller = _upstream()
    name = bddl_utils.get_problem_info(str(bddl_file))["problem_name"]
    with redirect_stdout(io.StringIO()):
        return _headless(mapping[name])(
            str(bddl_file),
            on_sample,
            robots=["Panda"],
            controller_configs=load_controller(default_controller="OSC_POSE"),
            initialization_noise=None,
            use_camera_obs=False,
            has_offscreen_renderer=False,
            control_freq=CONTROL_HZ,
            # Upstream's horizon of 1000 steps counts from its own reset; ours truncates itself.
            ignore_done=True,
        )


@cache
def _upstream() -> tuple[Any, Any, Any]:
    """Import robosuite and LIBERO quietly, after a GL backend has been chosen for them."""
    choose_backend()
    require("mujoco", extra="libero")
    log = logging.getLogger("robosuite_logs")
    log.addFilter(lambda record: "macro" not in record.getMessage())
    robosuite = require("robosuite", extra="libero")
    require_assets()
    with redirect_stdout(io.StringIO()):
        envs = require("libero.libero.envs", extra="libero")
        bddl_utils = require("libero.libero.envs.bddl_utils", extra="libero")
    return bddl_utils, envs.TASK_MAPPING, robosuite.load_controller_config


@cache
def _headless(problem_class: type) -> type:
    """Return ``problem_class`` without rendering, compiling and computing what is not needed."""
    observables = require("robosuite.utils.observables", extra="libero")

    class Headless(problem_class):  # type: ignore[misc]
        """The problem; keeps upstream's order of every call that physics can notice."""

        def __init__(self, bddl_file: str, on_sample: Callable[[], None], **options: Any) -> None:
            self._on_sample = on_sample
            self._models = ModelStore()
            super().__init__(bddl_file, **options)

        def _assert_problem_name(self) -> None:
            """Accept this subclass's name."""

        def _initialize_sim(self, xml_string: str | None = None) -> None:
            self.sim = self._models.simulation(xml_string or self.model.get_xml())
            self.sim.forward()
            self.initialize_time(self.control_freq)
            # The render context that upstream makes at this point runs the dynamics once more,
            # which moves the solver's warm start.
            self.sim.forward()

        def _destroy_sim(self) -> None:
            self.sim = None

        def _load_robots(self) -> None:
            super()._load_robots()
            for robot in self.robots:
                make_lean(robot)

        def _setup_observables(self) -> OrderedDict[str, Any]:
            @observables.sensor(modality="clock")  # type: ignore[untyped-decorator]
            def sample(_cache: Any) -> int:
                if self._observables:
                    self._on_sample()
                return 0

            return OrderedDict(
                clock=observables.Observable("clock", sample, sampling_rate=CONTROL_HZ)
            )

        def _get_observations(self, force_update: bool = False) -> OrderedDict[str, Any]:
            if force_update:
                self._update_observables(force=True)
            return OrderedDict()

        def step(self, action: Any) -> Any:
            with self.sim.fixed_pose_between_steps():
                return super().step(action)

    Headless.__name__ = Headless.__qualname__ = problem_class.__name__
    return Headless
