"""Bytes to text: marks, UTF-16 without one, and the legacy encodings of many languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.captions import parse
from core.captions.encodings import decode

SAID = [
    ("Но поскольку у нас есть только пол часа, то слишком углубиться я не смогу.", ["cp1251", "koi8_r", "iso8859_5"]),
    ("Ми живемо в місті, де є багато парків і садів, їх дуже люблять діти.", ["cp1251"]),
    ("Καλημέρα σας και καλώς ήρθατε στο μάθημα για τα δίκτυα υπολογιστών.", ["cp1253"]),
    ("שלום לכולם וברוכים הבאים להרצאה על רשתות מחשבים", ["cp1255"]),
    ("مرحبا بكم في هذه المحاضرة عن شبكات الحاسوب والبرمجة", ["cp1256"]),
    ("สวัสดีครับ ยินดีต้อนรับสู่การบรรยายเรื่องเครือข่ายคอมพิวเตอร์", ["cp874"]),
    ("頑張ってサイトを立ち上げたら、せっかくなので、Google で", ["cp932", "euc_jp", "iso2022_jp"]),
    ("欢迎来到课程。本课程旨在带您了解关于生态系统的一切,包括如何使用数据集", ["gb18030"]),
    ("歡迎來到這個課程。本課程的目的是讓你了解關於生態系統的一切,包括如何使用", ["big5"]),
    ("안녕하세요 여러분 오늘은 컴퓨터 네트워크에 대해 이야기하겠습니다", ["cp949"]),
    ("Bienvenue ! Ce cours a été conçu pour vous enseigner l’écosystème, où ça naît", ["cp1252"]),
    ("Le cœur à l'œuvre : naïveté, 3 m³ et 5 m² de forêt", ["cp1252"]),
    ("Schöne Grüße aus Köln, wir müssen über Übergänge sprechen", ["cp1252"]),
    ("Dzień dobry, dziś będziemy mówić o sieciach, które łączą światy", ["cp1250"]),
]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (said, name)
        for said, names in SAID
        for name in [*names, "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
    ],
)
def test_every_language_in_its_encodings(said: str, name: str) -> None:
    cues = parse(f"1\n00:00:01,000 --> 00:00:02,000\n{said}\n".encode(name)).cues
    assert [cue.text for cue in cues] == [said]


def test_the_five_open_bytes_of_windows_1252_are_control_characters() -> None:
    assert decode(b"caf\xe9 \x80 \x81\x8d\x8f\x90\x9d end") == ("café € \x81\x8d\x8f\x90\x9d end", "cp1252")


def test_a_file_cut_inside_a_character_is_still_utf8() -> None:
    assert decode("el niño está aquí mañana: sí".encode()[:-1])[1] == "utf-8"
    assert decode("señor…".encode()[:-1])[1] == "utf-8"


def test_a_few_broken_bytes_leave_utf8_as_it_is() -> None:
    text, name = decode("это уже почти целый файл".encode() * 20 + b"\xff")
    assert name == "utf-8"
    assert text.count("\ufffd") == 1


@given(st.binary(max_size=400))
def test_any_bytes_decode_and_the_same_way_each_time(data: bytes) -> None:
    assert decode(data) == decode(data)


@given(st.text(max_size=60))
def test_utf8_is_always_known(text: str) -> None:
    assert decode(b"\xef\xbb\xbf" + text.encode("utf-8", "replace"))[0] == text.encode("utf-8", "replace").decode()
