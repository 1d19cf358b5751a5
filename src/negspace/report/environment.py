"""The templates of all pages: what they may call, and the rule that everything printed is made visible."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from negspace.report import numbers, views
from negspace.report.sheet import SERIES
from negspace.report.words import visible

__all__ = ["relative_link", "template"]


def template(name: str) -> Template:
    """A template of this room, by its file name; it escapes whatever it is given."""
    return _environment().get_template(name)


def relative_link(path: str) -> str:
    """A link that can only lead to a place beside this page, whatever the path says."""
    return "./" + quote(path.replace("\\", "/").lstrip("/"), safe="/._-~")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("negspace.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "percent": numbers.percent,
        "points": numbers.points,
        "interval": numbers.interval,
        "count": numbers.count,
        "sentence": numbers.sentence,
        "share_of": numbers.share_of,
    }
    environment.globals |= {
        "OUTCOMES": views.OUTCOMES,
        "ANSWERS": views.ANSWERS,
        "series": len(SERIES),
    }
    return environment


def _shown(value: object) -> object:
    """Every printed value passes here; markup is ours, all other text may hide something."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
