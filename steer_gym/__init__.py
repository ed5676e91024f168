"""Steer vision-language-action policies through their neurons, in LIBERO and on a UR5."""

from steer_gym.acting import ActConfig
from steer_gym.checking import check_policy
from steer_gym.convention import ActionConvention
from steer_gym.edit import Edit
from steer_gym.environments import register_environments
from steer_gym.errors import SteerGymError
from steer_gym.neuron_set import NeuronSet, NeuronSpace, load_dictionary, matched_random
from steer_gym.policy import Plan, Policy, PolicySpec
from steer_gym.registry import make_policy, register_policy
from steer_gym.scheduled import Scheduled
from steer_gym.schedules import Pid, Ramp, When, Window
from steer_gym.steering import Steering, paper_steering
from steer_gym.version import __version__

__all__ = [
    "ActConfig",
    "ActionConvention",
    "Edit",
    "NeuronSet",
    "NeuronSpace",
    "Pid",
    "Plan",
    "Policy",
    "PolicySpec",
    "Ramp",
    "Scheduled",
    "SteerGymError",
    "Steering",
    "When",
    "Window",
    "__version__",
    "check_policy",
    "load_dictionary",
    "make_policy",
    "matched_random",
    "paper_steering",
    "register_policy",
]

register_environments()
