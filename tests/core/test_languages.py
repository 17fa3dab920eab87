import pytest

from core.languages import base_of, carries_subject, detected_language
from tests.core.talks import language_of, texts

SAYINGS = {
    "de": "Und das ist der Grund, warum wir die Daten nicht mit dem Modell mischen, sondern sie auf einer Platte haben."
    " Man kann das auch anders machen, aber dann sind die Kosten für ein Jahr so hoch, dass es sich nicht lohnt.",
    "it": "Questo è il motivo per cui non si può dire che la rete è lenta, anche se i dati sono più di quanti ne ha la "
    "macchina. E come abbiamo visto, il modello non è la parte più costosa del sistema, ma una delle tante.",
    "pt": "Então eu acho que a gente não pode dizer que isso é um problema, mas é uma coisa que você tem de ver com os "
    "seus próprios olhos, como eu fiz no ano em que comecei a trabalhar para a empresa.",
    "nl": "Dat is een van de redenen waarom wij het niet op deze manier doen, want je hebt dan ook de kosten van de "
    "machines en die zijn voor een klein bedrijf niet te betalen, maar er zijn andere wegen.",
    "pl": "To jest jeden z powodów, dla których nie robimy tego w ten sposób, bo jak już mówiłem, tak czy inaczej nie "
    "da się tego zrobić na jednej maszynie i nie ma na to czasu ani pieniędzy.",
    "ru": "Это одна из причин, почему мы не делаем этого так, потому что данных слишком много и они все разные.",
    "uk": "Це одна з причин, чому ми не робимо цього так, тому що даних забагато і всі вони різні, її не було.",
    "ko": "이것이 우리가 그렇게 하지 않는 이유 중 하나입니다. "
    "데이터가 너무 많고 모두 다르기 때문입니다. 그래서 다른 방법을 찾아야 합니다.",
    "el": "Αυτός είναι ένας από τους λόγους για τους οποίους δεν το κάνουμε έτσι, γιατί τα δεδομένα είναι πολλά.",
    "zh": "这是我们不这样做的原因之一，因为数据太多，"
    "而且各不相同。所以我们必须寻找别的方法来解决这个问题，否则成本太高。",
    "ar": "هذا أحد الأسباب التي تجعلنا لا نفعل ذلك بهذه الطريقة لأن البيانات كثيرة جدا وكلها مختلفة",
    "fa": "این یکی از دلایلی است که ما این کار را به این شکل انجام نمی‌دهیم چون داده‌ها خیلی زیاد هستند و پیچیده",
}


def test_the_language_of_every_real_talk_is_known() -> None:
    wrong = {path.name: found for path, text in texts() if (found := detected_language(text)) != language_of(path)}
    assert wrong == {}


@pytest.mark.parametrize("language", SAYINGS)
def test_other_languages_are_told_apart(language: str) -> None:
    assert detected_language(SAYINGS[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello.",
        "1 2 3 " * 100,
        # Languages that are not among those known: near relatives must not be taken for them.
        "Det er en af grundene til, at vi ikke gør det på den måde, for data er for mange, og de er alle forskellige, "
        "og man kan heller ikke bare købe en ny maskine hvert år, når man ikke har pengene til det.",
        "Ez az egyik oka annak, hogy nem így csináljuk, mert túl sok az adat, és mindegyik más, ezért más utat kell "
        "keresnünk, mielőtt a gépek ára még magasabb lesz, mint tavaly.",
        "Това е една от причините да не го правим така, защото данните са твърде много и всички са различни.",
    ],
)
def test_what_is_not_sure_is_not_said(text: str) -> None:
    assert detected_language(text) == ""


def test_codes_are_compared_without_their_region() -> None:
    assert [base_of(code) for code in ("en-US", "zh_Hans", " EN ", "")] == ["en", "zh", "en", ""]


def test_common_words_of_each_language_carry_no_subject() -> None:
    assert not any(map(carries_subject, ("the", "und", "que", "nie")))
    assert carries_subject("tokenizer")
