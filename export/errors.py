"""The errors of the exporter.

    ExportError
    ├── WeightsError     a weights file is missing, damaged, hostile or not VGG19's
    ├── OutputError      a file of the model cannot be written
    ├── GraphError       a node was built with a wrong shape, dtype or attribute
    └── NoGradientError  an operator on the path to the image has no gradient rule

The first three are one line for the user: what was found, what was expected, what to
do. The other two mean a mistake in this package.
"""


class ExportError(Exception):
    """Base of all errors of the exporter."""


class WeightsError(ExportError):
    """A weights file is missing, damaged, hostile or not VGG19's."""


class OutputError(ExportError):
    """A file of the model cannot be written, or would replace another file."""


class GraphError(ExportError):
    """A node was given inputs or attributes that do not fit it."""


class NoGradientError(ExportError):
    """An operator on the path to the image has no gradient rule."""
