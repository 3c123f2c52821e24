"""The distributor's master data: who buys, what is sold, who carries it, and where."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random


@dataclass(frozen=True, slots=True)
class City:
    name: str
    region: str
    zip: str
    zone: str
    country: str = "US"


@dataclass(frozen=True, slots=True)
class ShipTo:
    number: int
    name: str
    street: str
    city: City


@dataclass(frozen=True, slots=True)
class Customer:
    number: int
    name: str
    currency: str
    ship_tos: tuple[ShipTo, ...]


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    description: str
    uom: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Carrier:
    """`scac` is its four-letter code; a parcel carrier's shipments see fewer scans than a truck line's."""

    scac: str
    service: str
    parcel: bool


EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

EAST_DOCK = City("Edison", "NJ", "08817", EASTERN)

HUBS = (
    City("Memphis", "TN", "38118", CENTRAL),
    City("Louisville", "KY", "40209", EASTERN),
    City("Indianapolis", "IN", "46241", EASTERN),
    City("Columbus", "OH", "43217", EASTERN),
    City("Dallas", "TX", "75261", CENTRAL),
    City("Harrisburg", "PA", "17111", EASTERN),
)

CITIES = (
    City("Albany", "NY", "12203", EASTERN),
    City("Atlanta", "GA", "30318", EASTERN),
    City("Austin", "TX", "78744", CENTRAL),
    City("Boise", "ID", "83705", MOUNTAIN),
    City("Boston", "MA", "02127", EASTERN),
    City("Charlotte", "NC", "28208", EASTERN),
    City("Chicago", "IL", "60609", CENTRAL),
    City("Cincinnati", "OH", "45214", EASTERN),
    City("Denver", "CO", "80216", MOUNTAIN),
    City("Des Moines", "IA", "50313", CENTRAL),
    City("Houston", "TX", "77029", CENTRAL),
    City("Kansas City", "MO", "64120", CENTRAL),
    City("Milwaukee", "WI", "53204", CENTRAL),
    City("Nashville", "TN", "37210", CENTRAL),
    City("Phoenix", "AZ", "85043", "America/Phoenix"),
    City("Pittsburgh", "PA", "15201", EASTERN),
    City("Portland", "OR", "97210", PACIFIC),
    City("Sacramento", "CA", "95828", PACIFIC),
    City("Seattle", "WA", "98108", PACIFIC),
    City("Toronto", "ON", "M8Z 2Z8", "America/Toronto", "CA"),
    City("Vancouver", "BC", "V5L 1B8", "America/Vancouver", "CA"),
)

CARRIERS = (
    Carrier("NSPX", "GROUND", parcel=True),
    Carrier("NSPX", "TWO_DAY", parcel=True),
    Carrier("QLPD", "GROUND", parcel=True),
    Carrier("GRLK", "LTL", parcel=False),
    Carrier("TRVM", "LTL", parcel=False),
)

_PLACES = (
    "Lakeshore",
    "Summit",
    "Prairie",
    "Harbor",
    "Granite",
    "Cedar",
    "Pioneer",
    "Liberty",
    "Northfield",
    "Redwood",
)
_TRADES = ("Electric", "Plumbing Supply", "Builders", "Industrial", "Facilities", "Mechanical", "Hardware", "Controls")
_LEGAL = ("Inc", "LLC", "Co", "Corp")
_STREETS = ("Commerce Dr", "Industrial Pkwy", "Depot St", "Foundry Rd", "Mill St", "Enterprise Way")
_FITTINGS = ("Ball valve", "Conduit", "Coupling", "Hex bolt", "Pipe clamp", "Cable tie")
_THINGS = (*_FITTINGS, "Circuit breaker", "LED panel", "Relay", "Sensor", "Terminal block", "Thermostat")
_SIZES = ("1/4 in", "1/2 in", "3/4 in", "1 in", "2 in")
_UOMS = ("EA", "EA", "EA", "BX", "CS")


def customers(rng: Random, count: int) -> tuple[Customer, ...]:
    return tuple(_customer(rng, 1001 + index) for index in range(count))


def items(rng: Random, count: int) -> tuple[Item, ...]:
    kinds = [f"{thing} {size}" for size in _SIZES for thing in _THINGS]
    return tuple(_item(rng, 10 * (100 + index), kinds[index % len(kinds)]) for index in range(count))


def _customer(rng: Random, number: int) -> Customer:
    name = f"{rng.choice(_PLACES)} {rng.choice(_TRADES)} {rng.choice(_LEGAL)}"
    home = rng.choice(CITIES)
    sites = [home, *(rng.choice(CITIES) for _ in range(rng.choice((0, 0, 1, 2))))]
    ship_tos = tuple(_ship_to(rng, index, name, city) for index, city in enumerate(sites, start=1))
    return Customer(number, name, "CAD" if home.country == "CA" else "USD", ship_tos)


def _ship_to(rng: Random, number: int, customer: str, city: City) -> ShipTo:
    name = customer if number == 1 else f"{customer} {city.name}"
    return ShipTo(number, name, f"{rng.randint(1, 9800)} {rng.choice(_STREETS)}", city)


def _item(rng: Random, number: int, kind: str) -> Item:
    price = Decimal(rng.randint(12_000, 1_800_000)).scaleb(-4)
    return Item(f"{kind[:2].upper()}-{number}", kind, rng.choice(_UOMS), price)
