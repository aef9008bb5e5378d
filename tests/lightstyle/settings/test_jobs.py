from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lightstyle
from export import build_model
from lightstyle import LayerWeights, Model, Settings
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ExitCode, ModelError
from lightstyle.records.record import Record
from lightstyle.settings.fields import FIELDS
from lightstyle.settings.jobs import JOBS, Layers, prepared, required_layers
from lightstyle.zoo import registry
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.conftest import Runner
from tests.support.networks import picture, tiny_weights, weighed
from tests.support.transfers import CONTENT, QUICK, STYLE, totals

CONTENT_LAYERS = QUICK.content_layers.used
STYLE_LAYERS = QUICK.style_layers.used

#: Settings that have no effect on a job are far from their defaults here.
ODD = Settings(
    style_loss="match",
    style_layers=LayerWeights.parse("conv4_1,conv5_2"),
    content_layers=LayerWeights.parse("conv1_2,conv4_2"),
    color="match-style",
    colors_of="a.png",
    style_mask=("all",),
    blend=(3.0, 1.0),
    strength=0.3,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of the style layers alone, and one of the content layers alone."""
    folder = tmp_path_factory.mktemp("one-sided")
    texture, content = folder / "texture.onnx", folder / "content.onnx"
    build_model(tiny_weights(), texture, content_layers=[])
    build_model(tiny_weights(), content, style_layers=[])
    return {"texture": texture, "reconstruct": content}


def _run(job: str, model: Any, settings: Settings = QUICK) -> lightstyle.Result:
    if job == "texture":
        return lightstyle.texture(STYLE, (56, 40), model=model, settings=settings)
    return lightstyle.reconstruct(CONTENT, model=model, settings=settings)


@pytest.mark.parametrize(
    ("job", "settings", "layers"),
    [
        ("stylize", QUICK, Layers(CONTENT_LAYERS, STYLE_LAYERS)),
        ("texture", QUICK, Layers((), STYLE_LAYERS)),
        ("reconstruct", QUICK, Layers(CONTENT_LAYERS, ())),
        ("texture", ODD, Layers(("conv4_1", "conv5_2"), ("conv4_1", "conv5_2"))),
        ("reconstruct", ODD, Layers(("conv1_2", "conv4_2"), ())),
        (
            "stylize",
            ODD,
            Layers(
                ("conv1_2", "conv4_1", "conv4_2", "conv5_2"), ("conv4_1", "conv5_2")
            ),
        ),
    ],
)
def test_a_job_needs_the_layers_of_its_own_losses(
    job: str, settings: Settings, layers: Layers
) -> None:
    assert required_layers(settings, job) == layers


@pytest.mark.parametrize("job", JOBS)
def test_settings_that_a_job_does_not_use_are_the_defaults(job: str) -> None:
    kept = prepared(ODD, job)
    assert kept.init == JOBS[job].start
    for name in FIELDS.keys() - {"content_layers", "style_layers", "init"}:
        source = Settings() if name in JOBS[job].unused else ODD
        assert getattr(kept, name) == getattr(source, name)
    assert required_layers(kept, job) == required_layers(ODD, job)


@pytest.mark.parametrize("job", ["texture", "reconstruct"])
def test_a_job_runs_with_a_model_of_its_own_layers_alone(
    job: str, models: dict[str, Path], model: Model
) -> None:
    own = Model.load(models[job], "cpu", 1)
    result = _run(job, own)
    np.testing.assert_allclose(
        totals(result), totals(_run(job, model)), rtol=1e-4, atol=0
    )
    other = ({*models} - {job}).pop()
    with pytest.raises(ModelError, match="was built without"):
        _run(other, own)
    with pytest.raises(ModelError, match="was built without"):
        lightstyle.stylize(CONTENT, STYLE, model=own, settings=QUICK)


@pytest.mark.parametrize("job", ["texture", "reconstruct"])
def test_a_model_of_one_kind_of_layers_is_evaluated_in_parts_too(
    job: str, models: dict[str, Path]
) -> None:
    own, pixels = Model.load(models[job], "cpu", 1), picture(48, 64)[None]
    parts = Tiling(dict.fromkeys(range(1, 6), 16), dict.fromkeys(range(1, 6), 20))
    feeds = weighed(own.targets(picture(48, 64, 1)[None], parts), 1.0, tv_weight=0.1)
    whole, found = own.evaluate(pixels, feeds), own.evaluate(pixels, feeds, parts)
    assert found.terms == pytest.approx(whole.terms, rel=1e-4)
    scale = np.abs(whole.gradient).max()
    np.testing.assert_allclose(found.gradient, whole.gradient, atol=1e-3 * scale)


@pytest.mark.parametrize(
    ("job", "changes", "built"),
    [
        ("texture", {"style_layers": "conv2_2,conv3_1"}, ((), ("conv2_2", "conv3_1"))),
        ("reconstruct", {"content_layers": "conv3_3"}, (("conv3_3",), ())),
    ],
)
def test_a_variant_is_built_with_the_layers_of_the_job_alone(
    tiny_model: Path, job: str, changes: dict[str, Any], built: Any
) -> None:
    settings = Settings(size=48, iterations=3, **changes)
    loaded = registry.load(tiny_model, settings, "cpu", 1, job=job)
    assert (loaded.info.content_layers, loaded.info.style_layers) == built
    assert totals(_run(job, loaded, settings)) == totals(
        _run(job, tiny_model, settings)
    )


@pytest.mark.parametrize(
    ("kind", "command", "refused"),
    [
        ("content", ["texture", "style.png", "--size=48x40"], "content.png"),
        ("style", ["content", "content.png", "--size=48"], "style.png"),
    ],
)
def test_a_model_exported_without_a_kind_of_layers_serves_the_other_job(
    run: Runner,
    studio: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    command: list[str],
    refused: str,
) -> None:
    weights = tiny_model.with_suffix(".safetensors")
    made = run("export", "--weights", weights, f"--{kind}-layers=none", "-o", "m.onnx")
    assert made.code == ExitCode.OK
    monkeypatch.setenv(MODEL_VARIABLE, "m.onnx")
    monkeypatch.setattr(registry, "_EXPORTERS", ())
    done = run(*command, "-o", "out.png", "--iterations=3")
    assert done.code == ExitCode.OK, done.lines
    assert Record.read("out.png").evaluations == 3
    done = run("stylize", "content.png", "style.png", "-o", "no.png", "--size=48")
    assert done.code == ExitCode.MODEL
    assert f"without {kind} layer" in done.lines[0]


@pytest.mark.parametrize(
    ("command", "job"), [("content", "reconstruct"), ("texture",) * 2]
)
def test_a_command_offers_the_settings_of_its_job(
    run: Runner, command: str, job: str
) -> None:
    shown = run(command, "--help").out
    for name in FIELDS.keys() - {"size"}:  # a texture's has another meaning
        option = f"--{name.replace('_', '-')} "
        assert (option in shown) == (name not in JOBS[job].unused)
