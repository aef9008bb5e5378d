"""What is asked for of a job is understood, or refused by name."""

from typing import Any

import pytest

from lightstyle.service.parameters import Parameters
from lightstyle.settings.fields import FIELDS
from lightstyle.settings.jobs import JOBS
from tests.support.service import App, refused
from tests.support.serving import QUICK, form


def test_every_job_can_be_asked_for_and_has_a_command() -> None:
    asked = Parameters.model_json_schema()["properties"]["job"]["enum"]
    assert {*asked} == JOBS.keys()


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"sise": 64}, "settings.sise", "did you mean size?"),
        ({"size": 5000}, "settings.size", "at most 1024 here"),
        ({"size": "large"}, "settings.size", "expected a whole number"),
        ({"iterations": 2001}, "settings.iterations", "at most 2000 here"),
        ({"strength": 0.5, "style_weight": 3}, "settings", "cannot be combined"),
        ({"init": "/etc/passwd"}, "settings.init", "expected content, noise, style"),
        ({"protect": "/etc/passwd"}, "settings.protect", "null with a file"),
        ({"content_mask": ["../x"]}, "settings.content_mask", "expected all"),
        ({"content_mask": "../x"}, "settings.content_mask", "expected all"),
        ({"regions": ["a", "b"]}, "settings.regions", "null with a file"),
        ({"content_mask": ["all", "all"]}, "settings", "2 content masks for 1 style"),
        ({"blend": [1, 2, 3]}, "settings", "blend"),
    ],
)
def test_a_setting_that_is_not_possible_is_named(
    app: App, settings: dict[str, Any], field: str, words: str
) -> None:
    problem = refused(app.post(form(settings)), 422, "invalid")
    (error,) = problem["errors"]
    assert error["field"] == field
    assert words in error["message"]
    if "sise" in settings:
        assert problem["known_settings"] == [*FIELDS]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"job": "paint"}, "job"),
        ({"model": "../vgg"}, "model"),
        ({"preset": "/etc/passwd"}, "preset"),
        ({"size": [64, 64]}, "size"),
        ({"job": "texture"}, "size"),
        ({"colour": "red"}, "colour"),
        ({"name": 5}, "name"),
        ({"again": "nothing"}, "again"),
        ({"go_on": True}, "go_on"),
        ({"format": "svg"}, "format"),
    ],
)
def test_a_parameter_that_is_not_possible_is_named(
    app: App, more: dict[str, Any], field: str
) -> None:
    problem = refused(app.post(form(QUICK, **more)), 422, "invalid")
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("job", "pictures", "field"),
    [
        ("stylize", ("content",), "style"),
        ("stylize", ("style",), "content"),
        ("stylize", ("content", "content", "style"), "content"),
        ("stylize", ("content", *["style"] * 5), "style"),
        ("reconstruct", ("content", "style"), "style"),
    ],
)
def test_a_job_needs_its_pictures_and_no_others(
    app: App, job: str, pictures: tuple[str, ...], field: str
) -> None:
    problem = refused(app.post(form({}, pictures, job=job)), 422, "invalid")
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize("text", ["[]", "null", '"x"'])
def test_parameters_that_are_no_object_are_refused(app: App, text: str) -> None:
    answer = app.post({"files": [("params", (None, text))]})
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "params"


@pytest.mark.parametrize("text", ["{", '{"job": "stylize"', "[[" * 9999])
def test_parameters_that_are_no_json_are_refused(app: App, text: str) -> None:
    answer = app.post({"files": [("params", (None, text))]})
    refused(answer, 400, "malformed")


def test_a_preset_and_settings_are_combined(app: App) -> None:
    id_ = app.post(form({"size": 64}, preset="gatys")).json()["id"]
    settings = app.client.get(f"/v1/jobs/{id_}").json()["params"]["settings"]
    assert (settings["size"], settings["pyramid"]) == (64, "off")
