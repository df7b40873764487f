"""Whether loading gave every weight of a model the value that its checkpoint holds."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fakebench_suite.checkpoints.files import join_names
from fakebench_suite.errors import CardError

_COMPUTED_TENSORS = re.compile(
    r"(?:^|\.)(?:(?:original_)?inv_freq|position_ids|token_type_ids|num_batches_tracked|"
    r"masked_bias|relative_position_index|relative_coords_table|_extra_state)$"
)
"""Tensors that the architecture computes or that answers do not depend on; none is learned."""
_UNUSED_TENSORS = re.compile(
    # heads that predict several tokens, for decoding by speculation
    r"(?:^|\.)(?:mtp\w*|nextn\w*|multi_token\w*|medusa\w*|eagle\w*)(?:\.|$)"
    # what contrastive training and classification leave behind
    r"|(?:^|\.)(?:logit_scale|logit_bias|text_projection|visual_projection|pooler|attn_pool\w*)"
    r"(?:\.|$)|vis\w*\.(?:[\w.]+\.)?(?:head|classifier)\."
    # speech, which no picture needs
    r"|^(?:model\.)?(?:talker|token2wav|code2wav|audio_\w+|speech_\w+|tts\w*)\."
)
"""Tensors that published checkpoints hold and that writing an answer does not use."""


def check_tensors(
    loading: Mapping[str, Any], *, place: str, unused: Collection[str] = (), advice: str
) -> Sequence[str]:
    """The tensors of a checkpoint that the model does not use, sorted; none of them matters.

    ``loading`` is what ``from_pretrained`` says with ``output_loading_info``; ``unused`` are
    beginnings of names that may be left over, and ``advice`` says what to do about others. Raises
    CardError, naming the first few, where tensors are lacking, have another shape, or are left
    over and may matter: such a model would answer with weights drawn at random, or without a part
    of it.
    """
    missing = sorted(name for name in loading["missing_keys"] if not _COMPUTED_TENSORS.search(name))
    left = sorted(name for name in loading["unexpected_keys"] if not _COMPUTED_TENSORS.search(name))
    known = [
        name
        for name in left
        if name.startswith(tuple(unused)) or (_UNUSED_TENSORS.search(name) and not missing)
    ]
    strange = [name for name in left if name not in set(known)]
    shapes = sorted(
        f"{name}: {list(stored)} instead of {list(wanted)}"
        for name, stored, wanted in loading["mismatched_keys"]
    )
    faults = []
    if missing:
        faults.append(f"lacks {_count(missing)} that its architecture has ({join_names(missing)})")
    if shapes:
        faults.append(f"holds {_count(shapes)} of another shape ({join_names(shapes)})")
    if strange:
        faults.append(
            f"holds {_count(strange)} that its architecture does not have ({join_names(strange)})"
        )
    if faults:
        if missing or shapes:
            advice = "Compare the names with config.json, or save the checkpoint anew."
        raise CardError(f"The checkpoint {place} {' and '.join(faults)}. {advice}")
    return known


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} tensor{'s' if len(names) != 1 else ''}"
