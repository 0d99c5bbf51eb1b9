"""What is known of how each model counts tokens, kept from kernel to kernel.

A small file of figures: nothing of what was said. Whoever writes last wins, be it a kernel or a thread, since it is
learned anew within a few answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import StoreError
from .messages import Json
from .stores.disk import locked, make_private, write_aside
from .tokens import UNCALIBRATED, Calibration


class Calibrations:
    """A calibration for each model; calls block for as long as a small file takes.

    Parameters
    ----------
    path
        The file; None keeps nothing. One that is damaged or cannot be written is passed over: estimates are then as good as
        at the beginning.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Calibration] | None = None

    def get(self, model: str) -> Calibration:
        """Return what is known of a model."""
        if self._known is None:
            self._known = {name: Calibration.from_json(data) for name, data in self._read().items()}
        return self._known.get(model, UNCALIBRATED)

    def put(self, model: str, calibration: Calibration, *, save: bool = True) -> None:
        """Remember what was learned of a model; in the file only if `save`."""
        self.get(model)
        self._known = {**(self._known or {}), model: calibration}
        if save and self._path is not None:
            # Another kernel that saves just now is no failure.
            with suppress(OSError, StoreError):
                make_private(self._path.parent)
                with locked(self._path.with_suffix(".lock"), timeout_s=0):
                    data = json.dumps({**self._read(), model: calibration.to_json()}).encode()
                    write_aside(self._path, [data], is_durable=False)

    def _read(self) -> Mapping[str, Json]:
        if self._path is None:
            return {}
        try:
            data = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}
