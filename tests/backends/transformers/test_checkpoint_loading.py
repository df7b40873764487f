"""The transformers backend over checkpoints that are not whole, or ship settings of their own."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig

from fakebench_suite.backends.cards import Card, PromptFormat
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.errors import CardError
from tests.backends.asking import ask as ask_backend
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    PROMPTS,
    load,
    read_answers,
    shrink_card,
)

WEIGHTS = "model.safetensors"
Tensors = dict[str, torch.Tensor]
Change = Callable[[Tensors], Tensors]


@pytest.fixture(scope="module")
def original(find_checkpoint: Callable[[str], Path]) -> Path:
    """A tiny LLaVA."""
    return find_checkpoint("llava-1.5")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    return Path(shutil.copytree(original, tmp_path / "copy"))


@pytest.fixture
def card(folder: Path) -> Card:
    """A card over the copy."""
    return shrink_card("llava-1.5", folder)


@pytest.fixture(scope="module")
def expected(original: Path) -> list[str]:
    """What the original answers, greedily."""
    return ask(load(shrink_card("llava-1.5", original)))


def ask(adapter: TransformersBackend) -> list[str]:
    """The texts of its answers to all prompts."""
    return [answer.text for answer in read_answers(ask_backend(adapter, PROMPTS, PICTURES))]


def describe_generation(adapter: TransformersBackend) -> dict[str, Any]:
    """The decoding settings in force, as the manifest has them."""
    generation = adapter.describe().generation
    assert generation is not None
    return generation


def change_weights(folder: Path, change: Change) -> None:
    """Write the weights anew."""
    path = folder / WEIGHTS
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def change_json(path: Path, **fields: Any) -> None:
    """Set fields of a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(content | fields), encoding="utf-8")


def rename(old: str, new: str) -> Change:
    """Names with another part."""
    return lambda tensors: {name.replace(old, new): tensor for name, tensor in tensors.items()}


def drop(fragment: str) -> Change:
    """Tensors without those of a part."""
    return lambda tensors: {
        name: tensor for name, tensor in tensors.items() if fragment not in name
    }


def add(*names: str) -> Change:
    """Tensors and a few more."""
    return lambda tensors: tensors | {name: torch.ones(2, 2) for name in names}


