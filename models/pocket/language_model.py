"""Stage two of training pocket: a small Llama learns to describe the vision tower's patches."""

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

from dialogues import list_dialogues, sample_dialogue, select_forgery
from fakebench_suite.datasets.probes.photographs import PROBE_SIZE
from samples import PlantedForgery
from vision_encoder import (
    BATCH_SIZE,
    GRID,
    MEAN,
    STD,
    STRIDE,
    ImagePool,
    PatchClassifier,
    build_encoder_config,
    normalise,
    one_cycle,
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


def train_tokenizer(
    forgeries: list[tuple[PlantedForgery, ...]], seed: int
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the dialogues, whose texts it encodes in few tokens."""
    texts = [
        f"\nQ: {question}\nA: {answer}"
        for question, answer in list_dialogues(forgeries, random.Random(seed))
    ]
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


def build_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return a stock LLaVA processor that scales images to PROBE_SIZE x PROBE_SIZE."""
    image_processor = ViTImageProcessor(
        size={"height": PROBE_SIZE, "width": PROBE_SIZE},
        resample=3,
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def build_model(
    tokenizer: PreTrainedTokenizerFast, classifier: PatchClassifier
) -> LlavaForConditionalGeneration:
    """Return a LLaVA with the trained vision tower, a new projector and a new language model."""
    config = LlavaConfig(
        vision_config=build_encoder_config(),
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
    model.model.vision_tower.load_state_dict(classifier.tower.state_dict())
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """A batch of dialogues as token ids; the labels of prompts are -100.

    Both tensors are rows x length, padded at the right. Causal attention never looks ahead, so no
    mask is needed.
    """

    tokens: Tensor
    labels: Tensor


class BatchBuilder:
    """Builds batches of dialogues, worded exactly as the processor words a prompt."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
        self._tokenizer = tokenizer
        self._random = random.Random(seed)

    def build_batch(self, forgeries: list[tuple[PlantedForgery, ...]]) -> TokenBatch:
        """Return a batch with one dialogue about each image."""
        rows = [
            self._tokenise(*sample_dialogue(select_forgery(image_forgeries), self._random))
            for image_forgeries in forgeries
        ]
        longest = max(len(prompt) + len(answer) for prompt, answer in rows)
        tokens = torch.full((len(rows), longest), self._tokenizer.pad_token_id)
        labels = torch.full((len(rows), longest), -100)
        for index, (prompt, answer) in enumerate(rows):
            end = len(prompt) + len(answer)
            tokens[index, :end] = torch.tensor(prompt + answer)
            labels[index, len(prompt) : end] = torch.tensor(answer)
        return TokenBatch(tokens=tokens, labels=labels)

    def _tokenise(self, question: str, reply: str) -> tuple[list[int], list[int]]:
        prompt = f"{START}{IMAGE * (GRID * GRID)}\nQ: {question}\nA:"
        answer = f" {reply}{END}"
        return (
            self._tokenizer.encode(prompt, add_special_tokens=False),
            self._tokenizer.encode(answer, add_special_tokens=False),
        )


@torch.inference_mode()
def encode_images(pool: ImagePool, classifier: PatchClassifier) -> Tensor:
    """Return the vision tower's features of a whole pool, n x GRID * GRID x 128."""
    batches = [
        classifier.encode(normalise(pixels.float() / 255))
        for pixels in pool.pixels.split(4 * BATCH_SIZE)
    ]
    return torch.cat(batches).clone()


def train_language_model(
    model: LlavaForConditionalGeneration,
    pool: ImagePool,
    features: Tensor,
    tokenizer: PreTrainedTokenizerFast,
    *,
    seed: int,
    steps: int,
    log: Callable[[str], None],
) -> None:
    """Train projector and language model on images that the vision tower was not trained on.

    The vision tower is frozen, so its features are computed once, before the first step.
    """
    torch.manual_seed(seed)
    builder = BatchBuilder(tokenizer, seed)
    trained = [*model.model.multi_modal_projector.parameters()]
    trained += [*model.model.language_model.parameters()]
    optimizer = torch.optim.AdamW(trained, weight_decay=0.01, betas=(0.9, 0.98))
    image_token = model.config.image_token_id
    model.train()
    mean_loss, order = 0.0, torch.empty(0, dtype=torch.long)
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step / steps, 1.5e-3)
        if len(order) < BATCH_SIZE:
            order = torch.randperm(len(features))
        chosen, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
        batch = builder.build_batch([pool.forgeries[index] for index in chosen.tolist()])
        with torch.autocast("cpu", torch.bfloat16):
            projected = model.model.multi_modal_projector(features[chosen])
            embeddings = model.get_input_embeddings()(batch.tokens)
            image_positions = (batch.tokens == image_token)[..., None]
            hidden = model.model.language_model(
                inputs_embeds=embeddings.masked_scatter(
                    image_positions, projected.to(embeddings.dtype)
                ),
                use_cache=False,
            ).last_hidden_state
            is_answer = batch.labels[:, 1:] != -100
            scores = model.lm_head(hidden[:, :-1][is_answer])
        loss = nn.functional.cross_entropy(scores.float(), batch.labels[:, 1:][is_answer])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        mean_loss += (loss.item() - mean_loss) / min(step, 100)
        if step % 100 == 0:
            log(f"speech step {step}/{steps} token loss {mean_loss:.4f}")
    model.eval()
