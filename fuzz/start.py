"""What the fuzz targets share: seeds are checked first, put into the corpus, then libFuzzer takes over."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris


def start(one_input: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Fuzz until the time given on the command line is over; exits."""
    corpora = [Path(word) for word in sys.argv[1:] if Path(word).is_dir()]
    for number, seed in enumerate(seeds):
        one_input(seed)
        for corpus in corpora:
            (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
