"""What a person can get wrong on the command line, in a folder of `tests.wrecks`."""

from lightstyle.errors import ExitCode

# Arguments of a command, its exit code, and words of the line that it prints.
Case = tuple[list[str], ExitCode, str]

TEXTURE = ["texture", "style.png", "--size", "64x64", "-o", "out.png"]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png"]


def quick(*options: str) -> list[str]:
    """A run of a moment, with `options`."""
    return [*STYLIZE, "--iterations", "2", "--size", "48", *options]


def _styles(*options: str) -> list[str]:
    return ["stylize", "content.png", "style.png", "style2.png", "-o=out.png", *options]


def _content(path: str) -> list[str]:
    return ["stylize", path, "style.png", "-o", "out.png"]


PICTURES: dict[str, tuple[list[str], str]] = {
    "missing content": (_content("no.png"), "content no.png"),
    "missing style": (["stylize", "content.png", "no.png", "-o", "out.png"], "style"),
    "missing second style": (
        ["stylize", "content.png", "style.png", "no.png", "-o", "out.png"],
        "style no.png",
    ),
    "folder as content": (_content("folder"), "content folder"),
    "empty file": (_content("empty.png"), "empty.png"),
    "truncated JPEG": (_content("cut.jpg"), "cut.jpg"),
    "truncated PNG": (_content("cut.png"), "cut.png"),
    "text called .jpg": (_content("text.jpg"), "text.jpg"),
    "vector graphics": (_content("drawing.svg"), "drawing.svg"),
    "1 × 1": (_content("dot.png"), "1×1"),
    "20000 × 1": (_content("line.png"), "20000×1"),
    "decompression bomb": (_content("bomb.png"), "megapixels"),
    "unreadable palette": (
        quick("--color", "match-style", "--colors-of", "no.png"),
        "colors-of no.png",
    ),
    "unreadable init": (quick("--init", "no.png"), "init no.png"),
    "coloured mask": (quick("--content-mask", "content.png"), "is coloured"),
    "missing mask": (quick("--style-mask", "no.png"), "style-mask no.png"),
    "map of a photograph": (
        quick("--regions", "content.png", "style.png"),
        "colours, expected at most 16",
    ),
    "tiny texture style": (
        ["texture", "dot.png", "--size", "64x64", "-o", "out.png"],
        "style",
    ),
}


