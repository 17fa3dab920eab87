"""What is looked at before anything starts, so that a start that cannot work ends at once and says why."""

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path

from core.errors import StartupFailed, WriteFailed


def require_keys(host: str, keys: Mapping[str, str]) -> None:
    """Raises StartupFailed where the API would be open to other machines and ask for no key."""
    if keys or _is_loopback(host):
        return
    problem = f"API_HOST={host} opens the API to other machines, and without keys they may read every tenant's answers."
    raise StartupFailed(problem, "Set API_KEYS, or leave API_HOST at 127.0.0.1.")


def require_shared_store(cluster_address: str, store_url: str) -> None:
    """Raises StartupFailed where a cluster would keep the transcripts in a folder of whichever node comes first."""
    if cluster_address != "local" and not store_url:
        problem = "On a cluster the transcripts need a Qdrant server: a folder is lost with its node."
        raise StartupFailed(problem, "Set STORE_URL, or CLUSTER_ADDRESS=local for this machine alone.")


def require_shared_journal(cluster_address: str, journal_url: str) -> None:
    """Raises StartupFailed where a cluster would keep its journal in a file of whichever node comes first."""
    if cluster_address != "local" and not journal_url.startswith("postgresql"):
        problem = "On a cluster the journal needs a PostgreSQL server: a file is lost with its node."
        raise StartupFailed(problem, "Set JOURNAL_URL, or CLUSTER_ADDRESS=local for this machine alone.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_free_port(host: str, port: int, variable: str) -> None:
    """Raises StartupFailed where `port` cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            problem = f"Port {port} on {host} cannot be used: {error.strerror}."
            raise StartupFailed(problem, f"Stop what uses it, or set {variable} to another port.") from error


def require_listener(address: str) -> None:
    """Raises StartupFailed where nobody listens at `host:port`; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        problem = f"Ray did not start: nobody answers at {address} ({error.strerror or error})."
        raise StartupFailed(problem, "Start the cluster, or set CLUSTER_ADDRESS=local.") from error


def writable(folder: Path) -> Path:
    """The absolute path of `folder`, made if need be. Raises WriteFailed where nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WriteFailed(f"The folder {folder}", "Set CLUSTER_TEMP_DIR to one that this user may write.") from error
    return folder.absolute()
