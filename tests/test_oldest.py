import pytest

from tests import oldest


def test_every_requirement_has_a_lower_bound_that_is_pinned() -> None:
    pins = oldest.pins(["cpu", "export"])
    assert all(pin.count("==") == 1 for pin in pins)
    names = {pin.split("==")[0] for pin in pins}
    assert {"numpy", "scipy", "pillow", "onnxruntime", "onnx"} <= names


def test_an_upper_bound_is_left_out() -> None:
    assert oldest.pinned("a[b,c]>=1.27,<1.33") == "a[b,c]==1.27"


def test_a_requirement_without_a_lower_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="onnx has no lower bound"):
        oldest.pinned("onnx")
