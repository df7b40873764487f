"""Tensors that are lacking, left over or of another shape: which of them matter."""

from typing import Any

import pytest

from fakebench_suite.checkpoints.weight_check import check_tensors
from fakebench_suite.errors import CardError


def report(
    missing: set[str] | None = None,
    unexpected: set[str] | None = None,
    shapes: set[tuple[str, tuple[int, ...], tuple[int, ...]]] | None = None,
) -> dict[str, Any]:
    """What transformers says of a loaded checkpoint."""
    return {
        "missing_keys": missing or set(),
        "unexpected_keys": unexpected or set(),
        "mismatched_keys": shapes or set(),
        "error_msgs": [],
    }


FATAL = {
    "missing": (report({f"a.{n}.weight" for n in range(9)}), r"lacks 9 .*a.0.weight.* and 6 more"),
    "renamed": (report({"a.w"}, {"b.w"}), r"lacks 1 tensor that.*\(a.w\) and holds 1 .*\(b.w\)"),
    "shape": (report(shapes={("a", (2, 3), (3, 2))}), r"a: \[2, 3\] instead of \[3, 2\]"),
    "lora": (report(unexpected={"m.q.lora_A.default.weight"}), "lora_A"),
    "lora in a head": (report(unexpected={"vision.base_layer.weight"}), "base_layer"),
    "bias": (report(unexpected={"model.layers.0.q_proj.bias"}), "q_proj.bias"),
    "scales": (report(unexpected={"model.layers.0.q_proj.weight_scale_inv"}), "weight_scale_inv"),
    "more layers": (report(unexpected={"model.layers.24.mlp.up_proj.weight"}), "layers.24"),
    "a tower": (report(unexpected={"visual.blocks.0.attn.qkv.weight"}), "visual.blocks"),
    "statistics": (report({"bn.running_mean"}), "running_mean"),
    "renamed head": (report({"lm_head.weight"}, {"mtp.head.weight"}), "lm_head.*mtp.head"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_matters_is_fatal_and_named(name: str) -> None:
    """One sentence and an advice, with the place and the first few names."""
    loading, message = FATAL[name]
    with pytest.raises(CardError, match=message) as exc_info:
        check_tensors(loading, source="of 'x' at /w", advice="")
    assert "of 'x' at /w" in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


@pytest.mark.parametrize(
    "tensor",
    [
        "mtp.layers.0.mlp.up_proj.weight",
        "model.mtp.fc.weight",
        "vision_tower.vision_model.head.mlp.fc1.weight",
        "vision_model.pooler.dense.weight",
        "logit_scale",
        "visual.classifier.bias",
        "talker.model.norm.weight",
        "audio_tower.conv1.weight",
    ],
)
def test_heads_that_write_no_answer_may_be_left_over(tensor: str) -> None:
    """They are told, so that the manifest can say so."""
    assert check_tensors(report(unexpected={tensor}), source="", advice="See unused_tensors.") == [
        tensor
    ]


def test_computed_tensors_may_be_absent_or_left_over() -> None:
    """Rotary frequencies, position ids and counters of batches are no weights."""
    names = {"l.rotary_emb.inv_freq", "embeddings.position_ids", "bn.num_batches_tracked"}
    assert check_tensors(report(names), source="", advice="See unused_tensors.") == []
    assert check_tensors(report(unexpected=names), source="", advice="See unused_tensors.") == []


def test_a_card_may_name_what_is_unused() -> None:
    """By the beginnings of names; what they do not begin stays fatal."""
    loading = report(unexpected={"extra.weight", "other.bias"})
    prefixes = ["extra.", "other."]
    assert check_tensors(loading, source="", advice="See unused_tensors.", unused=prefixes) == [
        "extra.weight",
        "other.bias",
    ]
    with pytest.raises(CardError, match=r"other.bias.*unused_tensors"):
        check_tensors(loading, source="", advice="See unused_tensors.", unused=["extra."])
