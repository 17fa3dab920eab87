"""What an operator may switch on runs on a real Ray: speech recognition, masking, exits, following by itself."""

from pathlib import Path

import pytest

from demo.site import HERE
from tests.cluster.test_make_run import told
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
