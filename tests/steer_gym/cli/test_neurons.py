"""The commands on neurons, each as a user types it."""

from __future__ import annotations

from dataclasses import replace
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


def said(capture: Capture, *arguments: object) -> str:
    assert main(["neurons", *map(str, arguments)]) == 0
    return capture.readouterr().out


def test_a_concept_goes_from_words_to_a_file_to_a_dictionary_and_back(
    capsys: Capture, table: Path, tmp_path: Path
) -> None:
    from steer_gym.neurons.concept import Concept
    from steer_gym.policies.pocket.policy import PocketPolicy

    file = tmp_path / "fast.json"
    text = said(capsys, "find", table, "--theme", "fast", "--count", 3, "--out", file)
    assert "fast: 3 neurons of pocket; purity" in text
    concept = Concept.load(file, PocketPolicy().spec.neurons)
    dictionary = tmp_path / "all.yaml"
    said(capsys, "concept", file, "--out", dictionary)
    said(capsys, "concept", dictionary, "--table", table, "--out", tmp_path / "again")
    again = Concept.load(tmp_path / "again" / "fast.json")
    assert again.neurons == concept.neurons
    assert said(capsys, "concept", "--diff", file, file) == "no difference\n"
    fewer = ",".join(map(str, concept.neurons.flat_ids[:2]))
    arguments = ["--ids", fewer, "--theme", "fast", "--table", table, "--out", tmp_path / "fewer"]
    said(capsys, "concept", *arguments)
    change = said(capsys, "concept", "--diff", file, tmp_path / "fewer" / "fast.json")
    assert change.count("\n- ") == 1
    assert f"- {concept.neurons.flat_ids[2]} (layer" in change


def test_a_concept_is_scored_anew_by_a_table(capsys: Capture, table: Path, tmp_path: Path) -> None:
    from steer_gym.neurons.concept import Concept

    file = tmp_path / "fast.json"
    said(capsys, "find", table, "--theme", "fast", "--count", 3, "--out", file)
    found = Concept.load(file)
    marked = replace(found, scores={}, tokens={}, note="mine")
    marked.save(file)
    assert "purity" not in said(capsys, "concept", file)
    assert "purity" in said(capsys, "concept", file, "--table", table, "--out", tmp_path)
    assert Concept.load(file) == replace(found, note="mine")


def test_steerings_are_written_that_eval_takes(
    capsys: Capture, table: Path, tmp_path: Path
) -> None:
    from steer_gym import Steering

    said(capsys, "concept", "--ids", "5,6", "--name", "x", "--table", table, "--alpha", "4",
         "--out", tmp_path)  # fmt: skip
    assert Steering.load(tmp_path / "x.json").edits[0].alpha == 4.0


