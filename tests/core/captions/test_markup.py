"""Tags, style codes, character references and voices."""

import pytest

from core.captions.markup import clean, voice


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("<i>all</i> of <b>it", "all of it"),
        ('<font color="#ffff00">yellow</font>', "yellow"),
        ("{\\an8}above {\\i1}leaning{\\i0}", "above leaning"),
        ("{not a code}", "{not a code}"),
        ("<c.yellow.bg_blue>class</c> <lang en-GB>lang</lang> <ruby>base<rt>over</rt></ruby>", "class lang baseover"),
        ("moon <00:17.500>hits <00:00:19.000><c> your</c>", "moon hits your"),
        ("<>empty</> <.loud>x", "empty x"),
        ("1 < 2 and 3 > 2, I <3 you", "1 < 2 and 3 > 2, I <3 you"),
        ("<c It's never closed", "<c It's never closed"),
        ("a <b<i>c", "a <bc"),
        ("R&B, Q&A &amp; AT&amp;T &lt;b&gt; &#39;x&#x27; &nbsp; y&unknown;", "R&B, Q&A & AT&T <b> 'x' y&unknown;"),
        ("&amp;lt;", "&lt;"),
        (" two\n  lines\tand\u3000blanks ", "two lines and blanks"),
        ("a\x00b\x1b\ufeffc\ud800", "a b c\ufffd"),
    ],
)
def test_clean(written: str, words: str) -> None:
    assert clean(written) == words


@pytest.mark.parametrize(
    ("written", "speaker"),
    [
        ("<v Mary>No way!</v>", "Mary"),
        ("<v.loud Neil deGrasse  Tyson>Oh", "Neil deGrasse Tyson"),
        ("<v R&amp;D>Oh", "R&D"),
        ("<v Joe>Hee!</v> <v Joe>Hoo!</v>", "Joe"),
        ("<v Joe>Hee!</v> <v Ann>Hoo!</v>", ""),
        ("<v>who?", ""),
        ("<video x>", ""),
        ("Mary: no way", ""),
    ],
)
def test_voice(written: str, speaker: str) -> None:
    assert voice(written) == speaker
