"""Translates the names that tools give to tensors into the names of VGG19's layers.

conv1_1.weight, conv1_1_W        Caffe's own names; also Gatys' vgg_conv.pth
features.0.weight                torchvision: position among all the modules
vgg0_conv0_weight                MXNet Gluon, and from it the ONNX model zoo
block1_conv1/…/kernel:0          Keras 1 to 3
…/conv2d_1/vars/0                Keras 3, `.weights.h5`: position among the layers
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from ..errors import WeightsError
from .tensors import Family, LazyTensor, WeightsFile

_CONVOLUTIONS_PER_BLOCK: Final = (2, 2, 4, 4, 4)

#: All convolutions of VGG19 in their order, conv5_4 included.
CONVOLUTIONS: Final = tuple(
    f"conv{block}_{index}"
    for block, count in enumerate(_CONVOLUTIONS_PER_BLOCK, start=1)
    for index in range(1, count + 1)
)

_ROLE: Final = r"(?P<role>kernel|weight|W|w_0|bias|b|b_0)"
_PATTERNS: Final = (
    (Family.CAFFE, re.compile(rf"(?P<layer>conv[1-5]_[1-4])[._/]{_ROLE}")),
    (Family.TORCHVISION, re.compile(rf"features\.(?P<module>\d{{1,2}})\.{_ROLE}")),
    (Family.GLUON, re.compile(rf"(?:vgg\d+_)?conv(?P<index>\d{{1,2}})_{_ROLE}")),
    (
        Family.KERAS,
        re.compile(
            r"(?:.*/)?block(?P<block>[1-5])_conv(?P<number>[1-4])[._/]"
            rf"(?:{_ROLE}(?:_\d+)?(?::0)?|vars/(?P<variable>[01]))"
        ),
    ),
    (
        Family.KERAS,
        re.compile(r"(?:.*/)?conv2d(?:_(?P<index>\d{1,2}))?/vars/(?P<variable>[01])"),
    ),
)
_FAMILIES: Final = (
    (Family.KERAS, re.compile(r"block[1-5]_conv[1-4]")),
    (Family.TORCHVISION, re.compile(r"features\.\d+\.")),
    (Family.GLUON, re.compile(r"vgg\d+_conv\d+_")),
)
_NORMALISATION: Final = re.compile(r"running_mean|moving_mean|batch_?norm", re.I)
_BIASES: Final = ("bias", "b", "b_0", "1")


class Named(NamedTuple):
    """A parsed name: the family of names, the layer, and whether it is a bias."""

    family: Family
    layer: str
    is_bias: bool


#: Position among torchvision's modules, poolings included → layer.
_MODULES: Final = {
    2 * index + int(layer[len("conv")]) - 1: layer
    for index, layer in enumerate(CONVOLUTIONS)
}


def parse(name: str) -> Named | None:
    """Parse the name of a tensor; return None if it is not a convolution's."""
    for family, pattern in _PATTERNS:
        if match := pattern.fullmatch(name):
            parts = match.groupdict()
            if layer := _layer(parts):
                role = parts.get("role") or parts.get("variable")
                return Named(family, layer, role in _BIASES)
    return None


def _layer(parts: Mapping[str, str | None]) -> str | None:
    if layer := parts.get("layer"):
        return layer
    if module := parts.get("module"):
        return _MODULES.get(int(module))
    if block := parts.get("block"):
        return f"conv{block}_{parts['number']}"
    index = int(parts.get("index") or 0)
    return CONVOLUTIONS[index] if index < len(CONVOLUTIONS) else None


def family_of(name: str) -> Family | None:
    """Return the family of a name, even if the rest of it cannot be parsed."""
    return next((f for f, pattern in _FAMILIES if pattern.search(name)), None)


def refuse_normalisation(names: list[str]) -> None:
    """Refuse vgg19_bn, whose convolutions differ from VGG19's.

    Raises:
        WeightsError: A name is that of a batch normalisation.
    """
    if name := next((n for n in names if _NORMALISATION.search(n)), None):
        raise WeightsError(
            f"{name!r} is a batch normalisation, so this is vgg19_bn; expected the "
            "plain VGG19: use vgg19"
        )


def sort_out(
    tensors: Mapping[str, LazyTensor], source: str, layout: str = ""
) -> WeightsFile:
    """Find the convolutions among named tensors.

    Args:
        tensors: Tensors by name.
        source: Format of the file, with ``{family}`` where the naming is to stand.
        layout: As of `WeightsFile`.

    Raises:
        WeightsError: There is no convolution, a second tensor for one layer, or a batch
            normalisation.
    """
    refuse_normalisation(list(tensors))
    families: list[Family] = []
    kernels: dict[str, LazyTensor] = {}
    biases: dict[str, LazyTensor] = {}
    for name, tensor in tensors.items():
        if named := parse(name):
            place = biases if named.is_bias else kernels
            if named.layer in place:
                raise WeightsError(f"{name!r} is a second tensor for {named.layer}")
            place[named.layer] = tensor
            families.append(named.family)
    if not kernels:
        raise WeightsError(_none_found(list(tensors)))
    source = source.format(family=families[0])
    return WeightsFile(source, kernels, biases, families[0], layout)


def _none_found(names: list[str]) -> str:
    examples = ", ".join(repr(name[:40]) for name in names[:3]) or "none at all"
    return (
        f"no convolution of VGG19 among its {len(names)} tensors ({examples}); "
        "expected names such as conv1_1.weight or features.0.weight"
    )
