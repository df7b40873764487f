"""The judge that runs here, over a tiny random chat model."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.base import MAX_ATTEMPTS
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.local import LocalJudge
from fakebench_suite.grading.judges.registry import check_weights, open_judge, parse_judge
from fakebench_suite.grading.judges.rubric import Messages, RatingRequest, build_messages
from tests.endpoint_server import GOOD

END = "</s>"
TEMPLATE = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
REQUESTS = [RatingRequest(question="Why?", reference=["Six fingers."], text=t) for t in ("a", "b")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a byte-level tokenizer and a chat template."""
    folder = tmp_path_factory.mktemp("judge")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([END, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    wrapped_tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    wrapped_tokenizer.chat_template = TEMPLATE
    wrapped_tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Babble of 64 tokens is babble; a random model ends of itself about once in 257."""
    monkeypatch.setattr("fakebench_suite.grading.judges.local._MAX_TOKENS", 64)


@pytest.mark.usefixtures("_short")
def test_babble_is_no_mark(checkpoint: Path, cache: RatingCache) -> None:
    """A model that says nothing readable leaves failed rounds and no score."""
    judge = LocalJudge(str(checkpoint), rounds=2, cache=cache, device="cpu")
    judgements = judge.grade(REQUESTS[:1])
    assert [(judgement.score, judgement.failed) for judgement in judgements] == [(None, 2)]
    assert "no rating in the judge's reply" in judgements[0].reason


def test_rounds_are_batched_retried_and_kept(
    checkpoint: Path, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rounds of all texts go in one batch; only what had no marks is asked again."""
    judge = LocalJudge(str(checkpoint), rounds=3, cache=cache, device="cpu")
    sizes: list[int] = []

    def reply(conversations: Sequence[Messages], attempt: int) -> list[str]:
        sizes.append(len(conversations))
        return [
            "10" if attempt == 0 and index == 4 else GOOD for index in range(len(conversations))
        ]

    monkeypatch.setattr(judge, "_generate", reply)
    first = judge.grade(REQUESTS)
    assert [judgement.score for judgement in first] == [1, 1]
    assert [judgement.failed for judgement in first] == [0, 0]
    assert sizes == [6, 1]
    assert judge.grade(REQUESTS) == first
    assert sizes == [6, 1]
    monkeypatch.setattr(
        judge, "_generate", lambda conversations, _attempt: ["10"] * len(conversations)
    )
    (unrated,) = judge.grade([RatingRequest(question="?", reference=["x"], text="y")])
    assert (unrated.score, unrated.failed) == (None, 3)
    assert MAX_ATTEMPTS == 3


def test_a_judge_that_thinks_is_given_time_to(
    checkpoint: Path, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thought that was cut off is written again with more tokens, within the model's context."""
    judge = LocalJudge(str(checkpoint), rounds=1, cache=cache, device="cpu")
    limits: list[int] = []

    def generate(**options: Any) -> torch.Tensor:
        limits.append(options["generation_config"].max_new_tokens)
        reply = f"<think>Hm.</think>{GOOD}" if limits[1:] else "<think>Hm."
        ids = judge._tokenizer(reply, return_tensors="pt")["input_ids"]
        for processor in options["logits_processor"]:
            for _ in range(ids.shape[1]):
                processor(options["input_ids"], torch.zeros(1, 257))
        return torch.cat([options["input_ids"], ids], dim=1)

    monkeypatch.setattr(judge._model, "generate", generate)
    (judgement,) = judge.grade(REQUESTS[:1])
    assert judgement.score == 1
    assert limits[0] == 160
    assert 2_000 < limits[1] < 4_096


def test_a_judge_that_cannot_be_loaded_is_the_users_to_mend(
    checkpoint: Path, tmp_path: Path
) -> None:
    """Absent weights and a missing chat template are each one sentence."""
    choice = parse_judge(f"transformers:{tmp_path / 'nowhere'}", rounds=1)
    with pytest.raises(UserError, match="cannot be loaded"):
        open_judge(choice, cache=tmp_path / "marks.sqlite")
    folder = tmp_path / "plain"
    LlamaForCausalLM.from_pretrained(checkpoint).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(checkpoint)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="no chat template"):
        open_judge(parse_judge(f"transformers:{folder}", rounds=1), cache=tmp_path / "m.sqlite")


def test_a_judge_with_code_of_its_own_is_refused(tmp_path: Path, cache: RatingCache) -> None:
    """The advice is to choose another, and not to trust or to download it."""
    config = {
        "model_type": "ours",
        "auto_map": {"AutoConfig": "x.C", "AutoModelForCausalLM": "x.M"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "x.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    save_file({"w": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"never run\. Choose another judge") as exc_info:
        LocalJudge(str(tmp_path), rounds=1, cache=cache, device="cpu")
    assert "trust_remote_code" not in str(exc_info.value)
    assert "Download" not in str(exc_info.value)


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint to break."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def change_weights(folder: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
    """Write changed weights."""
    path = folder / "model.safetensors"
    tensors = {name: change(name, tensor) for name, tensor in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def test_a_judge_without_all_its_weights_does_not_judge(copy: Path, cache: RatingCache) -> None:
    """Tensors of other names, of another shape, and files cut short are each one sentence."""
    path = copy / "model.safetensors"
    content = path.read_bytes()
    tensors = load_file(path)
    renamed = {name.replace("layers.1.", "blocks.1."): tensor for name, tensor in tensors.items()}
    save_file(renamed, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"of the judge .* lacks 9 tensors .*layers\.1\."):
        LocalJudge(str(copy), rounds=1, cache=cache, device="cpu")
    path.write_bytes(content)
    change_weights(copy, lambda name, tensor: tensor[:-1].clone() if "norm" in name else tensor)
    with pytest.raises(UserError, match=r"holds \d+ tensors of another shape"):
        LocalJudge(str(copy), rounds=1, cache=cache, device="cpu")
    path.write_bytes(content[:-5])
    with pytest.raises(UserError, match="its header speaks of"):
        LocalJudge(str(copy), rounds=1, cache=cache, device="cpu")


def test_a_judge_that_computes_no_numbers_fails(copy: Path, cache: RatingCache) -> None:
    """Its rounds fail with the reason, and nothing is raised."""
    change_weights(copy, lambda name, tensor: tensor * float("nan") if "norm" in name else tensor)
    judge = LocalJudge(str(copy), rounds=2, cache=cache, device="cpu")
    (judgement,) = judge.grade(REQUESTS[:1])
    assert (judgement.score, judgement.failed) == (None, 2)
    assert "NaN or infinite" in judgement.reason
    with pytest.raises(UserError, match="NaN or infinite scores"):
        judge.check()


@pytest.mark.parametrize("role", ["user", "system"])
def test_a_chat_template_that_refuses_a_question_is_a_sentence(
    role: str, copy: Path, cache: RatingCache
) -> None:
    """Wherever it is met first: a template is a program, and may raise."""
    refusal = (
        f"{{% if m['role'] == '{role}' %}}{{{{ raise_exception('no such role') }}}}{{% endif %}}"
    )
    template = TEMPLATE.replace("{{ m['role']", refusal + "{{ m['role']")
    (copy / "chat_template.jinja").write_text(template, encoding="utf-8")
    with pytest.raises(UserError, match="does not take a question: no such role"):
        LocalJudge(str(copy), rounds=1, cache=cache, device="cpu").check()


def test_a_judge_is_known_by_its_content(checkpoint: Path, copy: Path, cache: RatingCache) -> None:
    """Its place does not count; weights, tokenizer and chat template do."""

    def describe(folder: Path) -> object:
        return LocalJudge(str(folder), rounds=1, cache=cache, device="cpu").describe()

    original = describe(checkpoint)
    assert describe(copy) == original
    (copy / "chat_template.jinja").write_text(f"{TEMPLATE} ", encoding="utf-8")
    templated = describe(copy)
    assert templated != original
    change_weights(copy, lambda _, tensor: tensor + 1)
    assert describe(copy) not in (original, templated)


@pytest.mark.usefixtures("_short")
def test_what_a_judge_ships_does_not_count(
    checkpoint: Path, copy: Path, cache: RatingCache
) -> None:
    """The same seed gives the same replies, whatever generation_config.json sets but ends."""
    messages = [build_messages(request) for request in REQUESTS]
    expected = LocalJudge(str(checkpoint), rounds=1, cache=cache, device="cpu")._generate(
        messages, 0
    )
    settings = {"eos_token_id": 0, "repetition_penalty": 9.0, "top_k": 1, "max_time": 1e-9}
    (copy / "generation_config.json").write_text(json.dumps(settings), encoding="utf-8")
    judge = LocalJudge(str(copy), rounds=1, cache=cache, device="cpu")
    assert judge._generate(messages, 0) == expected


def test_absent_weights_are_met_before_anything_is_asked(tmp_path: Path) -> None:
    """A path without a checkpoint and a name nobody downloaded are refused in one sentence."""
    for name in (str(tmp_path), "nobody/nothing", "/no/where"):
        with pytest.raises(UserError, match="is not on this machine"):
            check_weights(parse_judge(f"transformers:{name}", rounds=1))
    check_weights(parse_judge("embedding", rounds=1))


def test_marks_that_cannot_be_kept_are_a_sentence(tmp_path: Path) -> None:
    """A reports directory that is a file names itself and the option to change."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="Choose another --reports"):
        RatingCache(tmp_path / "file" / "marks.sqlite")
