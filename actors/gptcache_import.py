"""Imports GPTCache with its traps disarmed. Import this before anything of `gptcache`.

Its package builds a default cache when it is imported, which unpickles `./data_map.txt`: whoever can write into the
working directory could run code. And where a backend is missing it runs `pip install`. Here the first reads nothing,
and the second raises. Takes about 0.8 s; nothing is fetched.
"""

import importlib.metadata
import importlib.util
import sys
from typing import NoReturn

from core.errors import StartupFailed

_PACKAGE = "gptcache"


def _no_install(package: str, warn: bool = False) -> NoReturn:
    del warn
    raise StartupFailed(f"GPTCache wants to install {package}.", "Nothing is installed at run time: use what is there.")


def _nothing(_: object) -> None:
    """Neither read nor write a pickle."""


def _import_disarmed() -> None:
    if _PACKAGE in sys.modules:
        # Whoever imported it first has run what this is to prevent.
        raise StartupFailed("GPTCache was imported before its traps were disarmed.", "Import it in the actor alone.")
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.loader is None:
        raise StartupFailed("GPTCache is not installed.", "Run make install.")
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    try:
        # Its modules ask for this while the package itself has not run yet.
        package.__dict__["__version__"] = importlib.metadata.version(_PACKAGE)
        utils = importlib.import_module("gptcache.utils")
        control = importlib.import_module("gptcache.utils.dependency_control")
        utils.prompt_install = control.prompt_install = _no_install  # type: ignore[attr-defined]
        managers = importlib.import_module("gptcache.manager.data_manager")
        managers.MapDataManager.init = _nothing
        managers.MapDataManager.flush = _nothing
        spec.loader.exec_module(package)
    except BaseException:
        sys.modules.pop(_PACKAGE, None)
        raise


_import_disarmed()
