from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def test_generating_step_by_step_sees_what_training_sees(pocket: Any) -> None:
    """Logits with the cache equal those of one pass over prefill and answer together."""
    model = pocket.model
    inputs = pocket.inputs(_batch(pocket))
    seen: list[Any] = []

    def choose(logits: Any) -> Any:
        seen.append(logits)
        return logits.argmax(-1)

    with torch.inference_mode():
        observation = model.embed_observation(inputs.base, inputs.wrist, inputs.state)
        tokens = model.generate(observation, inputs.prompt, choose)
        prefill = model.embed_prefill(observation, inputs.prompt)
        mask = torch.cat([model.prefill_mask(inputs.prompt), torch.ones_like(tokens).bool()], 1)
        hidden = model.llama.model(
            inputs_embeds=torch.cat([prefill, model.embed_words(tokens)], dim=1),
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        at_once = model.llama.lm_head(hidden[:, prefill.shape[1] - 1 : -1])
    assert torch.allclose(torch.stack(seen, dim=1), at_once, atol=1e-5)


def test_every_position_of_the_prefill_has_a_kind(pocket: Any) -> None:
    inputs = pocket.inputs(_batch(pocket))
    kinds = pocket.model.prefill_kinds(inputs.prompt.numpy())
    assert kinds.shape == pocket.model.prefill_mask(inputs.prompt).shape


def _batch(pocket: Any) -> dict[str, Any]:
    from steer_gym.observation import batch_observations

    return batch_observations([pocket.spec.example_observation(seed) for seed in (0, 1)])


def test_a_state_does_not_jump_where_the_rotation_vector_does() -> None:
    from steer_gym.policies.pocket.transforms import state_vector

    pose = np.array([[0.1, 0.0, 0.2, 3.14, 0.02, 0.01], [0.1, 0.0, 0.2, -3.14, -0.02, -0.01]])
    one, other = state_vector(pose, np.zeros((2, 2)))
    assert np.allclose(one, other)
