import pytest

from lightstyle import contract
from lightstyle.registry import MODEL_VARIABLE


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees, or leaves, a model of the person who runs it."""
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv(contract.CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
