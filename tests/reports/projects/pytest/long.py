# mypy: ignore-errors
"""Output of more than 100 kB."""


def test_long_output():
    for number in range(3000):
        print(f"{number:5} a line of output that goes on and on")
    assert False  # noqa: B011, PT015
