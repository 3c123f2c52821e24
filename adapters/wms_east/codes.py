"""East's own codes."""

WAREHOUSE = "EA"
"""What the distributor calls East's building."""

ORDER_STATES = {
    "NEW": "RECEIVED",
    "ACK": "ACKNOWLEDGED",
    "PICKING": "PICKING",
    "PICKED": "PICKED",
    "PACKED": "PACKED",
    "SHIPPED": "SHIPPED",
    "SHORT": "SHORT",
    "CANCELLED": "CANCELLED",
}