SETTINGS: dict[str, tuple[list[str], str]] = {
    "unknown layer": (quick("--content-layers", "conv6_1"), "conv6_1"),
    "layer twice": (quick("--style-layers", "conv1_1,conv1_1"), "given twice"),
    "no layer": (quick("--style-layers", ""), "at least one with a weight"),
    "layer weight no number": (quick("--style-layers", "conv1_1:x"), "'x'"),
    "negative layer weight": (quick("--style-layers", "conv1_1:-1"), "at least 0"),
    "negative weight": (quick("--style-weight", "-1"), "style-weight"),
    "weight not a number": (quick("--content-weight", "nan"), "content-weight"),
    "infinite weight": (quick("--tv-weight", "inf"), "tv-weight"),
    "zero iterations": (quick("--iterations", "0"), "iterations"),
    "iterations in words": (quick("--iterations", "many"), "iterations"),
    "size too small": (quick("--size", "8"), "size"),
    "noise over one": (quick("--init-noise", "2"), "init-noise"),
    "more masks than styles": (
        quick("--content-mask", "all", "--content-mask", "all"),
        "got 2 content masks for 1 style: give one per style",
    ),
    "fewer masks than styles": (
        _styles("--style-mask", "all"),
        "got 1 style mask for 2 styles",
    ),
    "one map": (quick("--regions", "content.png"), "regions"),
    "maps beside masks": (
        quick("--regions", "a.png", "b.png", "--style-mask", "all"),
        "--regions cannot be combined with --style-mask",
    ),
    "unknown outside": (quick("--outside", "freeze"), "keep or blend"),
    "match beside balance": (
        quick("--style-loss", "match", "--balance-layers"),
        "--style-loss match cannot be combined with --balance-layers",
    ),
    "match beside a content mask": (
        quick("--style-loss", "match", "--content-mask", "all"),
        "--style-loss match cannot be combined with --content-mask",
    ),
    "match beside regions": (
        quick("--style-loss", "match", "--regions", "a.png", "b.png"),
        "--style-loss match cannot be combined with --regions",
    ),
    "match of content layers alone": (
        quick(
            *("--style-loss", "match", "--style-layers", "conv1_1,conv4_1"),
            *("--content-layers", "conv4_1,conv5_2"),
        ),
        "of block 3 or deeper that is no content layer",
    ),
    "match without deep layers": (
        quick("--style-loss", "match", "--style-layers", "conv1_1"),
        "of block 3 or deeper",
    ),
    "negative seed": (quick("--seed", "-1"), "seed"),
    "unknown pooling": (quick("--pooling", "median"), "max or average"),
    "style scale zero": (quick("--style-scale", "0"), "style-scale"),
    "second style scale zero": (quick("--style-scale", "1,0"), "style-scale is 1,0"),
    "style scales in words": (quick("--style-scale", "1,x"), "style-scale is 1,x"),
    "more style scales than styles": (
        quick("--style-scale", "1,2"),
        "got 2 numbers in --style-scale for 1 style",
    ),
    "more shares than styles": (
        quick("--blend", "1,2"),
        "got 2 numbers in --blend for 1 style",
    ),
    "fewer shares than styles": (
        _styles("--blend", "1"),
        "got 1 number in --blend for 2 styles",
    ),
    "blend of zeros": (_styles("--blend", "0,0"), "blend is 0,0"),
    "negative share": (_styles("--blend", "2,-1"), "blend is 2,-1"),
    "share no number": (_styles("--blend", "2,nan"), "blend is 2,nan"),
    "infinite blend": (_styles("--blend", "1e308,1e308"), "finite sum"),
    "blend in words": (_styles("--blend", "half"), "blend is half"),
    "empty blend": (_styles("--blend="), "blend is empty"),
    "no threads": (quick("--threads", "0"), "threads"),
    "unknown device": (quick("--device", "tpu"), "auto, cpu, cuda"),
    "unknown precision": (quick("--precision", "bf16"), "expected float32 or tf32"),
    "tf32 on a CPU": (
        quick("--precision", "tf32", "--device", "cpu"),
        "device cpu does not have: choose float32, or --device cuda",
    ),
    "bits between": (quick("--bits", "12"), "8 or 16"),
    "negative save-every": (quick("--save-every", "-1"), "save-every"),
    "texture size in words": (
        ["texture", "style.png", "--size", "large", "-o", "out.png"],
        "WIDTHxHEIGHT",
    ),
    "texture too small": (
        ["texture", "style.png", "--size", "64x8", "-o", "out.png"],
        "at least 32",
    ),
    "texture from content": (
        ["texture", "style.png", "--size", "64x64", "-o", "out.png", "--init=content"],
        "no content image: choose another",
    ),
    "unknown color": (quick("--color", "sepia"), "content-chroma"),
    "palette without use": (quick("--colors-of", "style.png"), "match-style"),
    "chroma of another picture": (
        quick("--color", "content-chroma", "--colors-of", "style.png"),
        "--colors-of cannot be combined with --color content-chroma",
    ),
    "texture without a palette": (
        [*TEXTURE, "--color", "match-style"],
        "name a picture with --colors-of",
    ),
    "texture with content chroma": (
        [*TEXTURE, "--color", "content-chroma"],
        "no content",
    ),
    "unknown option": (quick("--brush", "5"), "--brush"),
    "unknown command": (["paint", "content.png"], "paint"),
    "missing style argument": (["stylize", "content.png", "-o", "out.png"], "style"),
    "unknown suffix": ([*STYLIZE[:4], "out.xyz"], "suffix"),
    "16 bits in JPEG": ([*STYLIZE[:4], "out.jpg", "--bits", "16"], "16 bits"),
    "log is the picture": (
        quick("--log", "out.png"),
        "this file already",
    ),
}


