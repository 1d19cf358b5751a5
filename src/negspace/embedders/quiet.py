"""Loading and running models without their talk, and without taking more than one core."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings, bars and notes that transformers and sentence-transformers print.

    What matters of them is checked and raised by us; their settings are given back as they were found.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as talk  # takes seconds; warns as it does

        verbosity, bar = talk.get_verbosity(), talk.is_progress_bar_enabled()
        sentences = logging.getLogger("sentence_transformers")
        level = sentences.level
        talk.set_verbosity_error()
        talk.disable_progress_bar()
        sentences.setLevel(logging.ERROR)
        try:
            yield
        finally:
            talk.set_verbosity(verbosity)
            sentences.setLevel(level)
            if bar:
                talk.enable_progress_bar()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch on one thread; leave its threads and its global generator as they were found."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
