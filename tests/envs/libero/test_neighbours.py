"""Beside upstream's own environments, in one process."""

from __future__ import annotations

import numpy as np

from steer_gym.envs.libero.env import LiberoEnv


def test_resetting_upstreams_environment_leaves_our_pictures_alone() -> None:
    from libero.libero.envs import OffScreenRenderEnv

    env = LiberoEnv(suite="libero_object", image_size=48)
    upstream = OffScreenRenderEnv(
        bddl_file_name=str(env.task.bddl_file), camera_heights=48, camera_widths=48
    )
    upstream.seed(0)
    upstream.reset()
    before, _ = env.reset(seed=0, options={"init_state": 0})
    upstream.reset()
    after, _ = env.reset(seed=0, options={"init_state": 0})
    for key in ("image.base", "image.wrist"):
        assert np.array_equal(before[key], after[key])
    upstream.close()
    env.close()
