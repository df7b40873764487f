"""Check that loading set every weight of a model to its value in the checkpoint."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fakebench_suite.checkpoints.file_check import join_names
from fakebench_suite.errors import CardError

_COMPUTED_TENSORS = re.compile(
    r"(?:^|\.)(?:(?:original_)?inv_freq|position_ids|token_type_ids|num_batches_tracked|"
    r"masked_bias|relative_position_index|relative_coords_table|_extra_state)$"
)
"""Tensors that the architecture computes or that do not affect answers; none is learned."""
_UNUSED_TENSORS = re.compile(
    # heads for speculative decoding
    r"(?:^|\.)(?:mtp\w*|nextn\w*|multi_token\w*|medusa\w*|eagle\w*)(?:\.|$)"
    # heads of contrastive training and classification
    r"|(?:^|\.)(?:logit_scale|logit_bias|text_projection|visual_projection|pooler|attn_pool\w*)"
    r"(?:\.|$)|vis\w*\.(?:[\w.]+\.)?(?:head|classifier)\."
    # speech, which images do not need
    r"|^(?:model\.)?(?:talker|token2wav|code2wav|audio_\w+|speech_\w+|tts\w*)\."
)
"""Tensors of published checkpoints that generation does not use."""


def check_tensors(
    loading: Mapping[str, Any], *, source: str, unused: Collection[str] = (), advice: str
) -> Sequence[str]:
    """Return the tensors of a checkpoint that the model does not need, sorted.

    ``loading`` is the loading info of ``from_pretrained(output_loading_info=True)``. ``unused`` are
    prefixes of names that may be unused, and ``advice`` is what to do about other unused tensors.
    Raises CardError with the first few names if tensors are missing, have another shape, or are
    unused without being known as such: the model would answer with random weights, or without a
    part of the checkpoint.
    """
    missing = sorted(name for name in loading["missing_keys"] if not _COMPUTED_TENSORS.search(name))
    unexpected = sorted(
        name for name in loading["unexpected_keys"] if not _COMPUTED_TENSORS.search(name)
    )
    unneeded = [
        name
        for name in unexpected
        if name.startswith(tuple(unused)) or (_UNUSED_TENSORS.search(name) and not missing)
    ]
    unknown = [name for name in unexpected if name not in set(unneeded)]
    shapes = sorted(
        f"{name}: {list(stored)} instead of {list(wanted)}"
        for name, stored, wanted in loading["mismatched_keys"]
    )
    problems = []
    if missing:
        problems.append(
            f"lacks {_count(missing)} that its architecture has ({join_names(missing)})"
        )
    if shapes:
        problems.append(f"holds {_count(shapes)} of another shape ({join_names(shapes)})")
    if unknown:
        problems.append(
            f"holds {_count(unknown)} that its architecture does not have ({join_names(unknown)})"
        )
    if problems:
        if missing or shapes:
            advice = "Compare the names with config.json, or save the checkpoint anew."
        raise CardError(f"The checkpoint {source} {' and '.join(problems)}. {advice}")
    return unneeded


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} tensor{'s' if len(names) != 1 else ''}"
