"""Graphs over the seats, through networkx: messages and pulls travel along edges only."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import networkx as nx

Edges = tuple[tuple[int, int], ...]


def edges(name: str, n_seats: int, *, seed: int, params: Mapping[str, Any] | None = None) -> Edges:
    """Undirected edges (lower seat, higher seat), sorted.

    Args:
        name: one of TOPOLOGIES.
        n_seats: seats 0..n_seats-1.
        seed: for random graphs; the others do not use it.
        params: the generator's own parameters.

    Raises:
        ValueError: unknown name, wrong parameters, or a graph that leaves a seat out of the others' reach.
    """
    if name not in TOPOLOGIES:
        raise ValueError(f"no topology {name!r} (known: {', '.join(sorted(TOPOLOGIES))})")
    return _edges(name, n_seats, seed if name in DRAWN else 0, json.dumps(dict(params or {})))


@lru_cache(maxsize=1_024)  # an arm's episodes mostly share one graph
def _edges(name: str, n_seats: int, seed: int, params: str) -> Edges:
    try:
        graph = TOPOLOGIES[name](n_seats, seed, **json.loads(params))
    except (TypeError, nx.NetworkXError) as error:
        raise ValueError(f"{name} with {params}: {error}") from error
    if set(graph) != set(range(n_seats)):
        raise ValueError(f"{name}: the graph has seats {sorted(graph)}, expected 0..{n_seats - 1}")
    if nx.number_of_selfloops(graph) or not nx.is_connected(graph):
        raise ValueError(f"{name}: every seat must reach every other, and none itself")
    return tuple(sorted((min(a, b), max(a, b)) for a, b in graph.edges))


def _complete(n: int, _seed: int) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.complete_graph(n)
    return graph


def _ring(n: int, _seed: int) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.cycle_graph(n)
    return graph


def _star(n: int, _seed: int, *, center: int = 0) -> "nx.Graph[int]":
    """Every seat is joined to the centre alone."""
    graph: nx.Graph[int] = nx.star_graph([center, *(seat for seat in range(n) if seat != center)])
    return graph


def _watts_strogatz(n: int, seed: int, *, k: int, p: float) -> "nx.Graph[int]":
    """A small world: k nearest seats on a ring, each edge rewired with probability p; drawn again until connected."""
    graph: nx.Graph[int] = nx.connected_watts_strogatz_graph(n, k, p, seed=seed)
    return graph


def _edge_list(n: int, _seed: int, *, edges: list[list[int]]) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.empty_graph(n)
    graph.add_edges_from((int(a), int(b)) for a, b in edges)
    return graph


TOPOLOGIES: Mapping[str, Callable[..., "nx.Graph[int]"]] = {
    "complete": _complete,
    "ring": _ring,
    "star": _star,
    "watts_strogatz": _watts_strogatz,
    "edge_list": _edge_list,
}
# Topologies that use the seed.
DRAWN = frozenset({"watts_strogatz"})
