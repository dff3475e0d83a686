"""Tables that grow: extending a table never changes it."""

import numpy as np

from seqtag.inputs.word_table import Column, Ragged, Table


def test_a_column_grows():
    column = Column.empty()
    for start in range(0, 5000, 50):
        column = column.extend(range(start, start + 50))
    assert column.values.tolist() == list(range(5000))
    longer = column.extend(np.arange(10_000))
    assert longer.size == 15_000
    assert longer.values[-1] == 9999


def test_a_longer_column_does_not_change_shorter_ones():
    columns = [Column.empty()]
    for size in (0, 1, 1000, 30, 3000, 1):
        columns.append(columns[-1].extend(range(size)))
    sizes = np.cumsum([0, 0, 1, 1000, 30, 3000, 1]).tolist()
    assert [column.size for column in columns] == sizes
    for column in columns:
        assert column.values.tolist() == columns[-1].values[: column.size].tolist()


def test_rows_of_different_lengths():
    rows = Ragged.empty().extend([[1, 2], [], [3]]).extend([]).extend([[4]])
    assert rows.flat.values.tolist() == [1, 2, 3, 4]
    assert rows.starts.values.tolist() == [0, 2, 2, 3]
    assert rows.counts.values.tolist() == [2, 0, 1, 1]


def test_a_copy_is_independent():
    table = Table.empty({"id": False, "list": True})
    table = table.extend({"id": [1, 2], "list": [[5], [6, 7]]})
    copy = table.copy()
    one, other = (
        t.extend({"id": [number], "list": [[number]]}) for t, number in ((table, 10), (copy, 20))
    )
    everything = np.arange(3)
    for longer_table, number in ((one, 10), (other, 20)):
        assert len(longer_table) == 3
        assert longer_table.values("id").tolist() == [1, 2, number]
        assert longer_table.padded("list", everything).tolist() == [[5, 0], [6, 7], [number, 0]]
        assert longer_table.rows("list", everything)[1].tolist() == [5, 6, 7, number]
