"""Content addresses: equal content has one, and any change another."""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.store import content_hash, source_hash

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def hashed(content: object) -> str:
    # The type checks of these tests cannot follow Json into itself, and look no further than a first number.
    return content_hash({"a number": 0, "content": content})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(), json_values, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(content: dict[str, object], random: object) -> None:
    items = list(content.items())
    random.shuffle(items)
    assert hashed(dict(items)) == hashed(content)


def test_any_change_matters() -> None:
    contents = [
        {"a": 1},
        {"a": 2},
        {"b": 1},
        {"a": [1]},
        {"a": "1"},
        {"a": 1.5},
        {"a": None},
        {},
        [1, 2],
        [2, 1],
    ]
    assert len({hashed(content) for content in contents}) == len(contents)


def test_the_hash_is_sha256_of_compact_json() -> None:
    expected = hashlib.sha256(b'{"a":"\\u00e9","b":1,"c":[null,1.5]}').hexdigest()
    assert content_hash({"b": 1, "c": [None, 1.5], "a": "é"}) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_json_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        hashed({"x": [value]})


def learner_in(folder: Path, monkeypatch: pytest.MonkeyPatch, package: bool = True) -> object:
    folder.mkdir(exist_ok=True)
    if package:
        (folder / "__init__.py").touch()
    (folder / "tmp_part.py").write_text("class Part:\n    x = 1\n")
    monkeypatch.syspath_prepend(str(folder.parent if package else folder))
    name = f"{folder.name}.tmp_part" if package else "tmp_part"
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    # Taken out of the table of modules when the test ends.
    del sys.modules[name]
    monkeypatch.setitem(sys.modules, name, module)
    return module.Part()


def test_a_change_to_any_module_of_the_package_changes_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [
        {},
        {"notes.txt": "no code"},
        {"tmp_part.py": "class Part:\n    x = 2\n"},
        {"beside.py": "y = 1\n"},
        {"beside.py": "y = 2\n"},
        {"other_name.py": "y = 2\n"},
    ]
    hashes = []
    for number, files in enumerate(changes):
        folder = tmp_path / f"tmp_package_{number}"
        part = learner_in(folder, monkeypatch)
        for file, text in files.items():
            (folder / file).write_text(text)
        hashes.append(source_hash(part))
        # A process hashes a folder once: what it runs does not change under it.
        (folder / "later.py").write_text("z = 3\n")
        assert source_hash(part) == hashes[-1]
    assert hashes[0] == hashes[1]
    assert len(set(hashes[1:])) == 5


def test_a_class_outside_a_package_is_hashed_by_its_own_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = learner_in(tmp_path / "loose", monkeypatch, package=False)
    before = source_hash(part)
    assert before == content_hash("class Part:\n    x = 1\n")


def test_a_class_without_source_is_known_by_its_name() -> None:
    made: dict[str, type] = {}
    exec("class Typed: pass\nclass Other: pass", {"__name__": "nowhere"}, made)
    assert source_hash(made["Typed"]()) == source_hash(made["Typed"]())
    assert source_hash(made["Typed"]()) != source_hash(made["Other"]())
