import pytest

from segviz.errors import InputError, guard, printable, reason_of


def test_messages_have_one_line_without_control_characters():
    error = InputError("the file a\x1b[31m\nb\u202e\udce9 is bad.")
    assert str(error) == "the file a\\x1b[31m b\\u202e\\udce9 is bad."


def test_names_of_other_scripts_stay():
    assert printable("猫 фото é.jpg") == "猫 фото é.jpg"


def test_messages_have_a_limit():
    assert len(str(InputError("x" * 100_000))) <= 2000


@pytest.mark.parametrize(
    "error", [ValueError("two\nlines"), MemoryError(), RecursionError("deep"), KeyError("x")]
)
def test_guard_makes_one_sentence_of_anything(error):
    with pytest.raises(InputError) as caught, guard("the file is damaged", "make it again"):
        raise error
    message = str(caught.value)
    assert message.startswith("the file is damaged (") and message.endswith("; make it again.")
    assert caught.value.__cause__ is error


def test_guard_lets_sentences_and_interrupts_pass():
    own = InputError("scale must be at most 8.")
    with pytest.raises(InputError) as caught, guard("a", "b"):
        raise own
    assert caught.value is own
    with pytest.raises(KeyboardInterrupt), guard("a", "b"):
        raise KeyboardInterrupt


def test_reasons_are_short():
    assert reason_of(OSError(28, "No space left on device")) == "No space left on device"
    assert reason_of(ValueError()) == "ValueError"
    assert len(reason_of(ValueError("x" * 9999))) <= 200
