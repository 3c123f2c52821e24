"""X12 code tables that partners share. Source: elements 1650 and 1651 as published for 4030 and 5010.

A partner that reads a code otherwise keeps a table of its own in its folder.
"""

from orders.states import Milestone, Overlay, ReasonFamily

MILESTONES_1650 = {
    "XB": Milestone.CREATED,
    "X3": Milestone.CARRIER_AT_PICKUP,
    "X8": Milestone.CARRIER_AT_PICKUP,
    "L1": Milestone.LOADED,
    "CP": Milestone.LOADED,
    "AM": Milestone.LOADED,
    "CL": Milestone.LOADED,
    "AF": Milestone.PICKED_UP,
    "X6": Milestone.IN_TRANSIT,
    "X4": Milestone.AT_HUB,
    "AR": Milestone.AT_HUB,
    "P1": Milestone.DEPARTED_HUB,
    "RL": Milestone.DEPARTED_HUB,
    "J1": Milestone.HANDOFF,
    "R1": Milestone.HANDOFF,
    "BA": Milestone.HANDOFF,
    "AI": Milestone.REROUTED,
    "AN": Milestone.REROUTED,
    "K1": Milestone.CUSTOMS_HOLD,
    "PR": Milestone.CUSTOMS_HOLD,
    "CT": Milestone.CUSTOMS_CLEARED,
    "AJ": Milestone.OUT_FOR_DELIVERY,
    "AV": Milestone.READY_FOR_PICKUP,
    "AW": Milestone.READY_FOR_PICKUP,
    "X1": Milestone.ARRIVED_AT_CONSIGNEE,
    "X5": Milestone.ARRIVED_AT_CONSIGNEE,
    "S1": Milestone.ARRIVED_AT_CONSIGNEE,
    "AH": Milestone.DELIVERY_ATTEMPTED,
    "AP": Milestone.DELIVERY_ATTEMPTED,
    "A7": Milestone.REFUSED,
    "PA": Milestone.PARTIALLY_DELIVERED,
    "D1": Milestone.DELIVERED,
    "CB": Milestone.DELIVERED,
    "CD": Milestone.DELIVERED,
    "A3": Milestone.RETURNED,
    "CA": Milestone.CANCELLED,
}

OVERLAYS_1650 = {
    "SD": Overlay.DELAYED,
    "A9": Overlay.DAMAGED,
    "BC": Overlay.HELD,
    "AG": Overlay.ETA_UPDATED,
    "X2": Overlay.ETA_UPDATED,
    "B6": Overlay.ETA_UPDATED,
    "C1": Overlay.ETA_UPDATED,
}

_FAMILIES = {
    ReasonFamily.CARRIER: "AH AI AJ AK AL AY A1 BF BH BI BP D1 D2 BO",
    ReasonFamily.SHIPPER: "AM AW AX BB C6 BC CB CC BQ",
    ReasonFamily.CONSIGNEE: "AG AQ B1 B5 B8 B9 BS AD C1 C3 C4 C5 A5",
    ReasonFamily.ADDRESS: "A2 A6",
    ReasonFamily.CUSTOMS: "CA AR AS AT BD",
    ReasonFamily.PAYMENT: "B4 C2 C8 C9",
    ReasonFamily.EXTERNAL: "AO AU AN BE BR",
    ReasonFamily.APPOINTMENT: "BK HB",
}

REASONS_1651 = {code: family for family, codes in _FAMILIES.items() for code in codes.split()}

NORMAL = "NS"
"""Normal status: a reason that is none."""
