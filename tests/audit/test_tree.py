"""The incremental tree against RFC 6962 as written, and against an independent implementation."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.tree import Tree
from tests.spec.log_spec import leaf_hash, tree_hash

RECORDS = st.lists(st.binary(max_size=20), max_size=70)


def grown(leaves) -> Tree:
    tree = Tree()
    tree.extend(leaves)
    return tree


@given(RECORDS)
def test_the_root_is_that_of_the_rfc(records):
    leaves = [leaf_hash(record) for record in records]
    assert grown(leaves).root() == tree_hash(leaves)


@given(RECORDS)
def test_the_root_is_that_of_pymerkle(records):
    pymerkle = pytest.importorskip("pymerkle")
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for record in records:
        oracle.append_entry(record)
    expected = oracle.get_root() if records else sha256(b"").digest()
    assert grown(leaf_hash(record) for record in records).root() == expected


@given(RECORDS, st.integers(0, 70))
def test_a_tree_goes_on_from_its_size_and_peaks(records, at):
    leaves = [leaf_hash(record) for record in records]
    begun = grown(leaves[:at])
    resumed = Tree(begun.size, begun.peaks)
    for leaf in leaves[at:]:
        resumed.append(leaf)
    assert (resumed.size, resumed.root()) == (len(leaves), tree_hash(leaves))


def test_peaks_that_do_not_fit_the_size_are_refused():
    with pytest.raises(ValueError, match="one peak"):
        Tree(3, [b"x" * 32])
