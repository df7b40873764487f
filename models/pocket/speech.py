"""Stage two of training pocket: a small Llama learns to speak about the tower's patches."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import (
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    ViTImageProcessor,
)

from fakebench_suite.datasets.probes.photographs import PROBE_SIZE
from lessons import all_lessons, draw_lesson, find_fault
from samples import Fault
from tower import (
    BATCH,
    GRID,
    MEAN,
    STD,
    STRIDE,
    DenseTower,
    Pool,
    normalise,
    one_cycle,
    tower_config,
)

IMAGE, PAD, START, END = "<image>", "<pad>", "<s>", "</s>"
VOCABULARY = 700
TEMPLATE = (
    "{{ '<s>' }}{% for message in messages %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>' }}"
    "{% else %}{{ '\nQ: ' + part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\nA:' }}{% endif %}"
)


def train_tokenizer(faults: list[tuple[Fault, ...]], seed: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE over the lessons: any text has tokens, familiar prompts have few."""
    texts = [f"\nQ: {asked}\nA: {said}" for asked, said in all_lessons(faults, random.Random(seed))]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END, IMAGE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[IMAGE],
        padding_side="left",
    )


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """The stock LLaVA processor, scaling images to PROBE_SIZE x PROBE_SIZE."""
    pictures = ViTImageProcessor(
        size={"height": PROBE_SIZE, "width": PROBE_SIZE},
        resample=3,
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )
    return LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def make_model(
    tokenizer: PreTrainedTokenizerFast, dense: DenseTower
) -> LlavaForConditionalGeneration:
    """A LLaVA around the pre-trained tower, with a fresh projector and language model."""
    config = LlavaConfig(
        vision_config=tower_config(),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=GRID * GRID,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(dense.tower.state_dict())
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """A batch of lessons as token ids; prompts carry the label -100.

    Padded on the right, where causal attention never looks back from, so there is no mask.
    """

    tokens: Tensor
    labels: Tensor


class Teacher:
    """Turns faults into exercises, worded exactly as the processor words a prompt."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
        self._tokenizer = tokenizer
        self._random = random.Random(seed)

    def set_exercise(self, faults: list[tuple[Fault, ...]]) -> Exercise:
        """One lesson about each picture."""
        rows = [self._tokenise(*draw_lesson(find_fault(one), self._random)) for one in faults]
        longest = max(len(prompt) + len(answer) for prompt, answer in rows)
        tokens = torch.full((len(rows), longest), self._tokenizer.pad_token_id)
        labels = torch.full((len(rows), longest), -100)
        for index, (prompt, answer) in enumerate(rows):
            end = len(prompt) + len(answer)
            tokens[index, :end] = torch.tensor(prompt + answer)
            labels[index, len(prompt) : end] = torch.tensor(answer)
        return Exercise(tokens=tokens, labels=labels)

    def _tokenise(self, asked: str, said: str) -> tuple[list[int], list[int]]:
        prompt = f"{START}{IMAGE * (GRID * GRID)}\nQ: {asked}\nA:"
        answer = f" {said}{END}"
        return (
            self._tokenizer.encode(prompt, add_special_tokens=False),
            self._tokenizer.encode(answer, add_special_tokens=False),
        )


@torch.inference_mode()
def look_at(pool: Pool, dense: DenseTower) -> Tensor:
    """The tower's features of a whole pool, n x GRID * GRID x 128."""
    batches = [
        dense.look(normalise(pixels.float() / 255)) for pixels in pool.pixels.split(4 * BATCH)
    ]
    return torch.cat(batches).clone()


def teach(
    model: LlavaForConditionalGeneration,
    pool: Pool,
    features: Tensor,
    tokenizer: PreTrainedTokenizerFast,
    *,
    seed: int,
    steps: int,
    log: Callable[[str], None],
) -> None:
    """Train projector and language model on pictures the tower was not trained on.

    The tower stays as it is, so its features are computed once, before the first step.
    """
    torch.manual_seed(seed)
    teacher = Teacher(tokenizer, seed)
    taught = [*model.model.multi_modal_projector.parameters()]
    taught += [*model.model.language_model.parameters()]
    optimizer = torch.optim.AdamW(taught, weight_decay=0.01, betas=(0.9, 0.98))
    image_token = model.config.image_token_id
    model.train()
    recent, order = 0.0, torch.empty(0, dtype=torch.long)
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step / steps, 1.5e-3)
        if len(order) < BATCH:
            order = torch.randperm(len(features))
        chosen, order = order[:BATCH], order[BATCH:]
        exercise = teacher.set_exercise([pool.faults[index] for index in chosen.tolist()])
        with torch.autocast("cpu", torch.bfloat16):
            seen = model.model.multi_modal_projector(features[chosen])
            words = model.get_input_embeddings()(exercise.tokens)
            places = (exercise.tokens == image_token)[..., None]
            hidden = model.model.language_model(
                inputs_embeds=words.masked_scatter(places, seen.to(words.dtype)),
                use_cache=False,
            ).last_hidden_state
            answered = exercise.labels[:, 1:] != -100
            scores = model.lm_head(hidden[:, :-1][answered])
        loss = nn.functional.cross_entropy(scores.float(), exercise.labels[:, 1:][answered])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        recent += (loss.item() - recent) / min(step, 100)
        if step % 100 == 0:
            log(f"speech step {step}/{steps} token loss {recent:.4f}")
    model.eval()
