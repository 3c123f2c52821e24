"""The rows of the graph, each made of what was worked out of the facts."""
