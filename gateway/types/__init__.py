"""The public types, one noun a file; each is made of the columns of its table."""

# Enums get their names and descriptions before any field has one for its type: Strawberry would make up its own.
from gateway.types import choices as choices
from gateway.types import enums as enums
