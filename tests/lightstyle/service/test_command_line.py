"""The command that the page shows for a job."""

import shlex
from typing import Any

import pytest

from lightstyle.service.command_line import command_line
from lightstyle.service.folder import Spec
from lightstyle.settings.jobs import JOBS
from lightstyle.settings.layers import LayerWeights
from lightstyle.settings.settings import Settings
from tests.conftest import Runner


def spec_of(settings: Settings, **more: Any) -> Spec:
    given: dict[str, Any] = {"content": "content.png", "style": ("style.png",), **more}
    job = given.setdefault("job", "stylize")
    for role in {"content", "style"} - JOBS[job].pictures:
        given.pop(role)
    about: dict[str, Any] = {
        "id": "x",
        "owner": "me",
        "created": 0.0,
        "name": "",
        "request": "0" * 64,
    }
    return Spec(**about, settings=settings.as_dict(), **given)


@pytest.mark.usefixtures("studio")
@pytest.mark.parametrize(
    ("settings", "more"),
    [
        (Settings(), {}),
        (Settings(size=48, strength=0.7, enlarge=True, color="content-chroma"), {}),
        (Settings(content_weight=2, style_weight=1e4, tv_weight=0.25), {}),
        (
            Settings(
                style_layers=LayerWeights.parse("conv1_1,conv2_1:2"), seed=2**64 - 1
            ),
            {},
        ),
        (
            Settings(
                blend=(3, 1), style_scale=(1, 0.5), style_mask=("all", "style.png")
            ),
            {"style": ("style.png", "content.png")},
        ),
        (Settings(regions=("content.png", "style.png")), {}),
        (Settings(init="content.png", init_noise=0.5, protect="style.png"), {}),
        (Settings(style_loss="gaussian"), {"job": "texture", "size": (48, 32)}),
        (
            Settings(content_layers=LayerWeights.parse("conv4_2")),
            {"job": "reconstruct", "suffix": ".webp"},
        ),
    ],
)
def test_the_command_asks_for_what_the_job_was_asked_for(
    settings: Settings,
    more: dict[str, Any],
    run: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    for command in ("stylize", "texture", "content"):
        monkeypatch.setattr(
            f"lightstyle.cli.{command}.make", lambda *a, **_: asked.append(a)
        )
    spec = spec_of(settings, **more)
    words = shlex.split(command_line(spec, "tiny"))
    assert words[0] == "lightstyle"
    done = run(*words[1:])
    assert (done.code, done.lines) == (0, [])
    job, pictures, output, _, read, options = asked[0]
    assert (job, read, options.model) == (spec.job, settings, "tiny")
    assert str(output) == f"out{spec.suffix}"
    shown = {role: pictures.get(role) for role in ("content", "size")}
    assert str(shown["content"]) == str(spec.content)
    assert shown["size"] == spec.size
    assert tuple(map(str, pictures.get("style", ()))) == spec.style


def test_the_model_is_the_one_that_was_asked_for() -> None:
    assert "--model vgg19 " in command_line(spec_of(Settings(), model="vgg19"), "tiny")
    assert "--model" not in command_line(spec_of(Settings()), None)
