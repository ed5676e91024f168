"""The config of an action: a value that refuses nonsense."""

from __future__ import annotations

import json

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.acting import config_rows
from steer_gym.errors import ActConfigError

FAST = Steering(NeuronSet.from_flat([3, 1]), 10.0)


@pytest.mark.parametrize(
    "config",
    [
        ActConfig(),
        ActConfig(steering=Steering()),
        ActConfig(steering=FAST, temperature=0.5, seed=3, execute=4, invalid_tokens="hold"),
        ActConfig(steering=FAST, measure_steering=True),
    ],
)
def test_json_round_trip(config: ActConfig) -> None:
    again = ActConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert hash(again) == hash(config)


def test_numpys_numbers_are_pythons() -> None:
    config = ActConfig(temperature=np.float32(0.5), seed=np.int64(3), execute=np.int64(4))  # type: ignore[arg-type]
    assert config == ActConfig(temperature=0.5, seed=3, execute=4)
    assert ActConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_what_came_later_is_not_written_where_it_is_not_used() -> None:
    assert not {"schedule", "measure_steering"} & ActConfig(steering=FAST).to_json().keys()


def test_json_of_something_else_is_refused() -> None:
    with pytest.raises(ActConfigError, match=r"Not an act config: .*'speed'"):
        ActConfig.from_json({"speed": 3})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steering": NeuronSet.from_flat([1])}, "steering must be a Steering or None, but is Neu"),
        ({"temperature": -0.1}, "temperature must be a number, 0 or more, but is -0.1"),
        ({"temperature": float("nan")}, "temperature must be a number, 0 or more, but is nan"),
        ({"temperature": "0"}, "temperature must be a number, 0 or more, but is '0'"),
        ({"temperature": True}, "temperature must be a number, 0 or more, but is True"),
        ({"seed": -1}, "seed must be an integer, 0 or more, but is -1"),
        ({"seed": 0.5}, "seed must be an integer, 0 or more, but is 0.5"),
        ({"execute": 0}, "execute must be an integer, 1 or more, but is 0"),
        ({"measure_steering": 1}, "measure_steering must be true or false, but is 1"),
        ({"execute": 2.0}, "execute must be an integer, 1 or more, but is 2.0"),
    ],
)
def test_refuses_nonsense(options: dict, message: str) -> None:
    with pytest.raises(ActConfigError, match=message):
        ActConfig(**options)


def test_numpy_numbers_are_numbers() -> None:
    ActConfig(temperature=np.float32(0.5), seed=np.int64(3), execute=np.uint8(2))


def test_one_config_serves_every_row() -> None:
    assert config_rows(None, 2) == (ActConfig(), ActConfig())
    one = ActConfig(steering=FAST)
    assert config_rows(one, 2) == (one, one)
    assert config_rows([None, one], 2) == (ActConfig(), one)


def test_as_many_configs_as_rows() -> None:
    with pytest.raises(ActConfigError, match="3 configs for 2 rows; give one, or one per row"):
        config_rows([None] * 3, 2)
    with pytest.raises(ActConfigError, match=r"Write ActConfig\(steering=...\) to steer"):
        config_rows(FAST, 1)
    with pytest.raises(ActConfigError, match="must be an ActConfig or None, not Steering"):
        config_rows([FAST], 1)
