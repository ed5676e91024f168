"""Schedules in whole loops: one's own, vectors of environments, ``run_episode``, evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from steer_gym import ActConfig, Pid, Policy, Ramp, Scheduled, Steering, When, Window, check_policy
from steer_gym.errors import ActConfigError
from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.evaluation.steps import read_steps
from steer_gym.observation import GRIPPER, IMAGE_BASE, TCP_POSE
from steer_gym.rollout import run_episode

ENV = "toy/Reach-v0"


def steering(policy: Policy, alpha: float = 0.6) -> Steering:
    return Steering(policy.concept("fast"), alpha=alpha)


def commands(policy: Policy, config: ActConfig | None) -> list[tuple[float, ...]]:
    return [step.command for step in run_episode(gym.make(ENV), policy, config, seed=2).steps]


def own_loop(policy: Policy, config: ActConfig | None) -> list[tuple[float, ...]]:
    env = gym.make(ENV)
    observation, _ = env.reset(seed=2)
    policy.reset()
    done, found = False, []
    while not done:
        action = policy.act(observation, config)
        observation, _, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
        found.append(tuple(map(float, action)))
    return found


def test_a_scheduled_policy_keeps_the_contract(toy: Policy) -> None:
    check_policy(Scheduled(toy))


def test_a_constant_schedule_is_no_schedule_to_the_bit(reach: Policy) -> None:
    plain = ActConfig(steering=steering(reach))
    constant = ActConfig(steering=steering(reach, alpha=0.1), schedule=Ramp([(0, 0.6)]))
    always = ActConfig(steering=steering(reach), schedule=Window())
    assert commands(reach, constant) == commands(reach, plain) == commands(reach, always)
    scheduled = Scheduled(reach)
    assert own_loop(scheduled, constant) == own_loop(reach, plain) == own_loop(scheduled, plain)


def test_outside_its_window_a_schedule_changes_nothing(reach: Policy) -> None:
    never = ActConfig(steering=steering(reach), schedule=Window(1000, 1001))
    unmet = ActConfig(steering=steering(reach), schedule=When("height_m", above=90.0))
    for config in (never, unmet):
        assert commands(reach, config) == commands(reach, None)
        assert own_loop(Scheduled(reach), config) == own_loop(reach, None)


def test_steps_tell_the_alpha_that_was_used(reach: Policy) -> None:
    fast = steering(reach)
    config = ActConfig(steering=fast, execute=2, schedule=Window(2, inner=Ramp([(0, 0), (4, 0.4)])))
    steps = run_episode(gym.make(ENV), reach, config, seed=2).steps
    assert [step.alpha for step in steps[:7]] == pytest.approx(
        [None, None, 0.2, 0.2, 0.4, 0.4, 0.4]
    )
    assert [step.steering for step in steps[:3]] == ["", "", fast.digest]
    assert [step.neurons for step in steps[:5]] == [0, 0, 1, 0, 1]


def test_a_controller_holds_the_tool_at_its_target_speed(reach: Policy) -> None:
    control = Pid(quantity="speed_m_s", target=0.2, integral=2.0, limits=(0.0, 1.0))
    config = ActConfig(steering=steering(reach), schedule=control)
    speeds = [step.speed_m_s for step in run_episode(gym.make(ENV), reach, config, seed=2).steps]
    assert speeds[2:22] == pytest.approx([0.2] * 20, abs=0.02)


def test_every_row_follows_its_own_schedule(reach: Policy) -> None:
    configs = [
        None,
        ActConfig(steering=steering(reach), schedule=Ramp([(0, 0.1), (9, 1.0)])),
        ActConfig(
            steering=steering(reach),
            schedule=Pid(quantity="speed_m_s", target=0.2, integral=2.0, limits=(0.0, 1.0)),
        ),
    ]
    alone = [own_loop(Scheduled(reach), config)[:6] for config in configs]
    envs = SyncVectorEnv([lambda: gym.make(ENV)] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    observation, _ = envs.reset(seed=[2, 2, 2])
    policy = Scheduled(reach)
    policy.reset()
    for step in range(6):
        actions = policy.act(observation, configs)
        assert [tuple(map(float, action)) for action in actions] == [row[step] for row in alone]
        observation, *_ = envs.step(actions)


def test_a_row_begins_anew_when_it_is_reset_and_others_go_on(reach: Policy) -> None:
    config = ActConfig(steering=steering(reach), schedule=Ramp([(0, 0.0), (10, 1.0)]))
    envs = SyncVectorEnv([lambda: gym.make(ENV)] * 2)
    observation, _ = envs.reset(seed=2)
    policy = Scheduled(reach)
    for _ in range(4):
        policy.act(observation, config)
    policy.reset(rows=np.array([1]))
    policy.act(observation, config)
    assert [used.steering.alpha for used in policy.used if used.steering] == [0.4, 0.0]


def test_a_reset_begins_anew_what_failed_at_its_first_look(reach: Any) -> None:
    config = ActConfig(steering=steering(reach), schedule=When("height_m", above=1.0))
    observation, _ = gym.make(ENV).reset(seed=2)
    policy = Scheduled(reach)
    reach.crash_near = observation[IMAGE_BASE][0, 0, 0] / 255.0
    with pytest.raises(RuntimeError, match="fell apart"):
        policy.act(observation, config)
    reach.crash_near = None
    policy.reset()
    policy.act({**observation, TCP_POSE: np.full_like(observation[TCP_POSE], 2.0)}, config)
    assert policy.used[0].steering == config.steering


def test_a_schedule_of_nothing_leaves_the_policy_alone(reach: Policy) -> None:
    config = ActConfig(steering=Steering(), schedule=Ramp([(0, 0.0), (10, 1.0)]))
    assert commands(reach, config) == commands(reach, None)
    assert own_loop(Scheduled(reach), config) == own_loop(reach, None)


def test_whatever_a_policy_tells_of_itself_its_scheduled_self_tells_too() -> None:
    derived = {"concept", "light", "prepare", "remembers"}
    told = {name for name in vars(Policy) if not name.startswith("_")} - derived
    assert told - vars(Scheduled).keys() == set()


def test_a_plan_counts_as_the_actions_that_are_executed(reach: Policy) -> None:
    config = ActConfig(steering=steering(reach), execute=3, schedule=Ramp([(0, 0.0), (10, 1.0)]))
    policy = Scheduled(reach)
    observation, _ = gym.make(ENV).reset(seed=0)
    for alpha in (0.0, 0.3, 0.6):
        policy.plan(observation, config)
        assert policy.used[0].steering.alpha == pytest.approx(alpha)


def test_a_policy_by_itself_refuses_a_schedule_and_says_what_to_do(toy: Policy) -> None:
    config = ActConfig(steering=Steering(), schedule=Window())
    with pytest.raises(ActConfigError, match=r"policy = steer_gym.Scheduled\(policy\)"):
        toy.act(toy.spec.example_observation(), config)


def test_evaluations_follow_schedules_whatever_stands_beside_them(
    reach: Policy, tmp_path: Path
) -> None:
    control = Pid(quantity="speed_m_s", target=0.2, integral=2.0, limits=(0.0, 1.0))
    ramp = Ramp([(0, 0.1), (9, 1.0)])
    configs = [ActConfig(steering=steering(reach), schedule=each) for each in (control, ramp)]
    grid = Grid(
        env="toy_world:toy/Reach-v0",
        conditions=(
            Condition(name="plain"),
            Condition(name="held", configs=(configs[0],)),
            Condition(name="ramp", configs=(configs[1],)),
        ),
        init_states=(0, 1),
    )
    rows = evaluate(grid, reach, tmp_path / "two", envs=2, quiet=True)
    assert all(row["success"] for row in rows)
    assert ActConfig.from_json(rows[1]["config"]) == configs[0]
    for name, config in (("held", configs[0]), ("ramp", configs[1])):
        steps = read_steps(tmp_path / "two", f"{name}-init-1")
        episode = run_episode(gym.make(ENV), reach, config, seed=0, options={"init_state": 1})
        assert [step.alpha for step in steps] == [step.alpha for step in episode.steps]
        assert [step.command for step in steps] == [step.command for step in episode.steps]


def test_a_measurement_that_is_not_finite_ends_its_episode_as_an_error(
    reach: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_world

    def blind(self: Any) -> dict[str, Any]:
        seen = observe(self)
        return {**seen, GRIPPER: seen[GRIPPER] * np.nan} if self.steps == 3 else seen

    observe = toy_world.ReachEnv.observe
    monkeypatch.setattr(toy_world.ReachEnv, "observe", blind)
    config = ActConfig(steering=steering(reach), schedule=When("gripper", above=0.0))
    conditions = (Condition(name="plain"), Condition(name="high", configs=(config,)))
    grid = Grid(env="toy_world:toy/Reach-v0", conditions=conditions)
    plain, high = evaluate(grid, reach, tmp_path, quiet=True)
    assert plain["error"] is None
    assert high["success"] is None
    assert "measures gripper, but it is nan at step 3" in high["error"]
