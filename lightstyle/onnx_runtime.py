"""The one door to ONNX Runtime, which keeps it from leaving or sending anything.

The exporter goes through it, too.
"""

import os
import sys
from typing import Any, Final

#: Read by ONNX Runtime while it is imported; turning its telemetry off afterwards is
#: too late: it has put an identifier of the device into the user's cache by then.
_SWITCH: Final = "ORT_DISABLE_TELEMETRY"


def load() -> Any:
    """Import ONNX Runtime without telemetry, and make it quiet.

    A program that has imported it before has decided on the telemetry itself.

    Raises:
        ImportError: If it is not installed.
        AttributeError: If one of its two wheels was uninstalled over the other.
    """
    if "onnxruntime" not in sys.modules:
        before = os.environ.get(_SWITCH)
        os.environ[_SWITCH] = "1"
        try:
            import onnxruntime
        finally:
            del os.environ[_SWITCH]
            if before is not None:
                os.environ[_SWITCH] = before
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    onnxruntime.disable_telemetry_events()
    return onnxruntime