OUTPUTS: dict[str, tuple[list[str], str]] = {
    "missing folder": ([*STYLIZE[:4], "no/out.png"], "no folder"),
    "folder as log": (quick("--log", "folder"), "directory"),
    "existing output": ([*STYLIZE[:4], "style2.png"], "exists"),
    "output is content": ([*STYLIZE[:4], "content.png", "--overwrite"], "input"),
    "output is style": ([*STYLIZE[:4], "style.png", "--overwrite"], "input"),
    "output is the second style": (
        [*_styles()[:4], "-o", "style2.png", "--overwrite"],
        "input",
    ),
    "output is palette": (
        quick("-o", "style2.png", "--color=match-style", "--colors-of=style2.png"),
        "input",
    ),
    "existing log": (quick("--log", "text.jpg"), "exists"),
    "log in no folder": (quick("--log", "no/log"), "no folder"),
    "existing save": (
        [*STYLIZE, "--save-every", "2", "--iterations", "3", "--size", "48"],
        "out_0002.png",
    ),
}


MODELS: dict[str, tuple[list[str], str]] = {
    "missing model": (quick("--model", "no.onnx"), "does not exist"),
    "unknown name": (quick("--model", "vgg16"), "vgg16.onnx does not exist"),
    "folder as model": (quick("--model", "folder.png"), "is not a file"),
    "empty model": (quick("--model", "empty.onnx"), "cannot be loaded"),
    "truncated model": (quick("--model", "cut.onnx"), "cannot be loaded"),
    "foreign model": (quick("--model", "foreign.onnx"), "not made by Lightstyle"),
    "targets as model": (quick("--model", "m.targets.onnx"), "targets graph"),
    "model without weights": (quick("--model", "bare.onnx"), "cannot be loaded"),
    "model with other weights": (quick("--model", "flip.onnx"), "SHA-256"),
    "model without a layer": (
        quick("--model", "m.onnx", "--style-layers", "conv3_3"),
        "without style layer conv3_3: the exporter builds one that has it",
    ),
    "export of nothing": (["export", "--weights", "no.h5"], "no such file"),
    "export of a folder": (["export", "--weights", "folder"], "folder"),
    "export of an empty file": (["export", "--weights", "empty.png"], "empty"),
    "export of text": (["export", "--weights", "text.jpg"], "text.jpg"),
    "export of a pickle that runs code": (
        ["export", "--weights", "hostile.pth"],
        "not executed",
    ),
    "export of NaN": (["export", "--weights", "nan.npz"], "nan.npz"),
    "export of an unknown layer": (
        ["export", "--weights", "m.safetensors", "--style-layers", "conv9_9"],
        "conv9_9",
    ),
    "export of no layer": (
        ["export", "--weights=m.safetensors", "--style-layers=", "--content-layers="],
        "at least one",
    ),
    "export with unknown pooling": (
        ["export", "--weights", "m.safetensors", "--pooling", "min", "-o", "x.onnx"],
        "max or average",
    ),
    "export with unknown preprocessing": (
        ["export", "--weights", "m.safetensors", "--preprocessing", "bgr"],
        "preprocessing",
    ),
    "export to another suffix": (
        ["export", "--weights", "m.safetensors", "-o", "x.pb"],
        ".onnx",
    ),
}


CASES: dict[str, Case] = {
    **{name: (a, ExitCode.IMAGE, words) for name, (a, words) in PICTURES.items()},
    **{name: (a, ExitCode.USAGE, words) for name, (a, words) in SETTINGS.items()},
    **{name: (a, ExitCode.OUTPUT, words) for name, (a, words) in OUTPUTS.items()},
    **{name: (a, ExitCode.MODEL, words) for name, (a, words) in MODELS.items()},
    "cuda without a GPU": (
        quick("--device", "cuda"),
        ExitCode.DEVICE,
        "lightstyle[gpu]",
    ),
    "weights of NaN": (
        quick("--model", "nan.onnx", "--quiet"),  # found after it was announced
        ExitCode.MODEL,
        "values that are not finite",
    ),
    "export to no folder": (
        ["export", "--weights", "m.safetensors", "-o", "no/x.onnx"],
        ExitCode.OUTPUT,
        "no/x.onnx",
    ),
    "export without weights": (["export"], ExitCode.USAGE, "weights"),
}
