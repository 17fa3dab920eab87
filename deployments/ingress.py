"""The HTTP ingress: a Serve replica that runs the HTTP API."""

from fastapi import FastAPI
from ray import serve

from core.ports import Assistant
from deployments.embedder import Embedder
from deployments.http_api import ApiConfig, create_api
from deployments.trimmer import Trimmer


@serve.ingress()
class Ingress:
    """Serves `create_api`'s application. Keeps nothing."""

    def __init__(self, config: ApiConfig, assistant: Assistant, embedder: Embedder, trimmer: Trimmer) -> None:
        self._api = create_api(config, assistant, embedder, trimmer)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._api
