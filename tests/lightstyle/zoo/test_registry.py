from pathlib import Path

import pytest

from lightstyle import LayerWeights, Model, Settings, model_folder
from lightstyle.errors import ModelError, OutputError
from lightstyle.zoo import registry

AVERAGE = Settings(pooling="average", content_layers=LayerWeights({"conv4_1": 1.0}))


def _put(name: str) -> Path:
    path = registry.cached(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_path_is_itself_and_a_name_lies_in_the_cache(tmp_path: Path) -> None:
    assert registry.find(tmp_path / "m.onnx") == tmp_path / "m.onnx"
    assert registry.find("m.onnx") == Path("m.onnx")
    assert registry.find("vgg19") == model_folder.cache_folder() / "vgg19.onnx"


def test_without_a_name_the_environment_decides_and_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert registry.find(None) == registry.bundled()
    cached = _put(model_folder.DEFAULT_MODEL)
    assert registry.find(None) == cached
    monkeypatch.setenv(registry.MODEL_VARIABLE, str(tmp_path / "mine.onnx"))
    assert registry.find(None) == tmp_path / "mine.onnx"
    assert registry.find("other.onnx") == Path("other.onnx")


def test_the_bundled_model_has_a_name_that_a_model_in_the_cache_may_take() -> None:
    assert registry.find("vgg19-lite") == registry.bundled()
    cached = _put("vgg19-lite")
    assert registry.find("vgg19-lite") == cached


def test_models_are_listed_without_their_siblings() -> None:
    paths = [_put("vgg19"), _put("vgg19.targets"), _put("b")]
    assert registry.available() == (paths[2], paths[0], registry.bundled())


def test_the_bundled_model_fits_the_default_settings() -> None:
    loaded = registry.load(None, Settings(), "cpu")
    assert loaded.info.path == registry.bundled()
    assert loaded.info.content_layers == Settings().content_layers.used
    assert "Simonyan" in loaded.info.source
    assert "CC BY 4.0" in loaded.info.source


def test_a_model_with_what_is_needed_is_taken_as_it_is(tiny_model: Path) -> None:
    loaded = registry.load(tiny_model, Settings(), "cpu")
    assert loaded.info.path == tiny_model


def test_a_model_without_it_is_built_again_once(tiny_model: Path) -> None:
    loaded = registry.load(tiny_model, AVERAGE, "cpu")
    assert loaded.info.pooling == "average"
    assert loaded.info.content_layers == ("conv4_1",)
    assert loaded.info.source == "tiny"
    built = loaded.info.path.stat().st_mtime_ns
    again = registry.load(tiny_model, AVERAGE, "cpu").info.path
    assert again == loaded.info.path
    assert again.stat().st_mtime_ns == built
    assert again.parent.parent == model_folder.cache_folder()


def test_without_the_exporter_a_line_says_how_to_get_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_EXPORTERS", ())
    with pytest.raises(ModelError) as caught:
        registry.load(tiny_model, AVERAGE, "cpu")
    message = str(caught.value)
    assert "content layer conv4_1, average pooling" in message
    assert "pip install" in message
    assert "\n" not in message


def test_a_model_that_was_loaded_without_a_layer_is_refused_with_a_command(
    tiny_model: Path,
) -> None:
    info = Model.load(tiny_model, "cpu").info
    with pytest.raises(
        ModelError, match=r"build another with .* --content-layers conv4_1 .*-o MODEL"
    ):
        registry.check(info, AVERAGE)


def test_a_variant_needs_a_cache_that_can_be_written(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(OutputError, match="another cache folder with LIGHTSTYLE_CACHE"):
        registry.load(tiny_model, AVERAGE, "cpu")
