"""Reads the parameters of a job, by the table of settings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..contract import MINIMUM_SIDE
from ..errors import UsageError
from ..lookup import is_folder
from ..settings import blend, presets
from ..settings.fields import FIELDS, option_of, take
from ..settings.jobs import JOBS
from ..settings.scalars import any_of
from ..settings.settings import Settings
from ..text import printable, shown
from ..transfer import regions
from .limits import LONGEST_NAME, MOST_STYLES, Limits
from .problems import ProblemError

#: Settings that are pictures.
PICTURES: Final = tuple(
    name for name, row in FIELDS.items() if row.kind.not_files is not None
)

_Side = Annotated[int, Field(ge=MINIMUM_SIDE)]


class Parameters(BaseModel):
    """The parameters of a job, all of which have defaults."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job: Literal["stylize", "texture", "reconstruct"] = "stylize"
    name: str = Field("", max_length=LONGEST_NAME, description="What you call it.")
    preset: str | None = Field(
        None, max_length=LONGEST_NAME, description="A preset to begin with."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings that differ from the defaults, as GET /v1/settings lists "
        "them. Those that are pictures come as files of the same name; where a word "
        "stands instead, it is given here, and null where a file is to be taken.",
    )
    size: tuple[_Side, _Side] | None = Field(
        None, description="Width and height of a texture.", strict=False
    )
    model: str | None = Field(
        None, max_length=LONGEST_NAME, description="Name of a model of the server."
    )
    format: Literal["png", "jpg", "webp"] = "png"
    again: str | None = Field(
        None,
        max_length=LONGEST_NAME,
        description="A job whose pictures are taken where none are sent.",
    )
    go_on: bool = Field(
        False, description="Begin with the result of that job instead of anew."
    )


@dataclass(frozen=True)
class Rules:
    """What can be asked for of a server.

    Attributes:
        limits: How much.
        presets: Values of the settings of each preset.
        models: Names of models.
        model: Name of the one that is used if none is asked for, if it has one.
    """

    limits: Limits
    presets: Mapping[str, Mapping[str, Any]]
    models: Collection[str]
    model: str | None = None

    def parameters(self, text: str) -> Parameters:
        """Read the parameters, and check what each says by itself.

        Raises:
            ProblemError: They cannot be read, or a value is not possible.
        """
        try:
            given = Parameters.model_validate_json(text or "{}", strict=True)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            if any(each["type"] == "json_invalid" for each in found):
                raise ProblemError(
                    "malformed", "the field params is not JSON: send an object"
                ) from error
            raise invalid(
                {
                    ".".join(map(str, each["loc"])) or "params": each["msg"]
                    for each in found
                }
            ) from error
        wrong = {}
        if (given.size is not None) != ("content" not in JOBS[given.job].pictures):
            wrong["size"] = "a texture needs one, and no other job has one"
        if given.model is not None and given.model not in self.models:
            wrong["model"] = f"expected {any_of(sorted(self.models))}"
        if given.preset is not None and given.preset not in self.presets:
            wrong["preset"] = f"expected {any_of(sorted(self.presets))}"
        if given.go_on and given.again is None:
            wrong["go_on"] = "say with again which job is to go on"
        if wrong:
            raise invalid(wrong)
        return given

    def settings(
        self, given: Parameters, pictures: Mapping[str, Sequence[str]]
    ) -> Settings:
        """Return the settings that were asked for, with the names of pictures.

        Args:
            given: The parameters.
            pictures: Names of the pictures that came, by role or setting.

        Raises:
            ProblemError: A setting is unknown, or a value is not possible.
        """
        named = {name.replace("-", "_"): v for name, v in given.settings.items()}
        files = {name: pictures[name] for name in PICTURES if pictures.get(name)}
        preset = dict(self.presets[given.preset]) if given.preset else {}
        values: dict[str, Any] = preset
        wrong: dict[str, str] = {}
        for name in {**named, **files}:
            try:
                value = named.get(name)
                if name in PICTURES:
                    value = _filled(name, value, files.get(name, ()))
                values[name] = take(name, value)
            except UsageError as error:
                wrong[f"settings.{printable(name, 80)}"] = str(error)
        unknown = any(name not in FIELDS for name in named)
        if wrong:
            raise invalid(wrong, known=[*FIELDS] if unknown else None)
        try:
            settings = Settings().changed(values)
            _check_counts(settings, len(pictures.get("style", ())))
        except UsageError as error:
            raise invalid({"settings": str(error)}) from error
        self._check_effort(settings, given)
        return settings

    def _check_effort(self, settings: Settings, given: Parameters) -> None:
        limits, wrong = self.limits, {}
        name, longest = "settings.size", settings.size
        if given.size is not None:
            name, longest = "size", max(given.size)
        if longest > limits.size:
            wrong[name] = f"{longest} pixels, expected at most {limits.size} here"
        if settings.iterations > limits.iterations:
            wrong["settings.iterations"] = (
                f"{settings.iterations}, expected at most {limits.iterations} here"
            )
        if wrong:
            raise invalid(wrong)


