"""What an operator may switch on runs on a real Ray: parts of ingest, and everything that decides about answers."""

from pathlib import Path

import pytest

from demo.site import HERE
from evals.measure.local_model import ARMS, local_models
from tests.cluster.test_make_run import process, told
from tests.fakes.site import VTT, Reply, Site

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

SPEECH = Path(__file__).parents[1] / "data" / "speech" / "sense_and_sensibility_01_austen_64kb-0870.wav"
FLAGS = {
    "ENABLE_SPEECH_RECOGNITION": "true",
    "ENABLE_PII_FILTER": "true",
    "ENABLE_EARLY_EXITS": "true",
    "ENABLE_ANALYSIS": "true",
    "ENABLE_AUTO_FOLLOW_UPLOADER": "true",
}
DECIDING = {
    "ENABLE_EXPERIMENT_HARNESS": "true",
    "ENABLE_RL_LINTS": "true",
    "ENABLE_SEMANTIC_CACHE": "true",
    "ENABLE_PROMPT_COMPRESSION": "true",
    "CACHE_AUDIT_SHARE": "0",
}


async def test_with_every_part_switched_on_sound_is_heard_and_personal_data_is_masked(tmp_path: Path) -> None:
    letters = VTT.replace("A sea star can grow back a lost arm.", "Write to ada@example.org about sea stars.")
    async with Site() as site:
        site.put("/heard.wav", Reply(SPEECH.read_bytes(), "audio/wav"))
        site.talk("Letters", Reply(letters.encode(), "text/vtt"))
        for link in (site.url("/heard.wav"), site.url("/Letters.html")):
            code, output, errors = await told("bot.console", "analyze", link, folder=tmp_path, **HERE, **FLAGS)
            assert code == 0, errors
            assert "1 new" in output, output
        code, output, errors = await told(
            "bot.console", "search", "write about sea stars", folder=tmp_path, **HERE, **FLAGS
        )
        assert code == 0, errors
        assert "<EMAIL_ADDRESS>" in output
        assert "ada@example.org" not in output


async def test_with_every_decision_switched_on_an_answer_is_given_again_and_experiments_can_be_seen(
    tmp_path: Path,
) -> None:
    question = "Can a sea star grow back a lost arm?"
    async with Site() as site:
        site.talk("Tides", Reply(VTT.encode(), "text/vtt"))
        lines = (
            f"/analyze {site.url('/Tides.html')}",
            question,
            "/receipt",
            question,
            "/receipt",
            "/cache",
            "/experiments",
            "/experiment trimming action=start",
            "/flags",
        )
        with local_models(tmp_path) as models:
            variables = {**HERE, **DECIDING, "MODELS_FILE": str(models)}
            async with process("bot", folder=tmp_path, **variables) as running:
                output, errors = await running.communicate("".join(f"{line}\n" for line in lines).encode())
    text = output.decode()
    assert running.returncode == 0, errors.decode()
    assert "1 new" in text, text
    first, second = text.split("They say so.")[1:3]
    assert any(arm in first for arm in ARMS), text
    assert "cache" in second, text
    assert "Kept: 1 answer" in text, text
    for experiment in ("answer_cache", "routing", "trimming"):
        assert experiment in text, text
    assert "shadow" in text, text
