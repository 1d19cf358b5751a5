"""Units of measurement, by their exact definitions.

Sources: the SI brochure (9th edition, 2019) for metric units and those accepted beside them; the
international yard and pound agreement of 1959 (1 yd = 0.9144 m, 1 lb = 0.45359237 kg). Units that differ
between countries (pint, gallon, ton) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["UNITS", "Unit"]


@dataclass(frozen=True)
class Unit:
    """A unit: a value in it, times ``factor`` plus ``offset``, is a value in the base unit.

    Attributes:
        measures: What it is a unit of; only units of the same quantity compare.
        factor: In base units: metre, kilogram, second, litre, kelvin.
        offset: In base units; other than 0 for temperatures only.
    """

    measures: str
    factor: Fraction
    offset: Fraction = Fraction(0)


_DEFINED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "length": (
        ("mm millimetre millimetres millimeter millimeters", "0.001"),
        ("cm centimetre centimetres centimeter centimeters", "0.01"),
        ("m metre metres meter meters", "1"),
        ("km kilometre kilometres kilometer kilometers", "1000"),
        ("in inch inches", "0.0254"),
        ("ft foot feet", "0.3048"),
        ("yd yard yards", "0.9144"),
        ("mi mile miles", "1609.344"),
    ),
    "mass": (
        ("mg milligram milligrams", "0.000001"),
        ("g gram grams", "0.001"),
        ("kg kilogram kilograms", "1"),
        ("t tonne tonnes", "1000"),
        ("oz ounce ounces", "0.028349523125"),
        ("lb pound pounds", "0.45359237"),
    ),
    "time": (
        ("ms millisecond milliseconds", "0.001"),
        ("s second seconds", "1"),
        ("min minute minutes", "60"),
        ("h hour hours", "3600"),
        ("d day days", "86400"),
        ("week weeks", "604800"),
    ),
    "volume": (
        ("mL ml millilitre millilitres milliliter milliliters", "0.001"),
        ("cL cl centilitre centilitres centiliter centiliters", "0.01"),
        ("L l litre litres liter liters", "1"),
        ("m³ m^3", "1000"),
        ("cm³ cm^3", "0.001"),
    ),
}

UNITS: Mapping[str, Unit] = {
    name: Unit(measures, Fraction(factor))
    for measures, units in _DEFINED.items()
    for names, factor in units
    for name in names.split()
} | {
    "K": Unit("temperature", Fraction(1)),
    "°C": Unit("temperature", Fraction(1), Fraction("273.15")),
    "°F": Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
"""By symbol or name; symbols as the SI writes them, names in lower case."""
