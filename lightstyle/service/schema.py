"""The settings as a JSON schema, from their table, for the form and the API."""

from dataclasses import fields
from typing import Any

from ..settings.fields import FIELDS, plain
from ..settings.jobs import JOBS
from ..settings.settings import STRENGTH, Settings
from .limits import Limits

#: Settings that a limit of the same name narrows.
_NARROWED = ("size", "iterations")

#: What a setting is taken for that is null by default, where it is one number.
_MEANT = {"strength": STRENGTH}


def settings_schema(limits: Limits) -> dict[str, Any]:
    """Return the schema of the object ``settings``, in the order of the table.

    Beside the keywords of JSON schema, each setting has ``x-group``, the group of
    options it is shown with, ``x-jobs``, the jobs that it has an effect on,
    ``x-picture`` if it is a picture, which is sent as a file, and ``x-meant``, the
    number that its default stands for, if null does.
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
        }
        if name in _MEANT:
            about["x-meant"] = _MEANT[name]
        if name in _NARROWED:
            about["maximum"] = getattr(limits, name)
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
