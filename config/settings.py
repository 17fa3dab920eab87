"""The settings: one frozen tree, read from the environment and `.env` by `load()`, the only reader of either.

A variable's name is its path in the tree: `API_PORT` is `settings.api.port`. `.env.example` is made from this file.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import environment
from config.deciding import Cache, Routing
from config.environment import Group
from config.flags import Enable
from config.ingesting import Analysis, AutoFollow, Exit, Follow, Ingest, Pace, Speech
from config.limits import Activity, Budget, Journal, Rate
from core.errors import StartupFailed
from core.trim_costs import TrimCosts
from core.trimming import QUALITY_FLOOR

ADVICE = "\nMend them in the environment or in .env; .env.example lists every variable."
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda text: str(text).upper())]


class Discord(Group):
    token: SecretStr | None = Field(
        default=None, description="Bot token. Without one, the bot is a console in the terminal.", examples=["MTA..."]
    )
    api_url: str = Field(
        default="",
        description="Another Discord API, for tests. Empty: Discord's own.",
        examples=["http://127.0.0.1:9000/api/v10"],
    )
    gateway_url: str = Field(
        default="",
        description="Another Discord gateway, for tests. Empty: Discord's own.",
        examples=["ws://127.0.0.1:9000/gateway"],
    )
    operators: tuple[str, ...] = Field(
        default=(),
        description="Ids, as JSON, of the users who run this bot: they alone start and promote experiments.",
        examples=['["123456789"]'],
    )


NotEmpty = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Api(Group):
    host: str = Field(default="127.0.0.1", description="Address that the HTTP API listens on.", examples=["0.0.0.0"])
    port: int = Field(default=8000, ge=1, le=65535, description="Port of the HTTP API.", examples=[8000])
    keys: dict[NotEmpty, NotEmpty] = Field(
        default_factory=dict,
        repr=False,
        description='API keys as JSON, each with the tenant that it acts for ("*": any). Empty: no key is asked for.',
        examples=['{"sk-made-up": "123456789"}'],
    )
    max_body_bytes: int = Field(
        default=2_000_000, ge=1_000, description="Largest request body, in bytes.", examples=[2_000_000]
    )


class Cluster(Group):
    address: str = Field(
        default="local",
        description='"local" starts Ray on this machine; else the address of a running cluster.',
        examples=["auto"],
    )
    dashboard_port: int = Field(default=8265, ge=1, le=65535, description="Port of the Ray dashboard.", examples=[8265])
    cpus: int = Field(
        default=0, ge=0, description="CPUs that Ray may plan with. 0: all of the machine's.", examples=[4]
    )
    temp_dir: str = Field(
        default="",
        description="Ray's folder for sessions and logs. Empty: Ray's own choice.",
        examples=["/var/tmp/ray"],
    )


class Data(Group):
    dir: Path = Field(
        default=Path("var"), description="Folder for everything that the bot keeps.", examples=["/srv/bot"]
    )


class Embedding(Group):
    model: str = Field(
        default="packaged",
        description='A hub name or a folder; "packaged" is all-MiniLM-L6-v2 from its package.',
        examples=["BAAI/bge-small-en-v1.5"],
    )
    dimensions: int = Field(
        default=384, ge=1, le=65_536, description="How many numbers the model's vectors have.", examples=[768]
    )
    backend: Literal["auto", "torch", "onnx"] = Field(
        default="auto", description="auto: ONNX for small batches on CPU where the model allows it.", examples=["torch"]
    )
    max_batch: int = Field(default=128, ge=1, le=1024, description="Most texts in one batch.", examples=[128])


class Store(Group):
    url: str = Field(
        default="",
        description="A Qdrant server. Empty: qdrant-edge in DATA_DIR.",
        examples=["https://qdrant.example:6333"],
    )
    api_key: SecretStr | None = Field(default=None, description="The Qdrant server's API key.", examples=["made-up"])


class AnswerSettings(Group):
    deadline_s: float = Field(
        default=60.0, gt=0, le=600, description="Longest time for one answer, in seconds.", examples=[60]
    )
    passages: int = Field(default=8, ge=1, le=50, description="Passages that an answer is made from.", examples=[8])
    max_question_chars: int = Field(
        default=2000, ge=10, description="Longest question, in characters.", examples=[2000]
    )


class Trim(Group):
    model: str = Field(
        default="",
        description="Hub name of a cross-encoder that scores sentences. Empty: the embedding model does.",
        examples=["cross-encoder/ms-marco-MiniLM-L6-v2"],
    )
    quality_floor: float = Field(
        default=QUALITY_FLOOR,
        ge=0,
        le=1,
        description="How much of what the found sentences say the kept ones must say, as a share.",
        examples=[0.98],
    )
    least_tokens: int = Field(
        default=TrimCosts().least_tokens, ge=0, description="Shorter evidence is sent whole.", examples=[300]
    )


class Models(Group):
    file: Path = Field(
        default=Path("config/models.yaml"),
        description="The language models and their order.",
        examples=["config/models.yaml"],
    )


class Langsmith(Group):
    api_key: SecretStr | None = Field(
        default=None, description="LangSmith key. With one, every model call is traced.", examples=["lsv2-made-up"]
    )
    endpoint: str = Field(
        default="https://api.smith.langchain.com",
        description="LangSmith's address.",
        examples=["https://eu.api.smith.langchain.com"],
    )
    project: str = Field(
        default="discord-intelligence-bot", description="LangSmith project.", examples=["my-community"]
    )


class Log(Group):
    level: LogLevel = Field(default="WARNING", description="How much is logged.", examples=["INFO"])


class Settings(BaseSettings):
    """Every setting of the project. `Settings()` is all defaults: the environment is read by `load` alone."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    discord: Discord = Discord()
    api: Api = Api()
    cluster: Cluster = Cluster()
    data: Data = Data()
    embedding: Embedding = Embedding()
    store: Store = Store()
    answer: AnswerSettings = AnswerSettings()
    trim: Trim = Trim()
    models: Models = Models()
    ingest: Ingest = Ingest()
    follow: Follow = Follow()
    auto_follow: AutoFollow = AutoFollow()
    pace: Pace = Pace()
    speech: Speech = Speech()
    exit: Exit = Exit()
    analysis: Analysis = Analysis()
    journal: Journal = Journal()
    rate: Rate = Rate()
    budget: Budget = Budget()
    activity: Activity = Activity()
    routing: Routing = Routing()
    cache: Cache = Cache()
    langsmith: Langsmith = Langsmith()
    enable: Enable = Enable()
    log: Log = Log()

    @property
    def journal_url(self) -> str:
        """Where the journal is, as SQLAlchemy names it; it may hold a password."""
        if self.journal.url is not None:
            return self.journal.url.get_secret_value()
        return f"sqlite:///{quote(str(self.data.dir.absolute() / 'journal' / 'journal.db'))}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: a variable such as `DATA`, which belongs to others, is no branch of this tree."""
        del (
            settings_cls,
            env_settings,
            dotenv_settings,
            file_secret_settings,
        )  # see `load`
        return (init_settings,)


VARIABLES = {variable.name: variable for variable in environment.variables_of(Settings)}


def load(
    env: Mapping[str, str] | None = None,
    dotenv: Path | None = Path(".env"),
    also_known: Collection[str] = (),
) -> Settings:
    """The settings from the environment (`env`, by default the process's own) laid over the file `dotenv`.

    `also_known` names variables that others read, such as the models' keys. Raises StartupFailed with every problem at
    once: the variable, what is wrong with it, and an example. A secret's value is never shown.
    """
    names = {*VARIABLES, *also_known}
    given = environment.read_variables(env, dotenv)
    problems = [
        *environment.unknown_in_dotenv(environment.read_dotenv(dotenv), names),
        *environment.unknown_in_environment(os.environ if env is None else env, names),
    ]
    settings = Settings()
    try:
        settings = Settings.model_validate(environment.tree_values(VARIABLES.values(), given))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            variable = VARIABLES["_".join(map(str, detail["loc"][:2])).upper()]
            problems.append(variable.problem(given[variable.name], detail["msg"]))
    if problems:
        raise StartupFailed("\n  - ".join(["The settings cannot be used:", *problems]), ADVICE)
    return settings
