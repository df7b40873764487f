"""Train pocket, the embedded model, from nothing: ``python models/pocket/train.py``.

A real LlavaForConditionalGeneration of one and a half million parameters, trained on forgeries
planted in the train photographs only, on two CPU cores. Writes config, weights, tokenizer and
processor beside this file, the log to ``training.log`` and held-out figures to ``card.toml``.
Seeded: the same library versions and thread count give the same weights.
"""

import argparse
import time
from pathlib import Path

import torch

from held_out import measure, write_card
from speech import look_at, make_model, make_processor, teach, train_tokenizer
from tower import DenseTower, Pool, pretrain_tower

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Train both stages, save the checkpoint, and measure it on the test photographs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE, help="where the checkpoint goes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=36_000, help="pictures per stage")
    parser.add_argument("--tower-steps", type=int, default=6_000)
    parser.add_argument("--speech-steps", type=int, default=2_500)
    parser.add_argument("--tower", type=Path, help="reuse the tower.pt of an earlier run")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    started = time.monotonic()
    with (options.out / "training.log").open("w", encoding="utf-8") as stream:

        def log(line: str) -> None:
            print(f"{time.monotonic() - started:7.0f} s  {line}", file=stream, flush=True)
            print(f"{time.monotonic() - started:7.0f} s  {line}", flush=True)

        log(f"torch {torch.__version__}, seed {options.seed}, 2 threads")
        if options.tower is None:
            seen = Pool.draw(size=options.pictures, seed=options.seed, most=3)
            log(f"drew {options.pictures} pictures for the tower")
            dense = pretrain_tower(seen, seed=options.seed, steps=options.tower_steps, log=log)
            torch.save(dense.state_dict(), options.out / "tower.pt")
        else:
            dense = DenseTower().eval()
            dense.load_state_dict(torch.load(options.tower, weights_only=True))
            log(f"took the tower from {options.tower.name}")
        fresh = Pool.draw(size=options.pictures, seed=options.seed + 1, most=1)
        log(f"drew {options.pictures} other pictures for the language model")
        tokenizer = train_tokenizer(fresh.faults[:2000], options.seed)
        model = make_model(tokenizer, dense)
        log(f"{sum(weight.numel() for weight in model.parameters()):,} parameters")
        teach(
            model,
            fresh,
            look_at(fresh, dense),
            tokenizer,
            seed=options.seed,
            steps=options.speech_steps,
            log=log,
        )
        model.save_pretrained(options.out)
        make_processor(tokenizer).save_pretrained(options.out)
        minutes = (time.monotonic() - started) / 60
        figures = measure(options.out)
        for name, value in figures.items():
            log(f"held out: {name} {value}")
    write_card(options.out / "card.toml", figures, minutes=minutes)


if __name__ == "__main__":
    main()
