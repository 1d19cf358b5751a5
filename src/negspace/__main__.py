"""``python -m negspace``."""

from __future__ import annotations

from negspace.cli import main

if __name__ == "__main__":
    main()
