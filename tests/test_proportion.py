"""`explain` takes time in proportion to its text, whatever its shape."""

import time

import pytest
from attacks.texts import SHAPES

from vethlab_sh import explain

LENGTH = 15_000  # characters; a reader who needs the square of it has 225 million steps
TIMES = 4
PROSE = SHAPES["prose"]


def seconds(text: str) -> float:
    """Of the processor, for reading a text and writing down what it says; the least of two."""
    least = float("inf")
    for _ in range(2):
        start = time.process_time()
        str(explain(text))
        least = min(least, time.process_time() - start)
    return least


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_text_takes_four_times_as_long(shape):
    text = SHAPES[shape]
    least = seconds(PROSE(LENGTH))  # what any text of this length takes
    few = seconds(text(LENGTH))
    many = seconds(text(TIMES * LENGTH))
    assert many < 2 * TIMES * (few + least)  # the square would be 16 times as long
