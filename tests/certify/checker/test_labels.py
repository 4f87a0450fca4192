"""A file's words for its optimizer: verified against its formulas, or quoted as what the author says."""

import inspect
import itertools

import pytest

import cfdyn as cf
from cfdyn.certify.certificate import proved
from cfdyn.certify.checker.check import check
from cfdyn.certify.checker.labels import KNOWN
from cfdyn.certify.checker.statement import map_in_words, statement
from cfdyn.certify.subject import subject
from cfdyn.errors import UsageError
from tests.certify.checker.corruptions import STEP, changed
from tests.certify.checker.examples import document

LOSS = "(w**2 - 1)**2/4"
NAME, LIMIT, DEFINE = ("map", "optimizer", "name"), ("map", "limit"), ("map", "optimizer", "define")
CORRECTED = {"decay1": "0*lr", "m1": "g", "mhat": "m1/(1 - lr*decay1)"}


@pytest.mark.parametrize(("example", "name"), [("branch_double_well", "adam"), ("convergence_heavy_ball", "nesterov"), ("cycle_adam_3", "adamw"),
                                               ("branch_double_well", "the_best"), ("edge_rmsprop", "scalar_rmsprop")])  # fmt: skip
def test_a_name_that_is_not_that_of_the_formulas_is_quoted(example, name):
    found = check(changed(example, (NAME, name)))
    assert found.valid and f"an optimizer that its author calls '{name}' (w → " in found.statement
    bare = changed(example, (NAME, name))
    bare["statement"] = bare["statement"].replace(f"an optimizer that its author calls '{name}'", name)
    assert not check(bare).valid


def test_a_known_name_with_another_gradient_is_quoted():
    found = check(changed("branch_double_well", (("map", "optimizer", "gradient"), "g + 0*w")))
    assert found.valid and "an optimizer that its author calls 'gd' (" in found.statement


@pytest.mark.parametrize("changes", [
    [], [(DEFINE, {"decay1": "0*lr"})], [(DEFINE, CORRECTED)], [(DEFINE, {**CORRECTED, "decay1": "lr"}), (STEP, "w - lr*mhat")],
    [(DEFINE, {**CORRECTED, "decay2": "0*lr"}), (STEP, "w - lr*mhat")], [(DEFINE, {**CORRECTED, "mhat": "m1*(1 - lr*decay1)"}), (STEP, "w - lr*mhat")],
])  # fmt: skip
def test_a_limit_that_the_formulas_do_not_show_is_refused(changes):
    assert "limit" in check(changed("convergence_double_well", (LIMIT, True), *changes)).reason


def test_a_limit_that_the_formulas_show_is_verified():
    found = check(changed("convergence_double_well", (LIMIT, True), (DEFINE, CORRECTED), (STEP, "w - lr*mhat")))
    assert found.valid and "where its bias correction is over" in found.statement
    assert check(document("edge_adam")).statement == document("edge_adam")["statement"]


def _variants(name):
    """The optimizer with each choice of its options."""
    make = getattr(cf.optimizers, name)
    axes = [[(n, False), (n, True)] if isinstance(p.default, bool) else [(n, 0.0), (n, 0.3)]
            for n, p in inspect.signature(make).parameters.items()
            if isinstance(p.default, bool) or n in ("weight_decay", "clip", "dampening")]  # fmt: skip
    return [make(lr=0.1, **dict(chosen)) for chosen in itertools.product(*axes)]


@pytest.mark.parametrize("name", cf.optimizers.names())
def test_each_optimizer_of_the_catalogue_keeps_its_name_and_its_limit(name):
    """The checker has its own list of rules; a new optimizer that is not there is quoted, an old one that changes is found here."""
    assert list(_variants(name))
    for optimizer in _variants(name):
        try:
            about = subject(LOSS, optimizer)
        except UsageError:  # of matrices
            assert name not in KNOWN
            continue
        words = map_in_words(about.describe())
        assert words.startswith(f"{name} (") == (name in KNOWN)
        assert ("bias correction" in words) == any(state.startswith("decay") for state in optimizer.shared) == about.limit


def test_a_state_that_only_bears_the_name_of_a_power_is_kept():
    """The prover puts powers of β at 0 where the step divides by 1 − β·power, and nowhere else."""
    own = cf.Optimizer.from_text({"w": "w - lr*decay1*g"}, {"lr": 0.1, "b": 0.5}, shared={"decay1": "b*decay1"}, initial={"decay1": 1.0}, name="cooled")
    about = subject(LOSS, own)
    assert about.names == ("w", "decay1") and not about.limit
    assert "an optimizer that its author calls 'cooled'" in proved("cycle", about, {"period": 1, "points": [], "stable": None, "multipliers": None}, {}).statement


def test_the_checkers_sentence_is_the_provers():
    found = cf.certify.cycle(LOSS, cf.Optimizer.from_text({"w": "w - lr*g"}, {"lr": 1.1}, name="mine"), [1.116, 0.815])
    assert found.statement == check(found.document).statement == statement(found.document)
    assert found.statement.startswith("an optimizer that its author calls 'mine' (w → w - lr*g) with lr = 1.1 on")
