# The same verbs as CI and the README.

default: check test

# Lint, format, types, import contracts, schema.
check:
    uv run ruff check .
    uv run ruff format --check .
    uv run mypy
    uv run lint-imports
    uv run python -m gateway.schema | diff -u schema.graphql -
    uv run python -m gateway.changes

test *ARGS:
    uv run pytest {{ARGS}}

# The end-to-end test against a real Tryton; its packages are GPL and in a group of their own.
test-tryton:
    uv run --group tryton pytest -m tryton

# The checks that programs from npm make.
test-npm:
    uv run --group npm pytest -m npm

# A real MariaDB server, captured; Maven fetches the connector's jars the first time.
test-mariadb:
    uv run pytest -m mariadb

# A real Postgres with certificates; the one that Milepost brings has no TLS.
test-tls:
    uv run pytest -m tls

# A real Kafka broker and a Connect worker with Debezium; Maven fetches their jars the first time.
test-kafka:
    uv run pytest -m kafka

# A minute of documents that schemathesis makes of the schema.
test-schemathesis:
    uv run --group schemathesis pytest -m schemathesis

# start, latency, capture, project, fold, rebuild, query, growth or overload; `query` needs `uv sync --group npm` for PostGraphile.
bench NAME *ARGS:
    uv run python -m bench {{NAME}} {{ARGS}}

demo *ARGS:
    uv run milepost demo {{ARGS}}

schema:
    uv run python -m gateway.schema > schema.graphql

# At a release: what is served from here on is what must not break.
released:
    cp schema.graphql docs/released.graphql