def check_pictures(job: str, pictures: Mapping[str, Sequence[str]]) -> None:
    """Check that a job has the pictures that it needs, and no others.

    Raises:
        ProblemError: It has not.
    """
    wrong = {}
    for role, most in (("content", 1), ("style", MOST_STYLES)):
        count = len(pictures.get(role, ()))
        if role not in JOBS[job].pictures:
            if count:
                wrong[role] = f"{job} has none: leave it out"
        elif not 1 <= count <= most:
            how = "one file" if most == 1 else f"1 to {most} files"
            wrong[role] = f"got {count}, expected {how}"
    if wrong:
        raise invalid(wrong)


def invalid(
    wrong: Mapping[str, str], known: Sequence[str] | None = None
) -> ProblemError:
    """Return the problem of fields that are wrong, and why."""
    detail = "; ".join(f"{field}: {why}" for field, why in wrong.items())
    errors = [{"field": field, "message": why} for field, why in wrong.items()]
    more: dict[str, Any] = {} if known is None else {"known_settings": known}
    return ProblemError("invalid", detail, errors=errors, **more)


def named_presets(folder: Path | None) -> dict[str, dict[str, Any]]:
    """Read the presets that ship, and those in a folder.

    Settings that are pictures are left out: a preset would name files of the server.

    Raises:
        UsageError: There is no such folder, or one in it cannot be read.
    """
    paths = {name: presets.SHIPPED / f"{name}.toml" for name in presets.names()}
    if folder is not None:
        if not is_folder(folder):
            raise UsageError(f"presets {folder}: there is no such folder")
        paths |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    found = {name: presets.read(path) for name, path in paths.items()}
    return {
        name: {k: v for k, v in values.items() if k not in PICTURES}
        for name, values in found.items()
    }


def _check_counts(settings: Settings, styles: int) -> None:
    """Raise a `UsageError` unless lists are as long as there are styles."""
    if styles:
        blend.shares(settings.blend, styles)
        blend.scales(settings.style_scale, styles)
        regions.check_counts(settings, styles)


def _filled(name: str, value: Any, uploads: Sequence[str]) -> Any:
    """Return the value of a setting that is pictures: words, and names of uploads.

    Raises:
        UsageError: It names anything else, or there are too many or too few files.
    """
    kind, left = FIELDS[name].kind, [*uploads]
    words = sorted(kind.not_files or ())
    many = kind.schema["type"] == "array"
    given = value if isinstance(value, list) else [value]
    if value is None and many:
        given = [None] * len(left)
    found: list[Any] = []
    for each in given:
        if each is None and left:
            found.append(left.pop(0))
        elif (isinstance(each, str) and each in words) or (each is None and not many):
            found.append(each)
        else:
            expected = any_of([*words, "null with a file of the request"])
            raise UsageError(f"{option_of(name)} is {shown(each)}, expected {expected}")
    if left or not (many or len(found) == 1):
        raise UsageError(
            f"{option_of(name)}: got {len(uploads)} files, which are too many"
        )
    return found if many else found[0]
