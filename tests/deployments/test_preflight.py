"""What ends a start before it begins."""

import socket
from pathlib import Path

import pytest

from core.errors import StartupFailed, WriteFailed
from deployments.preflight import (
    require_free_port,
    require_keys,
    require_listener,
    require_shared_journal,
    require_shared_store,
    writable,
)
from tests.ports import free_port


def test_an_open_api_without_keys_is_refused() -> None:
    for host in ("0.0.0.0", "192.168.1.7", "bot.example"):
        with pytest.raises(StartupFailed, match="API_KEYS"):
            require_keys(host, {})
        require_keys(host, {"sk-made-up": "*"})
    for host in ("127.0.0.1", "::1", "localhost"):
        require_keys(host, {})


def test_a_cluster_needs_a_store_that_outlives_a_node() -> None:
    with pytest.raises(StartupFailed, match="STORE_URL"):
        require_shared_store("auto", "")
    require_shared_store("auto", "https://qdrant.example:6333")
    require_shared_store("local", "")


def test_a_cluster_needs_a_journal_that_outlives_a_node() -> None:
    for url in ("sqlite:////srv/journal.db", ""):
        with pytest.raises(StartupFailed, match="JOURNAL_URL"):
            require_shared_journal("auto", url)
    for url in ("postgresql://bot@db.example/bot", "postgresql+psycopg://bot@db.example/bot"):
        require_shared_journal("auto", url)
    require_shared_journal("local", "sqlite:////srv/journal.db")


def test_a_port_that_is_taken_is_refused_and_a_free_one_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupFailed, match=rf"{port}.*SOME_PORT"):
            require_free_port("127.0.0.1", port, "SOME_PORT")
    free = free_port()
    for _ in range(2):
        require_free_port("127.0.0.1", free, "SOME_PORT")


def test_a_cluster_that_does_not_answer_is_told() -> None:
    with pytest.raises(StartupFailed, match="CLUSTER_ADDRESS=local"):
        require_listener(f"127.0.0.1:{free_port()}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_listener(f"ray://127.0.0.1:{server.getsockname()[1]}")
    require_listener("auto")


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    folder = writable(tmp_path / "some" / "folder")
    assert folder.is_absolute()
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match="CLUSTER_TEMP_DIR"):
        writable(tmp_path / "file" / "folder")
