"""West's own codes."""

from zoneinfo import ZoneInfo

from orders.states import Milestone, Overlay

WAREHOUSE = "WE"
"""What the distributor calls West's building."""

CLOCK = ZoneInfo("America/Los_Angeles")
"""What West's system writes its times by; they carry no zone."""

STAGES = {
    "10": "RECEIVED",
    "15": "ACKNOWLEDGED",
    "20": "PICKING",
    "30": "PICKED",
    "40": "PACKED",
    "50": "SHIPPED",
    "80": "SHORT",
    "90": "CANCELLED",
}

MILESTONES = {
    "MAN": Milestone.CREATED,
    "COL": Milestone.PICKED_UP,
    "TRN": Milestone.IN_TRANSIT,
    "HUB": Milestone.AT_HUB,
    "OFD": Milestone.OUT_FOR_DELIVERY,
    "ATT": Milestone.DELIVERY_ATTEMPTED,
    "REF": Milestone.REFUSED,
    "POD": Milestone.DELIVERED,
    "RTS": Milestone.RETURNED,
}

OVERLAYS = {"DLY": Overlay.DELAYED, "DMG": Overlay.DAMAGED}
