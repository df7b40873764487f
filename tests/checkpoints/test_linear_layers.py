"""Linear layers by oneDNN: the products of PyTorch's own, where MKL is the slower one."""

import platform
from pathlib import Path

import pytest
import torch

from fakebench_suite.checkpoints import linear_layers
from fakebench_suite.checkpoints.linear_layers import OneDnnLinear, read_vendor, use_onednn

HAS_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")


@pytest.fixture
def amd(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor of AMD, with both libraries."""
    monkeypatch.setattr(linear_layers, "read_vendor", lambda: "AuthenticAMD")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: HAS_ONEDNN)
    monkeypatch.setattr(linear_layers, "_LEAST", 1)


INPUTS = {
    "one row": torch.randn(7),
    "rows": torch.randn(3, 7),
    "many rows": torch.randn(300, 7),
    "columns as rows": torch.randn(7, 3).T,
    "batches": torch.randn(2, 3, 7),
    "batches of rows apart": torch.randn(2, 2, 6, 7)[:, :, ::2],
    "batches the other way round": torch.randn(3, 2, 7).transpose(0, 1),
    "one row again and again": torch.randn(7).expand(4, 7),
    "no row": torch.randn(0, 7),
    "no batch": torch.randn(0, 3, 7),
}


@pytest.mark.skipif(not HAS_ONEDNN, reason="this PyTorch has no oneDNN")
@pytest.mark.usefixtures("amd")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", INPUTS)
def test_products_are_those_of_pytorch(name: str, bias: bool) -> None:
    """Whatever the shape and the order in memory."""
    layer = torch.nn.Linear(7, 5, bias=bias)
    with torch.inference_mode():
        expected = layer(INPUTS[name])
        assert use_onednn(torch.nn.Sequential(layer))
        assert type(layer) is OneDnnLinear
        product = layer(INPUTS[name])
    assert product.shape == expected.shape
    torch.testing.assert_close(product, expected)


@pytest.mark.skipif(not HAS_ONEDNN, reason="this PyTorch has no oneDNN")
@pytest.mark.parametrize(("rows", "library"), [(127, "PyTorch"), (128, "oneDNN")])
def test_small_products_are_left_to_pytorch(rows: int, library: str) -> None:
    """To prepare a product by oneDNN takes longer than to compute a small one."""
    layer = OneDnnLinear(256, 256)
    with torch.inference_mode(), torch.profiler.profile() as profile:
        layer(torch.randn(rows, 256))
    products = {event.key for event in profile.key_averages()}
    assert ("mkldnn::_linear_pointwise" in products) is (library == "oneDNN")
    assert ("aten::linear" in products) is (library == "PyTorch")


@pytest.mark.skipif(not HAS_ONEDNN, reason="this PyTorch has no oneDNN")
@pytest.mark.usefixtures("amd")
def test_gradients_and_other_dtypes_are_left_to_pytorch() -> None:
    """Where a layer is trained, or given numbers of another dtype under autocast."""
    layer = torch.nn.Linear(7, 5)
    assert use_onednn(torch.nn.Sequential(layer))
    layer(torch.randn(3, 7)).sum().backward()
    assert layer.weight.grad is not None
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for dtype in (torch.bfloat16, torch.float32):
            assert layer(torch.randn(3, 7, dtype=dtype)).dtype == torch.bfloat16


class Doubled(torch.nn.Linear):
    """A layer with a product of its own."""


@pytest.mark.usefixtures("amd")
def test_only_plain_layers_in_float32_are_changed() -> None:
    """A layer of a model's own class may compute anything, and others have oneDNN anyway."""
    model = torch.nn.Sequential(Doubled(2, 2), torch.nn.Linear(2, 2, dtype=torch.bfloat16))
    assert not use_onednn(model)
    assert [type(layer) for layer in model] == [Doubled, torch.nn.Linear]


@pytest.mark.parametrize("vendor", ["GenuineIntel", "", "0x41"])
def test_pytorch_chooses_elsewhere(monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
    """MKL uses all that processors of Intel have, and is not on others."""
    monkeypatch.setattr(linear_layers, "read_vendor", lambda: vendor)
    layer = torch.nn.Linear(2, 2)
    assert not use_onednn(torch.nn.Sequential(layer))
    assert type(layer) is torch.nn.Linear


@pytest.mark.parametrize(
    ("cpuinfo", "processor", "vendor"),
    [
        ("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n", "", "AuthenticAMD"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "", ""),
        (None, "AMD64 Family 25 Model 33 Stepping 2, AuthenticAMD", "AuthenticAMD"),
        (None, "i386", "i386"),
    ],
    ids=["linux", "arm", "windows", "mac"],
)
def test_the_maker_is_found(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cpuinfo: str | None,
    processor: str,
    vendor: str,
) -> None:
    """As each system tells it."""
    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_text(cpuinfo, encoding="utf-8")
    monkeypatch.setattr(linear_layers, "Path", lambda _name: file)
    monkeypatch.setattr(platform, "processor", lambda: processor)
    assert read_vendor() == vendor
