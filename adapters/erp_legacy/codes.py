"""The legacy ERP's codes in canonical words."""

from orders.states import Commercial, Return

OFFICE_ZONE = "America/Chicago"
"""Its times are this office's wall clock."""

COMMERCIAL = {
    "10": Commercial.RECEIVED,
    "20": Commercial.ACCEPTED,
    "60": Commercial.CLOSED,
    "90": Commercial.CANCELLED,
    "95": Commercial.REJECTED,
}

CHANNELS = {"S1": "SHOP_ONE", "S2": "SHOP_TWO", "ED": "EDI", "IS": "INSIDE_SALES"}

HOLD_CODES = {"CREDIT": "CR", "CUSTOMER_SERVICE": "CS"}
HOLD_REASONS = {code: reason for reason, code in HOLD_CODES.items()}

RETURN_STATES = {
    "A": Return.RMA_ISSUED,
    "T": Return.IN_RETURN,
    "R": Return.RECEIVED_BACK,
    "S": Return.RESTOCKED,
    "F": Return.REFUNDED,
}
RETURN_REASONS = {"DM": "DAMAGED", "WR": "WRONG_ITEM", "NW": "NOT_WANTED"}

CHARGES = {"FR": "FREIGHT", "FS": "FUEL", "HD": "HANDLING", "AC": "ACCESSORIAL"}
