"""A real ERP beside the legacy one: Tryton 8.2 in a process of its own. It is GPL and never shipped with Milepost."""
