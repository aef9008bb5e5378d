"""The errors of the exporter.

    ExportError
    ├── WeightsError     a weights file that is missing, damaged, hostile or foreign
    ├── GraphError       a node that was built wrongly: shape, dtype, attribute
    └── NoGradientError  an operator on the path to the image without a gradient rule

The first is the user's to mend and is one line that says what was found, what was
expected and what to do; the other two are ours.
"""


class ExportError(Exception):
    """Base of all errors of the exporter."""


class WeightsError(ExportError):
    """A weights file is missing, damaged, hostile or not VGG19's."""


class GraphError(ExportError):
    """A node was given inputs or attributes that do not fit it."""


class NoGradientError(ExportError):
    """The sweep met an operator that has no gradient rule."""
