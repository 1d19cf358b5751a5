"""``docs/reference/python.md`` is made of signatures and docstrings; to make it anew:

NEGSPACE_WRITE_DOCS=1 python -m pytest tests/test_python_docs.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "python.md"
# In a process of its own: the hook that checks types in tests wraps every function.
SCRIPT = """
import enum, inspect, negspace

def signature(name, thing):
    # One parameter a line; that of an enumeration differs between versions of Python.
    if not callable(thing) or (isinstance(thing, type) and issubclass(thing, enum.Enum)):
        return name
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return name
    lines = []
    star = False
    for each in found.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not star:
            lines.append("*")
            star = True
        kind = "" if each.annotation is each.empty else f": {each.annotation}"
        default = "" if each.default is each.empty else f" = {each.default!r}"
        lines.append(f"{'*' * (each.kind is each.VAR_POSITIONAL)}{each.name}{kind}{default}")
    gives = "" if found.return_annotation in (None, found.empty) else f" -> {found.return_annotation}"
    inside = "".join(f"\\n    {line}," for line in lines)
    return f"{name}({inside}\\n){gives}" if lines else f"{name}(){gives}"

for name in sorted(negspace.__all__, key=str.casefold):
    thing = getattr(negspace, name)
    if name.startswith("__"):
        continue
    said = inspect.getdoc(thing) or ""
    assert said, f"{name} has no docstring"
    print(f"## {name}\\n\\n```python\\n{signature(name, thing)}\\n```\\n\\n```text\\n{said.strip()}\\n```\\n")
"""
HEAD = """\
# Python

<!-- Made of signatures and docstrings. Do not edit: change those and run
     NEGSPACE_WRITE_DOCS=1 python -m pytest tests/test_python_docs.py -->

What `import negspace` gives. Each is imported when it is first asked for.

"""


def test_the_page_is_what_the_docstrings_say() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert ended.returncode == 0, ended.stderr
    page = HEAD + ended.stdout.rstrip() + "\n"
    if os.environ.get("NEGSPACE_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
