"""Stage one of training pocket: a small vision tower learns to locate forgeries.

The tower is transformers' DPT in its hybrid form (a ResNet whose last feature map feeds one
transformer layer, arXiv 2103.13413). Each patch is supervised with the criterion planted there,
because with next-token loss alone a small vision model stays at chance on two CPU cores.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import DPTConfig, DPTModel, ResNetConfig

from fakebench_suite.datasets.probes.photographs import PROBE_SIZE
from samples import CRITERIA, PlantedForgery, sample_images

STRIDE = 16
GRID = PROBE_SIZE // STRIDE
CLASSES = 1 + len(CRITERIA)
MEAN, STD = 0.45, 0.27
BATCH_SIZE = 64


def build_encoder_config() -> DPTConfig:
    """Return the config: a ResNet of five basic blocks, stride 16, and one transformer layer.

    The output has 8 x 8 patches of 128 features.
    """
    return DPTConfig(
        is_hybrid=True,
        backbone_config=ResNetConfig(
            embedding_size=32,
            hidden_sizes=[32, 64, 128],
            depths=[1, 2, 2],
            layer_type="basic",
            out_features=["stage1", "stage2", "stage3"],
        ),
        backbone_featmap_shape=[1, 128, GRID, GRID],
        hidden_size=128,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=256,
        image_size=PROBE_SIZE,
        patch_size=STRIDE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePool:
    """Samples that are made once and augmented differently in every batch.

    ``pixels`` is n x 3 x PROBE_SIZE x PROBE_SIZE, uint8; ``labels`` is n x GRID x GRID x CLASSES,
    the share of each patch that each class covers (class 0: untouched).
    """

    pixels: Tensor
    labels: Tensor
    forgeries: list[tuple[PlantedForgery, ...]]

    @classmethod
    def sample(cls, *, size: int, seed: int, max_forgeries: int) -> "ImagePool":
        """Sample ``size`` train images with 0 to ``max_forgeries`` forgeries each."""
        pixels = torch.empty(size, 3, PROBE_SIZE, PROBE_SIZE, dtype=torch.uint8)
        labels = torch.empty(size, GRID, GRID, CLASSES)
        forgeries = []
        for index, sample in enumerate(sample_images(size, seed=seed, max_forgeries=max_forgeries)):
            pixels[index] = torch.from_numpy(sample.image).permute(2, 0, 1)
            labels[index] = to_patch_labels(sample.forgeries)
            forgeries.append(sample.forgeries)
        return cls(pixels=pixels, labels=labels, forgeries=forgeries)

    def batches(self, *, steps: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield ``steps`` batches of normalised pixels and labels, shuffled and augmented."""
        random = torch.Generator().manual_seed(seed)
        order = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            if len(order) < BATCH_SIZE:
                order = torch.randperm(len(self.pixels), generator=random)
            indices, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
            pixels, labels = self.pixels[indices].float() / 255, self.labels[indices]
            rotation, flip = (
                torch.randint(0, 4, (), generator=random),
                torch.rand((), generator=random),
            )
            pixels, labels = (
                pixels.rot90(int(rotation), (2, 3)),
                labels.rot90(int(rotation), (1, 2)),
            )
            if flip < 0.5:
                pixels, labels = pixels.flip(3), labels.flip(2)
            channels = torch.randperm(3, generator=random)
            gain = torch.empty(BATCH_SIZE, 3, 1, 1).uniform_(0.85, 1.15, generator=random)
            yield normalise((pixels[:, channels] * gain).clamp(0, 1)), labels


def normalise(pixels: Tensor) -> Tensor:
    """Normalise pixels in 0..1 for the vision tower."""
    return ((pixels - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def to_patch_labels(forgeries: tuple[PlantedForgery, ...]) -> Tensor:
    """Return the share of each patch that each class covers, GRID x GRID x CLASSES.

    Later boxes cover earlier ones.
    """
    classes = torch.zeros(PROBE_SIZE, PROBE_SIZE, dtype=torch.long)
    for forgery in forgeries:
        box = forgery.box
        classes[box.top : box.bottom, box.left : box.right] = 1 + CRITERIA.index(forgery.criterion)
    pixels = nn.functional.one_hot(classes, CLASSES).float()
    return pixels.view(GRID, STRIDE, GRID, STRIDE, CLASSES).mean(dim=(1, 3))


class PatchClassifier(nn.Module):
    """The vision tower with a linear head per patch, used in pre-training only."""

    def __init__(self) -> None:
        super().__init__()
        config = build_encoder_config()
        self.tower = DPTModel(config)
        self.head = nn.Linear(config.hidden_size, CLASSES)

    def encode(self, pixels: Tensor) -> Tensor:
        """Return the features that LLaVA takes from the tower, n x GRID * GRID x 128."""
        features: Tensor = self.tower(pixels, output_hidden_states=True).hidden_states[-1]
        return features[:, 1:]

    def forward(self, pixels: Tensor) -> Tensor:
        """Return class scores per patch, n x GRID x GRID x CLASSES."""
        scores: Tensor = self.head(self.encode(pixels))
        return scores.view(-1, GRID, GRID, CLASSES)


def patch_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy with soft patch labels."""
    return nn.functional.cross_entropy(scores.float().flatten(0, 2), labels.flatten(0, 2))


def one_cycle(progress: float, peak: float) -> float:
    """Return the learning rate at ``progress`` in 0..1: a linear warm-up, then a cosine to zero."""
    return float(peak * min(1.0, progress / 0.05) * 0.5 * (1 + np.cos(np.pi * progress)))


def train_vision_encoder(
    pool: ImagePool, *, seed: int, steps: int, log: Callable[[str], None]
) -> PatchClassifier:
    """Train vision tower and patch head on the pool for ``steps`` batches."""
    torch.manual_seed(seed)
    model = PatchClassifier().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    mean_loss = 0.0
    for step, (pixels, labels) in enumerate(pool.batches(steps=steps, seed=seed), start=1):
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(step / steps, 2e-3)
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(pixels)
        loss = patch_loss(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        mean_loss += (loss.item() - mean_loss) / min(step, 100)
        if step % 100 == 0:
            log(f"tower step {step}/{steps} patch loss {mean_loss:.4f}")
    return model.eval()
