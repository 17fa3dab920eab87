"""Everything that the project is configured by, read once when a process starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.environment import read_variables, secrets_of
from config.logging import configure
from config.models import key_variables, load_models
from config.settings import Models, Settings, load
from core.arms import ModelArm
from core.errors import StartupFailed


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and the models that have a key."""

    settings: Settings
    arms: tuple[ModelArm, ...]

    def configure_log(self) -> None:
        """Log at the level that the settings say, with no secret of the settings or the models in it."""
        keys = {arm.api_key.get_secret_value() for arm in self.arms if arm.api_key}
        configure(self.settings.log.level, secrets_of(self.settings) | keys)


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
    """Make Ray show its token to a cluster that runs; call it before anything imports Ray, which reads this once.

    A cluster that Ray starts itself has a token by default. Without one, whoever reaches its ports may run code on it.
    """
    os.environ["RAY_AUTH_MODE"] = "token"


def calm_serve() -> None:
    """Have Serve look after its replicas twice a second, unless told otherwise; call it before Ray starts.

    Ten times, as it does by itself, took 3 % of a core of a bot at rest.
    """
    os.environ.setdefault("RAY_SERVE_CONTROL_LOOP_INTERVAL_S", "0.5")


def configure_worker_log() -> None:
    """Set up the log of a process that Ray started; Ray calls this by name. Its lines are among Ray's logs."""
    try:
        load_configuration().configure_log()
    except StartupFailed:
        configure()  # the process that started Ray has told what is wrong
