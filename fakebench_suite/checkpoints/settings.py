"""The generation settings that a checkpoint ships: its special tokens count, all else does not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakebench_suite.checkpoints.files import read_json

TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
"""The settings that count, by their names in transformers."""
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
"""Values that change nothing of plain greedy decoding: transformers' defaults."""
_TEXT_CONFIGS = ("decoder", "generator", "text_config")
"""Where ``config.json`` of a model of several parts describes its language model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSettings:
    """What a checkpoint says about generation."""

    ends: tuple[int, ...]
    """Tokens that end a reply."""
    bos: int | None
    pad: int | None
    decoder_start: int | None
    ignored: tuple[str, ...]
    """Names of the settings that would change how replies are written, and that do not count."""


def load_shipped(
    folder: Path, *, fields: Collection[str], configured: Mapping[str, Any]
) -> ShippedSettings:
    """Read ``generation_config.json``, or without one the old fields of ``config.json``.

    ``fields`` are the names of all settings, and ``configured`` the special tokens by name that
    the model's config gives, which count where there is no ``generation_config.json``. Raises
    CardError where a file is not JSON.
    """
    settings = read_json(folder / "generation_config.json")
    tokens = settings
    if not settings:
        config = read_json(folder / "config.json")
        parts = [config[name] for name in _TEXT_CONFIGS if isinstance(config.get(name), dict)]
        both = {**(parts[0] if parts else {}), **_drop_none(config)}
        settings = {name: value for name, value in both.items() if name in fields}
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
    """Token ids, one or several; what cannot be one is left out."""
    values = value if isinstance(value, list) else [value]
    return tuple(one for one in values if type(one) is int and one >= 0)
