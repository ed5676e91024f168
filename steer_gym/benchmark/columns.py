"""What a row holds: one row an episode, in ``episodes.jsonl`` as it ends, and in Parquet."""

from __future__ import annotations

IDENTITY = {
    "key": "names the cell within its grid, and the files of its steps and film",
    "digest": "names all that the result depends on, but versions",
    "policy_label": "which policy of the benchmark",
    "suite": "which suite of the benchmark",
    "condition": "name of the condition",
    "kind": "baseline | steered | random | zero | sham | prompt",
    "concept": "what the neurons are said to mean; null where nothing is steered",
    "size": "neurons of the cluster, as the condition says; null: the policy's own set",
    "depth": "early | late | full, as the condition says; null: all layers",
    "alpha": "strength, as the policy was given it; null where nothing is steered",
    "control_of": "name of the condition that this one controls; else null",
    "draw": "of random: number of the draw; else null",
    "baseline": "name of the condition to compare with",
    "env": "Gymnasium id",
    "task": "of gym.make; null: not given",
    "init_state": "of env.reset; null: not given",
    "seed": "of env.reset",
    "instruction": "what the policy was told",
}
"""Who and where. (policy_label, suite, task, init_state) is the unit of pairing."""

OUTCOME = {
    "success": "true | false; null when the episode crashed",
    "error": "traceback of a crash; null: the episode ended by itself",
    "attempt": "1 for the first try; crashes are tried again",
    "steps": "control steps",
}

COMMANDED = {
    "commanded_displacement": "mean norm of action[:3], in the action's unit: the paper's measure",
    "commanded_x": "mean of action[0], signed",
    "commanded_y": "mean of action[1], signed: the paper's measure of up",
    "commanded_z": "mean of action[2], signed: what is up in truth",
    "commanded_acceleration": "mean norm of the change of action[:3] a second",
    "commanded_jerk": "mean norm of its second change a second squared",
    "saturated_rate": "share of steps with a component of action[:3] of 0.99 or more",
}
"""Null where the actions are no translations of the hand (joint targets)."""

MEASURED = {
    "displacement_m": "mean way of the tool in a step [m]",
    "moved_x_m": "mean way along x in a step, signed [m]",
    "moved_y_m": "mean way along y in a step, signed [m]",
    "moved_z_m": "mean way upwards in a step, signed [m]",
    "speed_m_s": "mean speed of the tool [m/s]",
    "greatest_speed_m_s": "95 % quantile of its speed [m/s]",
    "acceleration_m_s2": "mean norm of its acceleration [m/s2]",
    "jerk_m_s3": "mean norm of its jerk [m/s3]",
    "path_m": "way of the tool [m]",
    "least_height_m": "of the tool [m]",
    "mean_height_m": "of the tool [m]",
    "height_95_m": "95 % quantile of the tool's height [m]",
    "greatest_height_m": "of the tool [m]",
    "carried_height_m": "greatest height over the steps that command the gripper closed [m]",
    "carried_mean_height_m": "mean height over those steps [m]",
    "stalls": "times that the tool stood still for half a second or more",
    "stalled_rate": "share of steps (of the time where it is told) within such stalls",
    "gripper_events": "changes of the gripper's command between open and closed",
    "mean_force_n": "mean norm of the force at the tool [N]; null where the env tells none",
    "greatest_force_n": "the greatest [N]",
}
"""What the arm did, from poses that were measured."""

TOKENS = {
    "invalid_token_rate": "share of generated tokens that are no actions",
    "latency_s": "mean wall time of a plan, for a whole batch [s]",
    "wall_s": "wall time of the episode, in company of others [s]",
}

STEERING = {
    "steering_size": "mean size of what steering adds to the residual stream, relative to it: "
    "policy.SteeringSize; null where not measured or nothing steered",
    "greatest_steering_size": "the greatest over positions, layers and plans",
}

RECORD = {
    "ended": "when, UTC",
    "policy": "name, options, fingerprint of the weights",
    "config": "ActConfig, as JSON",
    "convention": "ActionConvention, as JSON: what the actions mean, at which rate",
    "env_options": "of gym.make",
    "provenance": "versions, commit, platform, renderer",
}

COLUMNS = IDENTITY | OUTCOME | COMMANDED | MEASURED | TOKENS | STEERING | RECORD
"""Every column of a row, in its order."""

MEASURES = (
    "steps",
    *COMMANDED,
    *MEASURED,
    "invalid_token_rate",
    *STEERING,
    "latency_s",
)
"""Numbers of an episode that can be averaged and compared."""

EQUAL = (*COMMANDED, *MEASURED, "invalid_token_rate")
"""Measures of ``pairs.parquet``, which holds one row for each condition and place with a baseline:
``IDENTITY``, ``baseline_key``, ``equal_steps`` (the first steps, as many as both episodes have),
and over these steps alone ``<measure>`` and ``baseline_<measure>``."""
