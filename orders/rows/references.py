"""Rows by which a thing is found."""

from orders.graph import ReferenceRow


def reference(scheme: str, value: str, target: str, target_id: str, order_id: str | None) -> ReferenceRow:
    return ReferenceRow(scheme=scheme, value=value, target=target, target_id=target_id, order_id=order_id)
