"""``steer-gym pocket``: make a Pocket from nothing, step by step."""

from __future__ import annotations

import argparse
from pathlib import Path

from steer_gym.cli.parser import count, numbers, positive, whole
from steer_gym.environments import task_languages

COLLECT = "runs/pocket/demonstrations"
VOCABULARY = "runs/pocket/vocabulary"
CHECKPOINT = "runs/pocket/checkpoint"
EVALUATION = "runs/pocket/evaluation"
ENV = "steer_gym/LiberoObject-v0"
TASKS = "2,3,5,9"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands to ``steer-gym pocket``."""
    commands = parser.add_subparsers(dest="step", required=True)
    _configure_vocabulary(commands.add_parser("vocabulary", help="corpus, tokenizer, embedding"))
    _configure_collect(commands.add_parser("collect", help="demonstrations in LIBERO"))
    _configure_train(commands.add_parser("train", help="train on them"))
    _configure_concepts(commands.add_parser("concepts", help="find the neurons to steer"))
    _configure_evaluate(commands.add_parser("evaluate", help="success from unseen initial states"))


def _configure_vocabulary(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path(VOCABULARY))
    parser.add_argument("--env", default=ENV, help="all its tasks' words are kept")
    parser.add_argument("--size", type=count, default=3072, help="tokens, action bins not counted")
    parser.add_argument("--tokens", type=count, default=150_000, help="length of the corpus")
    parser.set_defaults(run=_vocabulary)


def _configure_collect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path(COLLECT))
    parser.add_argument(
        "--tasks", type=numbers, default=TASKS, help="of libero_object, such as 0,3 or 0-9"
    )
    parser.add_argument("--episodes", type=count, default=600)
    parser.add_argument("--minutes", type=positive, default=60.0)
    parser.add_argument("--workers", type=count, default=2)
    parser.add_argument("--seed", type=whole, default=0)
    parser.set_defaults(run=_collect)


def _configure_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--demonstrations", type=Path, default=Path(COLLECT))
    parser.add_argument("--vocabulary", type=Path, default=Path(VOCABULARY))
    parser.add_argument("--out", type=Path, default=Path(CHECKPOINT))
    parser.add_argument("--minutes", type=positive, default=90.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--batch", type=count, default=128)
    parser.add_argument("--learning-rate", type=positive, default=1e-3)
    parser.add_argument("--workers", type=count, default=2)
    parser.add_argument("--seed", type=whole, default=0)
    parser.set_defaults(run=_train)


def _configure_concepts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, default=Path(CHECKPOINT))
    parser.add_argument("--demonstrations", type=Path, default=Path(COLLECT))
    parser.add_argument("--seed", type=whole, default=0)
    parser.set_defaults(run=_concepts)


def _configure_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checkpoint", type=Path, help="by default the shipped weights")
    parser.add_argument("--out", type=Path, default=Path(EVALUATION))
    parser.add_argument("--env", default=ENV)
    parser.add_argument("--tasks", type=numbers, default=TASKS)
    parser.add_argument(
        "--init-states", type=numbers, default="0-9", help="stored ones; training sees none"
    )
    parser.add_argument("--rendering", choices=("fast", "reference"), default="fast")
    parser.add_argument("--envs", type=count, default=2)
    parser.set_defaults(run=_evaluate)


def _vocabulary(args: argparse.Namespace) -> int:
    from .vocabulary import make_vocabulary

    make_vocabulary(args.out, task_languages(args.env), size=args.size, tokens=args.tokens)
    return 0


def _collect(args: argparse.Namespace) -> int:
    from .demonstrations import CollectConfig, collect

    config = CollectConfig(
        out=args.out,
        tasks=args.tasks,
        episodes=args.episodes,
        minutes=args.minutes,
        workers=args.workers,
        seed=args.seed,
    )
    print(f"{collect(config)} episodes in {args.out}")
    return 0


def _train(args: argparse.Namespace) -> int:
    from .training import TrainConfig, Trainer

    options = {k: v for k, v in vars(args).items() if k in TrainConfig.__dataclass_fields__}
    Trainer(TrainConfig(**options)).train()
    return 0


def _concepts(args: argparse.Namespace) -> int:
    from .concepts import ConceptConfig, find_concepts

    config = ConceptConfig(
        checkpoint=args.checkpoint, demonstrations=args.demonstrations, seed=args.seed
    )
    find_concepts(config)
    print(f"wrote the concepts of {args.checkpoint}")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from .evaluating import EvaluateConfig, evaluate_checkpoint

    config = EvaluateConfig(
        checkpoint=args.checkpoint,
        out=args.out,
        env=args.env,
        tasks=args.tasks,
        init_states=args.init_states,
        rendering=args.rendering,
        envs=args.envs,
    )
    print(evaluate_checkpoint(config))
    return 0
