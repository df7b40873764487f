"""Train pocket, the embedded model, from scratch: ``python models/pocket/train.py``.

A LlavaForConditionalGeneration of one and a half million parameters is trained on two CPU cores,
only on forgeries planted in the train photographs. Writes config, weights, tokenizer and processor
to the directory of this file, the log to ``training.log`` and held-out scores to ``card.toml``.
With one seed, the same library versions and number of threads give the same weights.
"""

import argparse
import time
from pathlib import Path

import torch

from evaluate import evaluate, write_card
from language_model import (
    build_model,
    build_processor,
    encode_images,
    train_language_model,
    train_tokenizer,
)
from vision_encoder import ImagePool, PatchClassifier, train_vision_encoder

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Train both stages, save the checkpoint, and evaluate it on the test photographs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="where the checkpoint goes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", "--pictures", type=int, default=36_000, help="images per stage")
    parser.add_argument("--tower-steps", type=int, default=6_000)
    parser.add_argument("--speech-steps", type=int, default=2_500)
    parser.add_argument("--tower", type=Path, help="reuse the tower.pt of an earlier run")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    start = time.monotonic()
    with (options.out / "training.log").open("w", encoding="utf-8") as stream:

        def log(line: str) -> None:
            print(f"{time.monotonic() - start:7.0f} s  {line}", file=stream, flush=True)
            print(f"{time.monotonic() - start:7.0f} s  {line}", flush=True)

        log(f"torch {torch.__version__}, seed {options.seed}, 2 threads")
        if options.tower is None:
            tower_pool = ImagePool.sample(size=options.images, seed=options.seed, max_forgeries=3)
            log(f"drew {options.images} images for the vision tower")
            classifier = train_vision_encoder(
                tower_pool, seed=options.seed, steps=options.tower_steps, log=log
            )
            torch.save(classifier.state_dict(), options.out / "tower.pt")
        else:
            classifier = PatchClassifier().eval()
            classifier.load_state_dict(torch.load(options.tower, weights_only=True))
            log(f"took the tower from {options.tower.name}")
        language_pool = ImagePool.sample(
            size=options.images, seed=options.seed + 1, max_forgeries=1
        )
        log(f"drew {options.images} other images for the language model")
        tokenizer = train_tokenizer(language_pool.forgeries[:2000], options.seed)
        model = build_model(tokenizer, classifier)
        log(f"{sum(weight.numel() for weight in model.parameters()):,} parameters")
        train_language_model(
            model,
            language_pool,
            encode_images(language_pool, classifier),
            tokenizer,
            seed=options.seed,
            steps=options.speech_steps,
            log=log,
        )
        model.save_pretrained(options.out)
        build_processor(tokenizer).save_pretrained(options.out)
        minutes = (time.monotonic() - start) / 60
        figures = evaluate(options.out)
        for name, value in figures.items():
            log(f"held out: {name} {value}")
    write_card(options.out / "card.toml", figures, minutes=minutes)


if __name__ == "__main__":
    main()
