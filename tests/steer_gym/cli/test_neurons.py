"""The commands on neurons, each as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym.cli import main
from steer_gym.cli.neurons import COMMANDS

pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("transformers", reason="needs the extra 'torch'")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table of the shipped Pocket."""
    path = tmp_path_factory.mktemp("neurons") / "pocket.safetensors"
    assert main(["neurons", "project", "pocket", "--k", "10", "--quiet", "--out", str(path)]) == 0
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(capsys: Capture, command: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["neurons", command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: steer-gym neurons {command}")


def test_a_table_is_made_once(capsys: Capture, table: Path) -> None:
    again = ["neurons", "project", "--policy", "pocket", "--quiet", "--out", str(table), "--k"]
    assert main([*again, "10"]) == 0
    assert "is there already, of the same weights and recipe" in capsys.readouterr().out
    other = table.with_name("other.safetensors")
    other.write_bytes(table.read_bytes())
    assert main(["neurons", "project", "pocket", "--quiet", "--out", str(other), "--k", "5"]) == 0
    assert "6 x 1,024 neurons of pocket" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["project"], "Name one MODEL, or a policy by --policy"),
        (["project", "pocket", "--policy", "pocket"], "Name one MODEL, or a policy by --policy"),
        (["project", "nowhere"], "There is no 'nowhere' on this machine. Give a checkpoint's"),
        (["project", "--policy", "scripted"], "scripted does not show its weights"),
        (["project", "pocket", "--k", "99999"], "pocket has 3,328 tokens; k must not be 99999"),
        (["project", "pocket", "--option", "adapter=x"], "unexpected keyword argument 'adapter'"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["neurons", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.rglob("*.safetensors"))