BROKEN: dict[str, tuple[Change, str]] = {
    "tower renamed": (rename("vision_tower.", "visual."), r"lacks \d+ tensors .* holds \d+ te"),
    "language renamed": (rename("language_model.", "decoder."), "lacks"),
    "prefixed": (lambda all_: {f"module.{name}": tensor for name, tensor in all_.items()}, "lacks"),
    "projector absent": (drop("multi_modal_projector"), r"lacks 4 tensors.*projector.*1 more"),
    "one absent": (drop("layers.1.mlp.up_proj"), "lacks 1 tensor "),
    "head absent": (drop("lm_head"), r"lacks 1 tensor .*lm_head"),
    "all absent": (add("nothing"), "nothing"),
    "adapter left": (add("language_model.layers.0.self_attn.q_proj.lora_A.weight"), "lora_A"),
    "layer left": (add("language_model.model.layers.7.mlp.up_proj.weight"), r"layers\.7"),
    "shape": (
        lambda all_: {
            name: tensor.T.contiguous() if name.endswith("up_proj.weight") else tensor
            for name, tensor in all_.items()
        },
        r"up_proj\.weight: \[32, 64\] instead of \[64, 32\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_model_without_all_its_weights_is_not_asked(name: str, card: Card, folder: Path) -> None:
    """Lacking, renamed, left over and misshapen tensors are one sentence that names some."""
    change, message = BROKEN[name]
    change_weights(folder, change)
    with pytest.raises(CardError, match=message) as exc_info:
        load(card)
    assert "'llava-1.5'" in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


def test_tied_weights_and_computed_tensors_are_no_gap(
    card: Card, folder: Path, expected: list[str]
) -> None:
    """A head tied to the embeddings, and buffers of older versions, are lacking rightly."""
    change_weights(folder, add("vision_tower.vision_model.embeddings.position_ids"))
    assert ask(load(card)) == expected
    change_weights(folder, drop("lm_head"))
    change_json(folder / "config.json", tie_word_embeddings=True)
    assert len(ask(load(card))) == len(PROMPTS)


def test_what_is_left_over_and_does_not_matter_is_described(
    card: Card, folder: Path, expected: list[str]
) -> None:
    """Heads of speculative decoding are named in the manifest; so is what the card allows."""
    change_weights(folder, add("mtp.fc.weight", "extra.weight"))
    with pytest.raises(CardError, match=r"1 tensor .*extra\.weight.*unused_tensors"):
        load(card)
    adapter = load(msgspec.structs.replace(card, unused_tensors=["extra."]))
    assert adapter.describe().left_over == ["extra.weight", "mtp.fc.weight"]
    assert ask(adapter) == expected


def test_shards_and_pickles_answer_alike(card: Card, folder: Path, expected: list[str]) -> None:
    """Weights in several files, or as PyTorch pickles them, are found whole."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert ask(load(card)) == expected
    (folder / "pytorch_model.bin").unlink()
    weight_map = {name: f"{number % 2}.safetensors" for number, name in enumerate(sorted(tensors))}
    for file in set(weight_map.values()):
        shard = {name: tensors[name] for name in tensors if weight_map[name] == file}
        save_file(shard, folder / file, metadata={"format": "pt"})
    change_json(folder / f"{WEIGHTS}.index.json", metadata={}, weight_map=weight_map)
    assert ask(load(card)) == expected
    (folder / "1.safetensors").unlink()
    with pytest.raises(CardError, match="lacks 1 of the 2 files"):
        load(card)


def test_a_pickle_that_runs_code_does_not(card: Card, folder: Path, tmp_path: Path) -> None:
    """Only tensors are unpickled."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (folder / WEIGHTS).unlink()
    torch.save({"a": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(CardError, match="cannot be loaded"):
        load(card)
    assert not (tmp_path / "ran").exists()


SHIPPED: dict[str, Any] = {
    "max_length": 3, "min_length": 400, "min_new_tokens": 400, "early_stopping": True,
    "max_time": 1e-9, "stop_strings": ["a", "e", "i"], "do_sample": True, "num_beams": 3,
    "use_mtp": True, "use_cache": False, "cache_implementation": "static",
    "cache_config": {"nbits": 2}, "max_cache_len": 8, "temperature": 9.0, "top_k": 2,
    "top_p": 0.1, "min_p": 0.5, "top_h": 0.5, "typical_p": 0.1, "epsilon_cutoff": 0.5,
    "eta_cutoff": 0.5, "repetition_penalty": 30.0, "encoder_repetition_penalty": 30.0,
    "length_penalty": -9.0, "no_repeat_ngram_size": 1, "bad_words_ids": [[n] for n in range(5, 90)],
    "renormalize_logits": True, "forced_bos_token_id": 7, "forced_eos_token_id": 7,
    "remove_invalid_values": True, "exponential_decay_length_penalty": [1, 99.0],
    "suppress_tokens": list(range(5, 90)), "begin_suppress_tokens": list(range(5, 90)),
    "sequence_bias": [[[7], 1e9]], "token_healing": True, "guidance_scale": 9.0,
    "watermarking_config": {"bias": 99.0}, "num_return_sequences": 2, "output_attentions": True,
    "output_hidden_states": True, "output_scores": True, "output_logits": True,
    "return_dict_in_generate": False, "encoder_no_repeat_ngram_size": 1, "is_assistant": True,
    "num_assistant_tokens": 3, "num_assistant_tokens_schedule": "heuristic",
    "assistant_confidence_threshold": 0.9, "prompt_lookup_num_tokens": 3,
    "max_matching_ngram_size": 1, "assistant_early_exit": 1, "assistant_lookbehind": 3,
    "target_lookbehind": 3, "assistant_ensemble_weight": 0.5, "speculation_type": "mtp",
    "compile_config": {"mode": "default"}, "disable_compile": True,
    "continuous_batching_config": {}, "low_memory": True, "penalty_alpha": 0.9,
    "dola_layers": "high", "diversity_penalty": 9.0, "num_beam_groups": 3, "constraints": [1],
    "force_words_ids": [[7]], "prefill_chunk_size": 2, "max_new_tokens": 1,
    "a_field_of_tomorrow": 1,
}  # fmt: skip
"""Another value than that of greedy decoding for every setting that a checkpoint may ship."""
TOKENS = {"pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"}


def test_every_setting_of_transformers_is_tried() -> None:
    """A new version's new settings are to be added above."""
    fields = {name for name in GenerationConfig().to_dict() if not name.startswith("_")}
    assert fields - TOKENS - {"transformers_version"} <= SHIPPED.keys()


@pytest.fixture(scope="module")
def plain(original: Path) -> dict[str, Any]:
    """The settings in force over the original."""
    return list_in_force(load(shrink_card("llava-1.5", original)))


def list_in_force(adapter: TransformersBackend) -> dict[str, Any]:
    """What ``generate`` of transformers makes of all settings it finds, in every part."""
    settings = adapter._generator.settings
    modules = [adapter._model, *adapter._model.modules()]
    configurable = [module for module in modules if hasattr(module, "generation_config")]
    return {
        str(number): module._prepare_generation_config(settings)[0].to_dict()
        for number, module in enumerate(configurable)
    }


@pytest.mark.parametrize(
    "fields",
    [["repetition_penalty"], ["num_return_sequences"], ["max_time"], list(SHIPPED)],
    ids=["repetition_penalty", "num_return_sequences", "max_time", "all"],
)
def test_no_shipped_setting_counts(
    fields: list[str], card: Card, folder: Path, plain: dict[str, Any], expected: list[str]
) -> None:
    """Whatever generation_config.json sets, decoding is plain and greedy; names are kept."""
    path = folder / "generation_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings.pop("_from_model_config", None)
    settings |= {name: SHIPPED[name] for name in fields}
    path.write_text(json.dumps(settings), encoding="utf-8")
    adapter = load(card)
    assert list_in_force(adapter) == plain
    assert ask(adapter) == expected
    silent = {"use_cache", "return_dict_in_generate"}  # These do not change what is written.
    assert describe_generation(adapter)["ignored"] == sorted({*fields} - silent)


@pytest.mark.parametrize("section", ["", "text_config"])
def test_no_legacy_setting_counts(
    section: str, card: Card, folder: Path, plain: dict[str, Any], expected: list[str]
) -> None:
    """Nor what an old config.json sets, for the whole or for its language model."""
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    legacy: dict[str, Any] = {"repetition_penalty": 30.0, "num_beams": 3, "no_repeat_ngram_size": 1}
    legacy |= {"suppress_tokens": list(range(5, 90)), "do_sample": True}
    (config[section] if section else config).update(legacy)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    adapter = load(card)
    assert list_in_force(adapter) == plain
    assert ask(adapter) == expected
    assert describe_generation(adapter)["ignored"] == sorted(legacy)


def test_what_ends_a_reply_is_the_checkpoints(card: Card, folder: Path) -> None:
    """All its end tokens count, the tokenizer's among them, and are described with the limit."""
    change_json(folder / "generation_config.json", eos_token_id=[9, 8, "x", -1])
    adapter = load(card)
    end = adapter._tokenizer.eos_token_id
    described = describe_generation(adapter)
    assert described["eos_token_ids"] == adapter._generator.settings.eos_token_id == [9, 8, end]
    assert described["max_new_tokens"] == card.generation.max_new_tokens
    assert described["do_sample"] is False


def test_a_checkpoint_without_end_or_padding(card: Card, folder: Path) -> None:
    """Without any end token the card has to name one; padding is then that token."""
    (folder / "generation_config.json").write_text('{"use_cache": true}', encoding="utf-8")
    names = ("eos_token", "pad_token")
    for path in folder.glob("*token*_config.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        remaining = {name: value for name, value in content.items() if name not in names}
        path.write_text(json.dumps(remaining), encoding="utf-8")
    with pytest.raises(CardError, match=r"no token that ends a reply.*stop in \[generation\]"):
        load(card)
    generation = msgspec.structs.replace(card.generation, stop=["</s>"])
    assert len(ask(load(msgspec.structs.replace(card, generation=generation)))) == len(PROMPTS)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ raise_exception('no system here') }}", "no system here"),
        ("{{ messages[0]['content'] + 'x' }}", "cannot render a question"),
        ("always the same", "leaves the question out"),
        ("{% if %}", "cannot render a question"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_said_at_loading(
    template: str, message: str, card: Card, folder: Path
) -> None:
    """It is tried once, before the first question."""
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    with pytest.raises(CardError, match=re.escape(message)):
        load(msgspec.structs.replace(card, prompt=PromptFormat()))


def test_attention_that_needs_a_gpu_is_refused_without_one(card: Card) -> None:
    """One sentence with the field to change."""
    with pytest.raises(CardError, match=r"flash_attention_2.*needs a GPU.*attention ="):
        load(msgspec.structs.replace(card, attention="flash_attention_2"))
