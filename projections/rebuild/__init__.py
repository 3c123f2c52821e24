"""The graph made anew from the ledger by the present mappings: all of it beside the old one, or some orders."""