def test_neurons_near_a_seed_and_clusters_are_found(
    capsys: Capture, table: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn", reason="needs the extra 'bench'")
    near = said(capsys, "find", table, "--seeds", "17", "--near", "pocket", "--count", 4)
    assert "  1.00  " in near.splitlines()[1]
    assert near.splitlines()[1].split()[0] == "17"
    out = tmp_path / "clusters.yaml"
    text = said(capsys, "cluster", table, "pocket", "--count", 40, "--show", 2, "--out", out)
    assert text.startswith("40 clusters; 0% of 6,144 neurons are in none")
    assert out.is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["find", "TABLE"], "Say what to find: --theme, --words, or --seeds"),
        (["find", "TABLE", "--theme", "fasst"], "Unknown theme 'fasst'. Did you mean 'fast'?"),
        (["find", "TABLE", "--theme", "fast", "--words", "x"], "Give --theme or --words"),
        (["find", "TABLE", "--seeds", "1"], "--seeds needs --near MODEL"),
        (["find", "TABLE", "--seeds", "9999", "--near", "pocket"], "are out of range"),
        (["find", "nowhere", "--theme", "fast"], "There is no nowhere. Make a table with"),
        (["concept"], "Name a concept file, a dictionary, or --ids"),
        (["concept", "--ids", "3"], "do not say of which model; give --table"),
        (
            [
                "concept",
                "--ids",
                "3",
                "--table",
                "TABLE",
                "--alpha",
                "2",
                "--unit",
                "spread",
                "--out",
                "x",
            ],
            "--unit spread needs a --table with activations",
        ),
        (["concept", "x.json", "--alpha", "2"], "go into a folder: give --out FOLDER"),
        (["concept", "x.json", "--alpha", "2", "--out", "x.yaml"], "give --out FOLDER"),
        (["concept", "x.json", "--unit", "spread"], "--unit spread is of --alpha; give it"),
        (["concept", "x.json", "--theme", "fast", "--name", "y"], "--theme and --name say what"),
        (["concept", "x.json"], "Cannot read the concept x.json"),
        (["concept", "--ids", "99999", "--table", "TABLE"], "are out of range"),
    ],
)
def test_a_mistake_about_concepts_is_one_line(
    capsys: Capture, table: Path, arguments: list[str], message: str
) -> None:
    given = [str(table) if word == "TABLE" else word for word in arguments]
    assert main(["neurons", *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of four made-up observations for Pocket."""
    from steer_gym import make_policy
    from steer_gym.neurons.recordings import save_observations

    spec = make_policy("pocket").spec
    path = tmp_path_factory.mktemp("observations") / "noise.npz"
    save_observations(path, [spec.example_observation(seed) for seed in range(4)])
    return path


@pytest.mark.usefixtures("reach")
def test_observations_of_rollouts_are_kept(capsys: Capture, tmp_path: Path) -> None:
    from steer_gym.neurons.recordings import load_observations
    from steer_gym.observation import TCP_POSE

    arguments = ["record", "--policy", "reach", "--env", "toy_world:toy/Reach-v0", "--out"]
    more = ["--tasks", "0-1", "--init-states", "0,2", "--every", "4"]
    text = said(capsys, *arguments, tmp_path / "o.npz", *more)
    batch = load_observations(tmp_path / "o.npz")
    assert f"{len(batch[TCP_POSE])} observations of reach" in text
    starts = (batch[TCP_POSE][:, :3] == (0.0, 0.0, 0.3)).all(axis=1)
    assert starts.sum() == 4
    assert len(starts) > 8


def test_activations_are_put_into_the_table(
    capsys: Capture, table: Path, observations: Path, tmp_path: Path
) -> None:
    from steer_gym.neurons.table import NeuronTable

    copy = tmp_path / "t.safetensors"
    copy.write_bytes(table.read_bytes())
    text = said(capsys, "activations", copy, "--policy", "pocket", "--quiet", "--batch", 3,
                "--observations", observations)  # fmt: skip
    assert len(text.splitlines()) == 8
    found = NeuronTable.load(copy).activations
    assert found is not None
    assert found.source == "4 observations of noise.npz"
    from steer_gym import Steering

    said(capsys, "concept", "--ids", "5", "--name", "x", "--table", copy, "--alpha", "2",
         "--unit", "spread", "--out", tmp_path)  # fmt: skip
    steering = Steering.load(tmp_path / "x.json")
    assert steering.edits[0].alpha == pytest.approx(2 * found.spread[5])
    assert (found.spread > 0).any()


def test_a_concept_is_screened_beside_random_neurons_that_search_as_hard(
    capsys: Capture, table: Path, observations: Path, tmp_path: Path
) -> None:
    from steer_gym.neurons.concept import Concept

    out = tmp_path / "fast.json"
    text = said(capsys, "screen", table, "--policy", "pocket", "--observations", observations,
                "--theme", "fast", "--candidates", 2, "--controls", 1, "--quiet", "--out", out,
                "--count", 2, "--sizes", 1, "--alphas", "4,8.5")  # fmt: skip
    assert "Controls, random neurons through the same search: " in text
    assert "of 1" in text
    concept = Concept.load(out)
    assert concept.found_by["method"] == "screen"
    assert len(concept.found_by["controls"]) == 1
    assert len(concept.found_by["harmless_controls"]) == 1
    assert isinstance(concept.found_by["harmless"], bool)
    assert f"at alpha {concept.found_by['steering']['edits'][0]['alpha']:g}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to screen: --theme or --words"),
        (["--words", "milk"], "Say by --measure what 'milk' means"),
        (["--theme", "fast", "--count", "1"], "Screening needs two observations or more"),
        (["--theme", "fast", "--alphas", "4,x"], "'x' is no number above 0"),
        (["--words", "zzz", "--measure", "more-rise"], "No neuron says zzz"),
        (["--words", "milk", "--measure", "rise"], "invalid choice: 'rise'"),
    ],
)
def test_a_mistake_about_screening_is_one_line(
    capsys: Capture, table: Path, observations: Path, arguments: list[str], message: str
) -> None:
    given = ["screen", str(table), "--policy", "pocket", "--observations", str(observations)]
    assert main(["neurons", *given, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_table_of_another_model_is_refused(
    capsys: Capture, table: Path, observations: Path, tmp_path: Path
) -> None:
    from steer_gym import NeuronSpace
    from steer_gym.neurons.table import NeuronTable

    foreign = tmp_path / "foreign.safetensors"
    space = NeuronSpace(layers=6, width=1024, fingerprint="another")
    replace(NeuronTable.load(table), space=space).save(foreign)
    for arguments in (
        ["activations", foreign, "--policy", "pocket", "--observations", observations],
        ["find", foreign, "--theme", "fast", "--near", "pocket"],
        ["cluster", foreign, "pocket"],
    ):
        assert main(["neurons", *map(str, arguments)]) == 2
        assert "was made of other weights" in capsys.readouterr().err
