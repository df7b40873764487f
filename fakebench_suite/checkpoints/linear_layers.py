"""Linear layers by oneDNN, where what PyTorch takes for them is slower.

PyTorch multiplies float32 matrices on x86 by MKL, which uses AVX-512 on processors of Intel alone.
oneDNN, by which PyTorch computes convolutions and all products in bfloat16, uses what the processor
has. On an AMD EPYC with AVX-512 it is twice as fast, and a prompt takes two thirds of the time
(benchmarks/linear_layers.py).

Which library is used follows from the processor and not from a trial of both, whose winner may
change from one run to the next, and with it the last digits of all products.
"""

import platform
from pathlib import Path
from typing import Any

import torch

_VENDORS = ("AuthenticAMD", "HygonGenuine")
"""What processors call their makers on which MKL does without AVX-512."""
_LEAST = 1 << 23
"""Multiplications from which oneDNN is faster: it prepares a shape's first product for 0.5 ms."""


class OneDnnLinear(torch.nn.Linear):
    """A linear layer whose large float32 products are oneDNN's, without gradients."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch names it so.
        """Return input @ weight.T + bias, ... x in_features to ... x out_features."""
        small = input.numel() * self.out_features < _LEAST
        other = input.dtype != torch.float32 or torch.is_autocast_enabled("cpu")
        if small or other or torch.is_grad_enabled():
            return super().forward(input)
        # What torch.compile makes of a linear layer, here of weights as they are.
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            input, self.weight, self.bias, "none", [], ""
        )
        return product


def use_onednn(model: Any) -> bool:
    """Have a model's linear layers computed by oneDNN, if that is faster here; whether it is done.

    Only layers of PyTorch's own class with float32 weights on the CPU are changed.
    """
    if not prefers_onednn():
        return False
    layers = [layer for layer in model.modules() if type(layer) is torch.nn.Linear]
    chosen = [layer for layer in layers if _is_float32_on_cpu(layer.weight)]
    for layer in chosen:
        layer.__class__ = OneDnnLinear
    return bool(chosen)


def prefers_onednn() -> bool:
    """Whether PyTorch has both libraries, and MKL is the slower one on this processor."""
    has_mkl = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    has_product = has_onednn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return bool(has_mkl and has_product and read_vendor() in _VENDORS)


def read_vendor() -> str:
    """How the processor names its maker, by Linux or else by Python; "" if neither says."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    vendors = (line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id"))
    vendor = next(vendors, None)
    return platform.processor().rpartition(", ")[2] if vendor is None else vendor


def _is_float32_on_cpu(weight: torch.Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"
