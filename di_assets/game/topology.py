"""Graphs over the seats, made with networkx. Messages and pulls travel along edges only."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import networkx as nx

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Topology:
    """One kind of graph.

    Attributes:
        name: the name that arms use.
        graph: a function that takes the number of seats n, and its own parameters as keywords. It returns a graph over
            0..n-1. A random graph also takes the keyword `seed`, and must use no other randomness.
        drawn: true if each episode's seed gives a different graph, that is, if `graph` takes a seed.
    """

    name: str
    graph: Callable[..., "nx.Graph[int]"]
    drawn: bool = field(init=False)

    def __post_init__(self) -> None:
        """Sets `drawn` from the parameters of `graph`, so that no second list is needed."""
        object.__setattr__(self, "drawn", "seed" in inspect.signature(self.graph).parameters)

    def edges(self, n_seats: int, seed: int, params: Mapping[str, Any]) -> Edges:
        """Undirected edges (lower seat, higher seat), sorted.

        Raises:
            ValueError: see `edges` below.
        """
        drawn_from = {"seed": seed} if self.drawn else {}
        try:
            graph = self.graph(n_seats, **drawn_from, **params)
        except (TypeError, nx.NetworkXError) as error:
            raise ValueError(f"{self.name} with {json.dumps(params)}: {error}") from error
        if set(graph) != set(range(n_seats)):
            raise ValueError(f"{self.name}: the graph has seats {sorted(graph)}, expected 0..{n_seats - 1}")
        if nx.number_of_selfloops(graph) or not nx.is_connected(graph):
            raise ValueError(f"{self.name}: every seat must reach every other, and none itself")
        return tuple(sorted((min(a, b), max(a, b)) for a, b in graph.edges))


def edges(name: str, n_seats: int, *, seed: int, params: Mapping[str, Any] | None = None) -> Edges:
    """Undirected edges (lower seat, higher seat), sorted.

    Args:
        name: one of TOPOLOGIES.
        n_seats: seats 0..n_seats-1.
        seed: for random graphs; the others do not use it.
        params: the generator's own parameters.

    Raises:
        ValueError: the name is unknown, the parameters are wrong, the graph is not connected, or the graph depends on
            something other than the seed.
    """
    if name not in TOPOLOGIES:
        raise ValueError(f"no topology {name!r} (known: {', '.join(sorted(TOPOLOGIES))})")
    topology = TOPOLOGIES[name]
    return _edges(topology, n_seats, seed if topology.drawn else 0, json.dumps(dict(params or {})))


@lru_cache(maxsize=1_024)  # cached: most episodes of an arm share one graph
def _edges(topology: Topology, n_seats: int, seed: int, params: str) -> Edges:
    made, again = (topology.edges(n_seats, seed, json.loads(params)) for _ in range(2))
    if made != again:
        raise ValueError(f"{topology.name}: it differs each time; a random graph draws from the keyword `seed` alone")
    return made


def _complete(n: int) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.complete_graph(n)
    return graph


def _ring(n: int) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.cycle_graph(n)
    return graph


def _star(n: int, *, center: int = 0) -> "nx.Graph[int]":
    """Every seat is joined to the centre alone."""
    graph: nx.Graph[int] = nx.star_graph([center, *(seat for seat in range(n) if seat != center)])
    return graph


def _watts_strogatz(n: int, *, seed: int, k: int, p: float) -> "nx.Graph[int]":
    """A small world: k nearest seats on a ring, each edge rewired with probability p; drawn again until connected."""
    graph: nx.Graph[int] = nx.connected_watts_strogatz_graph(n, k, p, seed=seed)
    return graph


def _edge_list(n: int, *, edges: list[list[int]]) -> "nx.Graph[int]":
    graph: nx.Graph[int] = nx.empty_graph(n)
    graph.add_edges_from((int(a), int(b)) for a, b in edges)
    return graph


TOPOLOGIES: dict[str, Topology] = {
    one.name: one
    for one in (
        Topology("complete", _complete),
        Topology("ring", _ring),
        Topology("star", _star),
        Topology("watts_strogatz", _watts_strogatz),
        Topology("edge_list", _edge_list),
    )
}
