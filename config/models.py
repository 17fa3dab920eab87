"""The language models of `config/models.yaml`, checked, with their keys."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from core.arms import EXTRACTIVE, ModelArm
from core.errors import StartupFailed

_ADVICE = "Correct it; the comments at the top of config/models.yaml name every field."


class _Entry(BaseModel):
    """One arm as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^[a-z][a-z0-9_]*/\S+$")
    name: str = Field("", max_length=100)
    key_variable: str = Field("", pattern=r"^([A-Z][A-Z0-9_]*)?$")
    api_base: str = Field("", pattern=r"^(https?://\S+)?$")
    timeout_s: float = Field(30.0, gt=0, le=600, allow_inf_nan=False)
    max_output_tokens: int = Field(800, ge=16, le=100_000)
    json_mode: bool = True
    temperature: float | None = Field(None, ge=0, le=2)
    input_usd_per_million: float | None = Field(None, ge=0, allow_inf_nan=False)
    output_usd_per_million: float | None = Field(None, ge=0, allow_inf_nan=False)

    @field_validator("model")
    @classmethod
    def _is_a_provider(cls, model: str) -> str:
        if model.startswith("local/"):
            raise ValueError('"local/..." is the bot\'s own; a server of one\'s own is "openai/..." with an api_base')
        return model

    @field_validator("name")
    @classmethod
    def _is_not_the_last(cls, name: str) -> str:
        if name == EXTRACTIVE:
            raise ValueError(f"{EXTRACTIVE} always stands last and is not listed")
        return name

    @model_validator(mode="after")
    def _has_a_way_in(self) -> "_Entry":
        if not self.key_variable and not self.api_base:
            raise ValueError("it needs a key_variable, or an api_base where no key is asked for")
        return self

    def arm(self, key: SecretStr | None) -> ModelArm:
        return ModelArm(
            name=self.name or self.model,
            model=self.model,
            api_key=key,
            api_base=self.api_base,
            timeout_s=self.timeout_s,
            max_output_tokens=self.max_output_tokens,
            json_mode=self.json_mode,
            temperature=self.temperature,
            input_cost_per_token=_each(self.input_usd_per_million),
            output_cost_per_token=_each(self.output_usd_per_million),
        )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    arms: tuple[_Entry, ...] = ()

    @field_validator("arms", mode="before")
    @classmethod
    def _may_be_empty(cls, arms: Any) -> Any:
        return () if arms is None else arms

    @field_validator("arms")
    @classmethod
    def _have_names_of_their_own(cls, arms: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
        names = Counter(entry.name or entry.model for entry in arms)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f'two arms are called "{twice[0]}"; give one of them another `name`')
        return arms


def load_models(path: Path, env: Mapping[str, str]) -> tuple[ModelArm, ...]:
    """The arms of the file, in its order, without those whose key variable is unset or blank in `env`.

    Raises StartupFailed, naming the file, the field and what was wrong with it. A key is never part of a message.
    """
    arms: list[ModelArm] = []
    for entry in _entries(path):
        key = env.get(entry.key_variable, "").strip() if entry.key_variable else ""
        if key or not entry.key_variable:
            arms.append(entry.arm(SecretStr(key) if key else None))
    return tuple(arms)


def key_variables(path: Path) -> frozenset[str]:
    """The names of the variables that hold the models' keys. Raises StartupFailed like `load_models`."""
    return frozenset(entry.key_variable for entry in _entries(path) if entry.key_variable)


def _entries(path: Path) -> tuple[_Entry, ...]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _File.model_validate({} if content is None else content).arms
    except OSError as error:
        raise StartupFailed(
            f"{path} cannot be read: {error.strerror}.", "Set MODELS_FILE to a file that is there."
        ) from error
    except UnicodeDecodeError as error:
        raise StartupFailed(f"{path} is not a text file in UTF-8.", _ADVICE) from error
    except yaml.YAMLError as error:
        raise StartupFailed(f"{path} is not YAML: {_one_line(error)}.", _ADVICE) from error
    except ValidationError as error:
        raise StartupFailed(f"{path}: {_problems(error)}.", _ADVICE) from error


def _each(usd_per_million: float | None) -> float | None:
    return None if usd_per_million is None else usd_per_million / 1_000_000


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"
        # The input is left out: somebody may have written the key itself into the file.
        for problem in error.errors(include_input=False, include_url=False)
    )
