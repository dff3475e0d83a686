"""A trie of names, each a sequence of tokens, in a few flat arrays.

Legend: N tokens of a text, G lists of names, M matches, V nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

# The time of a lookup grows with the longest name.
MOST_TOKENS = 100
_SHIFT = 32  # bits of a token's id


class NameTrie:
    """Finds the longest name of each list at each position of a text.

        trie = NameTrie.build([["New York", "York"], ["New"]])
        trie.longest(trie.token_ids(["in", "New", "York"]), np.array([3, 3, 3]))
        # [[0, 0], [2, 1], [1, 0]]

    An edge is a number: its parent node times 2^32, plus the id of its token. Edges are sorted, and
    the node at the end of edge n is node n + 1; node 0 is the root. A million names of two tokens
    take about 25 MB, plus the strings of their distinct tokens.
    """

    def __init__(
        self, ids: dict[str, int], edges_V: np.ndarray, lists_V: np.ndarray, num_lists: int
    ) -> None:
        self._ids, self._edges_V, self._lists_V = ids, edges_V, lists_V
        self.num_lists = num_lists

    @classmethod
    def build(cls, lists: Sequence[Iterable[str]]) -> NameTrie:
        """Build the trie of at most 64 lists; the tokens of a name are separated by spaces."""
        ids: dict[str, int] = {}
        tokens: list[int] = []
        counts: list[int] = []
        sizes = []
        for names in lists:
            before = len(counts)
            for name in names:
                parts = name.split(" ")
                counts.append(len(parts))
                tokens += [ids.setdefault(part, len(ids) + 1) for part in parts]
            sizes.append(len(counts) - before)
        bits = np.left_shift(np.uint64(1), np.arange(len(lists), dtype=np.uint64))
        of_name = np.repeat(bits, sizes)
        edges = _tree(np.array(tokens, np.int64), np.array(counts, np.int64), of_name)
        return cls(ids, *edges, len(lists))

    def names(self, number: int) -> Iterator[str]:
        """Yield the distinct names of a list, shorter ones first."""
        tokens = ["", *self._ids]
        paths = [""]
        bit = 1 << number
        for edge, lists in zip(self._edges_V.tolist(), self._lists_V.tolist(), strict=True):
            above, token = paths[edge >> _SHIFT], tokens[edge & ((1 << _SHIFT) - 1)]
            paths.append(f"{above} {token}" if above else token)
            if lists & bit:
                yield paths[-1]

    def token_ids(self, tokens: Iterable[str]) -> list[int]:
        """Return the id of each token; 0 for tokens that are in no name."""
        return [self._ids.get(token, 0) for token in tokens]

    def longest(self, ids_N: np.ndarray, ends_N: np.ndarray) -> np.ndarray:
        """Return the length of the longest name of each list that begins at each token: (N, G).

        Args:
            ids_N: the tokens of several sentences, one after the other, as ids.
            ends_N: for each token, the position after the last token of its sentence.
        """
        lengths_NG = np.zeros((len(ids_N), self.num_lists), np.int64)
        bits_G = np.arange(self.num_lists, dtype=np.uint64)
        start_M = np.flatnonzero(ids_N)
        node_M = np.zeros_like(start_M)
        for depth in range(MOST_TOKENS):
            inside_M = start_M + depth < ends_N[start_M]
            start_M, node_M = start_M[inside_M], node_M[inside_M]
            if not len(start_M):
                break
            edge_M = (node_M << _SHIFT) | ids_N[start_M + depth]
            at_M = np.searchsorted(self._edges_V, edge_M)
            at_M[at_M == len(self._edges_V)] = 0
            found_M = self._edges_V[at_M] == edge_M
            start_M, at_M = start_M[found_M], at_M[found_M]
            ends_MG = (self._lists_V[at_M, None] >> bits_G) & np.uint64(1)
            lengths_NG[start_M] = np.where(ends_MG, depth + 1, lengths_NG[start_M])
            node_M = at_M + 1
        return lengths_NG


def _tree(
    tokens: np.ndarray, counts: np.ndarray, of_name: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges, and for each node after the root the lists of which a name ends there.

    Args:
        tokens: the token ids of all names, one name after the other.
        counts: number of tokens of each name.
        of_name: the bit of each name's list.
    """
    start = np.cumsum(counts) - counts
    node = np.zeros_like(start)
    edges, lists = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    below = 1  # the first node of the level
    for depth in range(int(counts.max(initial=0))):
        longer = counts > depth
        start, node, counts, of_name = (part[longer] for part in (start, node, counts, of_name))
        # Nodes of later levels have higher numbers, so the edges of all levels are in order.
        level, index = np.unique((node << _SHIFT) | tokens[start + depth], return_inverse=True)
        node = below + index
        ends = counts == depth + 1
        here = np.zeros(len(level), np.uint64)
        np.bitwise_or.at(here, index[ends], of_name[ends])
        edges.append(level)
        lists.append(here)
        below += len(level)
    return np.concatenate(edges), np.concatenate(lists)
