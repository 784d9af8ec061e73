"""Proofs against the page-sized tree, against pymerkle on random logs, and against whoever bends them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.audit.checkpoint import EvidenceError
from keepgate.audit.proof import (
    EMPTY,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    root_of,
    tree_hash,
)
from tests.spec.log_spec import leaf_hash
from tests.spec.log_spec import tree_hash as spec

RECORDS = st.lists(st.binary(max_size=12), min_size=1, max_size=80)


def nodes(leaves):
    return lambda level, number: spec(leaves[number << level : (number + 1) << level])


LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]
NODES = nodes(LEAVES)


def test_every_record_of_every_small_tree_is_proven_and_at_no_other_place():
    for size in range(1, 24):
        root = spec(LEAVES[:size])
        for index in range(size):
            path = inclusion(NODES, index, size)
            check_inclusion(LEAVES[index], index, size, root, path)
            for other in set(range(size)) - {index}:
                with pytest.raises(EvidenceError):
                    check_inclusion(LEAVES[index], other, size, root, path)


def test_every_small_tree_goes_on_from_every_smaller_one():
    for new in range(1, 24):
        for old in range(new + 1):
            path = consistency(NODES, old, new)
            check_consistency((old, spec(LEAVES[:old])), (new, spec(LEAVES[:new])), path)


@given(RECORDS, st.data())
def test_proofs_are_those_of_pymerkle(records, data):
    pymerkle = pytest.importorskip("pymerkle")
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for record in records:
        oracle.append_entry(record)
    leaves = [leaf_hash(record) for record in records]
    size = data.draw(st.integers(1, len(records)))
    index = data.draw(st.integers(0, size - 1))
    expected = oracle.prove_inclusion(index + 1, size).serialize()["path"]
    found = inclusion(nodes(leaves), index, size)
    assert sorted([leaves[index].hex(), *(each.hex() for each in found)]) == sorted(expected)
    old = data.draw(st.integers(1, size))
    proof = oracle.prove_consistency(old, size)
    state, earlier = oracle.get_root(size), oracle.get_root(old)
    pymerkle.verify_consistency(earlier, state, proof)
    ours = consistency(nodes(leaves), old, size)
    check_consistency((old, earlier), (size, state), ours)


@given(st.integers(1, 40), st.data())
def test_a_proof_that_was_bent_proves_nothing(size, data):
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = spec(LEAVES[:size])
    for path, check in (
        (inclusion(NODES, index, size), lambda bent: check_inclusion(LEAVES[index], index, size, root, bent)),
        (
            consistency(NODES, old, size),
            lambda bent: check_consistency((old, spec(LEAVES[:old])), (size, root), bent),
        ),
    ):
        check(path)
        bends = [[*path, root], [bytes(32), *path]]
        if path:
            at = data.draw(st.integers(0, len(path) - 1))
            bends += [path[:-1], path[1:], [*path[:at], bytes(32), *path[at + 1 :]]]
        for bent in bends:
            with pytest.raises(EvidenceError):
                check(bent)


@given(st.integers(1, 39), st.integers(0, 39), st.data())
def test_a_log_that_was_rewritten_does_not_go_on(old, changed, data):
    new = data.draw(st.integers(old, 40))
    forged = [*LEAVES[: changed % old], leaf_hash(b"forged"), *LEAVES[changed % old + 1 :]]
    path = consistency(nodes(forged), old, new)
    with pytest.raises(EvidenceError):
        check_consistency((old, spec(LEAVES[:old])), (new, spec(forged[:new])), path)


def test_sizes_and_places_that_are_none_are_refused():
    for wrong in (
        lambda: inclusion(NODES, 3, 3),
        lambda: inclusion(NODES, -1, 3),
        lambda: consistency(NODES, 4, 3),
    ):
        with pytest.raises(EvidenceError):
            wrong()
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(EvidenceError):
            root_of(LEAVES[0], index, size, [])
    with pytest.raises(EvidenceError):
        check_consistency((4, LEAVES[0]), (3, LEAVES[0]), [])
    with pytest.raises(EvidenceError):
        check_consistency((0, LEAVES[0]), (3, LEAVES[0]), [])
    with pytest.raises(EvidenceError):
        check_inclusion(LEAVES[0], 0, 1 << 70, LEAVES[0], [LEAVES[0]] * 70)


def test_the_empty_tree():
    assert tree_hash(NODES, 0, 0) == EMPTY == spec([])
    check_consistency((0, EMPTY), (5, spec(LEAVES[:5])), consistency(NODES, 0, 5))
