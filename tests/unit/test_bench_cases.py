"""What the benches' figures become in the one shape of results."""

from bench import capture, growth, overload, query
from bench.load import Latencies, Result
from bench.overload import Round
from bench.questions import ORDERS

FIGURES = {"rate": 100.0, "p50": 1.0, "p99": 4.0, "cpu": 0.5, "postgres": 0.25}
FLOOR = {name: 2 * value for name, value in FIGURES.items() if name != "cpu"}


def result(answers: int, refused: int, p99: float) -> Result:
    took, refusals, late = Latencies(1, p99), Latencies(1, 5), Latencies(0, 0)
    return Result(
        2.0, answers, refused, failed=0, unsent=3, cpu=0.5, asked=answers, took=took, refusals=refusals, late=late
    )


def test_a_peer_without_a_figure_is_left_out() -> None:
    made = query.cases({"page again": {"ours": [FIGURES], "pgbench": [FLOOR]}})
    assert {each.case: (each.ours, each.peers) for each in made} == {
        "page again, rate": (100, {"pgbench": 200}),
        "page again, p50": (1, {"pgbench": 2}),
        "page again, p99": (4, {"pgbench": 8}),
        "page again, cpu": (0.5, {}),
        "page again, postgres": (0.25, {"pgbench": 0.5}),
    }


def test_growth_is_the_ratio_of_the_larger_graph_to_the_smaller_one() -> None:
    small, large = f"{ORDERS} orders", f"{10 * ORDERS} orders"
    assert list(growth.SIZES) == [small, large]
    made = growth.cases({("page", "pgbench"): {small: [FIGURES], large: [FLOOR]}})
    assert made[0].case == "page in pgbench, rate"
    assert all(each.ratios[small].median == 2 for each in made)


def test_goodput_is_beside_the_peak_and_refusals_are_apart() -> None:
    rounds = [Round(result(1000, 0, 10), result(500, 0, 6), result(900, 2100, 12), offered=1500)]
    made = {each.case: each for each in overload.cases("page", rounds)}
    assert made["page, offered"].ratios["peak"].median == 3
    assert made["page, goodput"].ratios["peak"].median == 0.9
    assert made["page, admitted, p99"].peers == {"at half the peak": 6, "at the peak": 10}
    assert (made["page, refused"].ours, made["page, refused, p99"].ours) == (1050, 5)
    assert made["page, not sent in time"].ours == 3


def test_the_projector_is_beside_the_engine_alone() -> None:
    ours = {"rate": 10.0, "projector": 8.0, "engine": 4.0, "Postgres": 2.0}
    made = capture.cases("streaming", {"ours": [ours], "engine alone": [ours | {"rate": 20.0, "projector": 1.0}]})
    assert [(each.case, each.unit, each.ratios["engine alone"].median) for each in made] == [
        ("streaming", "changes/s", 0.5),
        ("streaming, CPU of projector", "µs a change", 8),
        ("streaming, CPU of engine", "µs a change", 1),
        ("streaming, CPU of Postgres", "µs a change", 1),
    ]
