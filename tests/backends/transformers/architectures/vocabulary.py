"""A tokenizer of a few hundred tokens, trained on the spot, with the special tokens of a family."""

from collections.abc import Mapping, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

_TEXT = ["Is this a fake image, yes or no?", "What reveals it as fake or real?", "User: USER"]


def make_tokenizer(
    special: Sequence[str],
    *,
    bos: str | None = None,
    eos: str,
    pad: str | None = None,
    unk: str | None = None,
    named: Mapping[str, str] | None = None,
    writes_bos: bool = False,
) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer; ``named`` are tokens a processor asks for by name (image_token).

    ``writes_bos`` makes it put the beginning-of-sequence token first, as Llama's does.
    """
    named = named or {}
    # Ordered and without repetition: the first special token has id 0.
    tokens = list(dict.fromkeys([*special, *named.values()]))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(tokens) + 300,
        special_tokens=tokens,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXT, trainer)
    if writes_bos and bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=pad,
        unk_token=unk,
        extra_special_tokens=dict(named),
    )


def find_id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    """The id of a token that the tokenizer has."""
    return int(tokenizer.get_vocab()[token])
