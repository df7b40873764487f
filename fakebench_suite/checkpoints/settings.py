"""Generation settings that a checkpoint ships: special tokens are used, all others ignored."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakebench_suite.checkpoints.file_check import read_json

TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
"""Names in transformers of the settings that are used."""
_NOT_REPORTED = {*TOKENS, "transformers_version", "use_cache", "return_dict_in_generate"}
_GREEDY_DEFAULTS: Mapping[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_beam_groups": 1,
    "num_return_sequences": 1,
    "early_stopping": False,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "length_penalty": 1.0,
    "diversity_penalty": 0.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "max_length": 20,
    "remove_invalid_values": False,
    "renormalize_logits": False,
    "output_attentions": False,
    "output_hidden_states": False,
    "output_scores": False,
    "output_logits": False,
    "is_assistant": False,
    "num_assistant_tokens": 20,
    "num_assistant_tokens_schedule": "constant",
    "assistant_confidence_threshold": 0.4,
    "assistant_lookbehind": 10,
    "target_lookbehind": 10,
}
"""Values that do not change plain greedy decoding: the defaults of transformers."""
_TEXT_CONFIGS = ("decoder", "generator", "text_config")
"""Keys of ``config.json`` under which composite models describe their language model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSettings:
    """The generation settings of a checkpoint."""

    ends: tuple[int, ...]
    """Ids of the tokens that end a reply."""
    bos: int | None
    pad: int | None
    decoder_start: int | None
    ignored: tuple[str, ...]
    """Names of settings that would change replies, and that the suite ignores."""


def load_shipped(
    folder: Path, *, fields: Collection[str], configured: Mapping[str, Any]
) -> ShippedSettings:
    """Load ``generation_config.json`` or, if it is absent, the legacy fields of ``config.json``.

    ``fields`` are the names of all generation settings. ``configured`` holds the special tokens of
    the model's config by name; they are used when there is no ``generation_config.json``. Raises
    CardError if a file is not JSON.
    """
    settings = read_json(folder / "generation_config.json")
    tokens = settings
    if not settings:
        config = read_json(folder / "config.json")
        parts = [config[name] for name in _TEXT_CONFIGS if isinstance(config.get(name), dict)]
        merged = {**(parts[0] if parts else {}), **_drop_none(config)}
        settings = {name: value for name, value in merged.items() if name in fields}
        tokens = configured
    ignored = sorted(
        name
        for name, value in settings.items()
        if name not in _NOT_REPORTED
        and not name.startswith("_")
        and value is not None
        and value != _GREEDY_DEFAULTS.get(name)
    )
    ids = {name: _list_ids(tokens.get(name)) for name in TOKENS}
    return ShippedSettings(
        ends=ids["eos_token_id"],
        bos=next(iter(ids["bos_token_id"]), None),
        pad=next(iter(ids["pad_token_id"]), None),
        decoder_start=next(iter(ids["decoder_start_token_id"]), None),
        ignored=tuple(ignored),
    )


def _drop_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _list_ids(value: Any) -> tuple[int, ...]:
    """Return the token ids in a value that is one id or a list; other values are skipped."""
    values = value if isinstance(value, list) else [value]
    return tuple(token_id for token_id in values if type(token_id) is int and token_id >= 0)
