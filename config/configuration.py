"""Everything that the project is configured by, read once when a process starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.environment import read_variables
from config.models import key_variables, load_models
from config.settings import Models, Settings, load
from core.arms import ModelArm


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the models that have a key."""

    settings: Settings
    arms: tuple[ModelArm, ...]


def load_configuration(
    env: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env"), **overrides: str
) -> Configuration:
    """Read the environment, `.env` and the file of models; `overrides` are variables that win over both.

    Raises StartupFailed with every variable that is unknown or cannot be used.
    """
    env = {**(os.environ if env is None else env), **overrides}
    given = read_variables(env, dotenv)
    models_file = Path(given.get("MODELS_FILE", Models().file))
    settings = load(env, dotenv, also_known=key_variables(models_file))
    return Configuration(settings, load_models(models_file, given))


def require_ray_token() -> None:
    """Make Ray ask for its token and show ours; call it before anything imports Ray, which reads this once.

    Without a token, whoever reaches a cluster's ports may run code on it.
    """
    os.environ["RAY_AUTH_MODE"] = "token"
