"""The models of the tasks: found, or built, where the command runs."""

from dataclasses import replace
from typing import Any

from ..engine.model import Model
from ..jobs.painter import needs
from ..jobs.task import Task
from ..settings.choices import Precision
from ..zoo import registry
from .model_files import ModelFiles


class Models:
    """Finds the model of each task, which its worker need not have."""

    def __init__(self, default: str | None) -> None:
        """Take the name or path of the model of tasks that name none."""
        self._default = default
        self._found: dict[object, ModelFiles] = {}
        self._sent: dict[object, Any] = {}

    def of(self, task: Task) -> ModelFiles:
        """Return the model of a task.

        Raises:
            LightstyleError: As `registry.load`.
        """
        if needs(task) not in self._found:
            self._found[needs(task)] = ModelFiles.of(loaded(task, self._default).info)
        return self._found[needs(task)]

    def sent(self, task: Task, ray: Any) -> Any:
        """Return the files of the model of a task in the object store of `ray`."""
        if needs(task) not in self._sent:
            self._sent[needs(task)] = ray.put(self.of(task).read())
        return self._sent[needs(task)]


def loaded(task: Task, default: str | None) -> Model:
    """Load the model of a task on the CPU, whatever its workers compute on.

    Raises:
        LightstyleError: As `registry.load`.
    """
    settings = replace(task.settings, precision=Precision.FLOAT32)
    return registry.load(task.model or default, settings, "cpu", 1, job=task.job)
