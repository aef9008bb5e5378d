"""The settings as a JSON schema, from their table, and what else a form offers."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any, Final

from .fields import FIELDS, option_of, plain
from .jobs import JOBS
from .settings import STRENGTH, Settings

#: What a setting is taken for that is null by default, where it is one number.
_MEANT: Final = {"strength": STRENGTH}


def form(
    *,
    limits: Mapping[str, int],
    most: Mapping[str, int],
    types: Collection[str],
    formats: Collection[str],
    presets: Mapping[str, Mapping[str, Any]],
    models: Collection[str],
    model: str | None,
) -> dict[str, Any]:
    """Return all that a form can offer, as JSON has it.

    Args:
        limits: The largest value of settings that may not have every value.
        most: Most pictures of each role.
        types: Media types of pictures that are taken.
        formats: Suffixes of pictures that are made, without a dot.
        presets: Values of the settings of each preset.
        models: Names of models.
        model: Name of the one that is used if none is asked for, if it has one.
    """
    return {
        "settings": settings_schema(limits),
        "jobs": {name: sorted(each.pictures) for name, each in JOBS.items()},
        "commands": {name: each.command for name, each in JOBS.items()},
        "presets": {
            name: {key: plain(key, value) for key, value in values.items()}
            for name, values in presets.items()
        },
        "models": sorted(models),
        "model": model,
        "most": dict(most),
        "types": [*types],
        "formats": [*formats],
    }


def settings_schema(limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the schema of the object ``settings``, in the order of the table.

    Beside the keywords of JSON schema, each setting has ``x-group``, the group of
    options it is shown with, ``x-jobs``, the jobs that it has an effect on,
    ``x-option``, its option on the command line, ``x-repeated`` if that stands once
    for each value, ``x-picture`` if it is a picture, which is sent as a file, and
    ``x-meant``, the number that its default stands for, if null does.

    Args:
        limits: The largest value of settings that may not have every value.
    """
    declared = {each.name: each for each in fields(Settings)}
    properties = {}
    for name, row in FIELDS.items():
        about: dict[str, Any] = {
            "title": name.replace("_", " ").capitalize(),
            "description": declared[name].metadata["help"],
            **row.kind.schema,
            "default": plain(name, declared[name].default),
            "x-expected": row.kind.expected,
            "x-group": row.group,
            "x-jobs": [job for job, each in JOBS.items() if name not in each.unused],
            "x-option": f"--{option_of(name)}",
        }
        if row.kind.option == list[str]:
            about["x-repeated"] = True
        if name in _MEANT:
            about["x-meant"] = _MEANT[name]
        if name in limits:
            about["maximum"] = limits[name]
        if row.kind.not_files is not None:
            about = _of_picture(about, sorted(row.kind.not_files))
        elif row.kind.optional:
            about = _or_null(about)
        properties[name] = about
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _of_picture(about: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """Return the schema of a picture: a word, or null where a file takes its place."""
    one = {"enum": [*words, None]}
    many = about.pop("type") == "array"
    about.pop("items", None)
    shape = {"type": ["array", "null"], "items": one} if many else one
    return {**about, **shape, "x-picture": True}


def _or_null(about: dict[str, Any]) -> dict[str, Any]:
    return {**about, "type": [about["type"], "null"]}
