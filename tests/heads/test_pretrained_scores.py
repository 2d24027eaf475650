"""Zero-shot sources against the formulas by hand."""

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score
from sklearn.utils.validation import check_is_fitted

from affectsk.decision import BlendingClassifier, ConfidenceGateClassifier, SmoothedClassifier
from affectsk.heads import PretrainedScoreClassifier, PretrainedScoreRegressor
from affectsk.labels import AFFECTNET_EXPRESSIONS, AFFWILD2_EXPRESSIONS
from affectsk.metrics import ccc_score
from affectsk.model_selection import VideoKFold
from affectsk.temporal import TemporalSmoother

# Positions of Aff-Wild2's classes in AffectNet's order, as the published notebooks write them.
NOTEBOOK_MAP = [5, 0, 2, 3, 4, 6, 7, 1]
LOGIT_NAMES = [f"logit_{name}" for name in AFFECTNET_EXPRESSIONS]
TO_AFFWILD2 = {"target": AFFWILD2_EXPRESSIONS, "substitute": {"Other": "Contempt"}}


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(200, 8), scale=3)


@pytest.fixture
def table(logits):
    """Return logits, valence and arousal in a frame table of five videos with missing frames."""
    index = pd.MultiIndex.from_product([list("abcde"), range(40)], names=["video", "frame"])
    X = pd.DataFrame(logits, index=index, columns=LOGIT_NAMES)
    X["valence"], X["arousal"] = np.tanh(logits[:, :2]).T
    X.iloc[[0, 17, 45]] = np.nan
    return X


def test_all_classes_with_contempt_for_other(logits):
    model = PretrainedScoreClassifier(**TO_AFFWILD2).fit(logits)
    expected = softmax(logits, axis=1)[:, NOTEBOOK_MAP]
    np.testing.assert_allclose(model.predict_proba(logits), expected)
    assert model.classes_.tolist() == list(AFFWILD2_EXPRESSIONS)
    named = [AFFWILD2_EXPRESSIONS[i] for i in logits[:, NOTEBOOK_MAP].argmax(axis=1)]
    assert model.predict(logits).tolist() == named
    y = np.array(named, dtype=object)
    y[:50] = "Other"
    right = np.mean([a == b for a, b in zip(y[100:], named[100:], strict=True)])
    y[:100] = None
    assert model.score(logits, y) == right == 1


def test_the_gate_excludes_a_class_that_keeps_its_mass(logits):
    model = PretrainedScoreClassifier(target=AFFWILD2_EXPRESSIONS, exclude=["Other"])
    scores = model.fit(logits).predict_proba(logits)
    p = softmax(logits, axis=1)
    np.testing.assert_allclose(scores[:, :7], p[:, NOTEBOOK_MAP[:7]])
    np.testing.assert_array_equal(scores[:, 7], 0)
    np.testing.assert_allclose(
        scores.sum(axis=1), 1 - p[:, AFFECTNET_EXPRESSIONS.index("Contempt")]
    )
    assert "Other" not in model.predict(logits)
    assert model.predict(logits).tolist() == model.classes_[scores.argmax(axis=1)].tolist()


def test_an_excluded_class_never_wins_where_all_others_underflow():
    logits = np.array([[2000.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    names = ["Neutral", "Fear", "Anger"]
    model = PretrainedScoreClassifier(source=names, exclude=["Neutral"]).fit(logits)
    np.testing.assert_array_equal(model.predict_proba(logits)[0], 0)
    assert model.predict(logits).tolist() == ["Fear", "Fear"]


def test_without_other_seven_classes_are_the_target(logits):
    model = PretrainedScoreClassifier(target=AFFWILD2_EXPRESSIONS[:7])
    assert model.fit(logits, ["Fear"] * 199 + [None]).predict_proba(logits).shape == (200, 7)
    with pytest.raises(ValueError, match="'Other', which is not among the classes"):
        model.fit(logits, ["Fear"] * 199 + ["Other"])


def test_the_target_is_the_source_by_default(logits):
    model = PretrainedScoreClassifier()
    np.testing.assert_allclose(model.predict_proba(logits), softmax(logits, axis=1))
    assert model.classes_.tolist() == list(AFFECTNET_EXPRESSIONS)


def test_probabilities_are_taken_as_they_are(logits):
    p = softmax(logits, axis=1).astype(np.float32)
    scores = PretrainedScoreClassifier(input="proba", **TO_AFFWILD2).fit(p).predict_proba(p)
    np.testing.assert_array_equal(scores, p[:, NOTEBOOK_MAP])
    assert scores.dtype == np.float32


@settings(deadline=None, max_examples=50)
@given(
    rows=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4), min_size=1, max_size=5
    ),
    shift=st.floats(-1e6, 1e6),
    order=st.permutations(range(4)),
)
def test_shifts_and_the_order_of_columns_change_nothing(rows, shift, order):
    names = np.array(["Anger", "Fear", "Joy", "Neutral"])
    X = np.array(rows)
    model = PretrainedScoreClassifier(source=names)
    expected = model.predict_proba(X)
    assert (expected >= 0).all()
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_proba(X + shift), expected, atol=1e-6)
    shuffled = pd.DataFrame(X, columns=names)[names[order]]
    model = PretrainedScoreClassifier(source=names, columns=names.tolist())
    np.testing.assert_array_equal(model.predict_proba(shuffled), expected)


@pytest.mark.parametrize(
    "columns",
    [
        LOGIT_NAMES,
        tuple(LOGIT_NAMES),
        list(range(8)),
        slice(0, 8),
        lambda X: [name for name in X if name.startswith("logit")],
    ],
)
def test_columns_in_any_spelling(table, columns):
    scores = PretrainedScoreClassifier(columns=columns).fit(table).predict_proba(table)
    np.testing.assert_allclose(scores, softmax(table[LOGIT_NAMES].to_numpy(), axis=1))


def test_missing_rows(table):
    model = PretrainedScoreClassifier(columns=LOGIT_NAMES, exclude=["Anger"]).fit(table)
    assert model.n_missing_rows_ == 3
    assert np.flatnonzero(np.isnan(model.predict_proba(table)).all(axis=1)).tolist() == [0, 17, 45]
    with pytest.raises(ValueError, match=r"3 rows without a face \(the first is row 0\).*Smoothed"):
        model.predict(table)


def test_nothing_needs_a_fit_and_nothing_is_warned_about(table):
    model = PretrainedScoreClassifier(columns=LOGIT_NAMES)
    check_is_fitted(model)
    before = model.predict_proba(table)
    assert vars(model).keys() == model.get_params().keys()
    np.testing.assert_array_equal(clone(model).fit(table).predict_proba(table), before)
    assert PretrainedScoreRegressor().predict(table).shape == (200, 2)
    with pytest.raises(ValueError, match="now missing"):
        model.fit(table).predict_proba(table.iloc[:, :9])


def test_smoothing_crossvalidation_and_joblib(table, tmp_path):
    y = pd.Series(np.tile(["Fear", "Neutral", "Anger", "Fear"], 50), index=table.index)
    model = PretrainedScoreClassifier(columns=LOGIT_NAMES)
    smoothed = SmoothedClassifier(model, TemporalSmoother(2)).fit(table, y)
    assert set(smoothed.predict(table)) <= set(AFFECTNET_EXPRESSIONS)
    present = table.dropna()
    by_video = cross_val_score(model, present, y[present.index], cv=VideoKFold(5))
    accuracy = [(model.predict(v) == y[v.index]).mean() for _, v in present.groupby("video")]
    assert sorted(by_video) == pytest.approx(sorted(accuracy))
    joblib.dump(model.fit(table, y), tmp_path / "model")
    loaded = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))


@pytest.mark.parametrize("cv", [3, "prefit"])
def test_two_networks_are_the_sources_of_a_blend(table, cv):
    rng = np.random.default_rng(1)
    networks = [table[LOGIT_NAMES] + rng.normal(size=(200, 8), scale=3) for _ in range(2)]
    X = pd.concat([networks[0].add_prefix("a_"), networks[1].add_prefix("b_")], axis=1)
    y = table[LOGIT_NAMES].fillna(0).to_numpy()[:, NOTEBOOK_MAP].argmax(axis=1)
    y = np.array(AFFWILD2_EXPRESSIONS)[y]
    sources = [
        (name, PretrainedScoreClassifier(**TO_AFFWILD2), [f"{name}_{each}" for each in LOGIT_NAMES])
        for name in "ab"
    ]
    blend = BlendingClassifier(sources, cv=cv).fit(X, y)
    assert blend.best_score_ > blend.source_scores_.max()
    shares = [softmax(network.dropna(), axis=1)[:, NOTEBOOK_MAP] for network in networks]
    expected = blend.weights_[0] * shares[0] + blend.weights_[1] * shares[1]
    expected = pd.DataFrame(expected, columns=AFFWILD2_EXPRESSIONS)[blend.classes_]
    np.testing.assert_allclose(blend.predict_proba(X.dropna()), expected)


@pytest.mark.parametrize("cv", [3, "prefit"])
def test_a_gate(table, cv):
    names = np.array(AFFWILD2_EXPRESSIONS)
    gate = PretrainedScoreClassifier(columns=LOGIT_NAMES, target=names, exclude=["Other"])
    always = DummyClassifier(strategy="constant", constant="Other").fit([[0]] * 8, names)
    X = table.dropna()
    model = ConfidenceGateClassifier(gate, always, threshold=0.9, cv=cv).fit(
        X, np.resize(names, 197)
    )
    p = softmax(X[LOGIT_NAMES].to_numpy(), axis=1)[:, NOTEBOOK_MAP[:7]]
    expected = np.where(p.max(axis=1) > 0.9, names[p.argmax(axis=1)], "Other")
    assert model.predict(X).tolist() == expected.tolist()
    assert 0 < (expected == "Other").sum() < 197


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": AFFWILD2_EXPRESSIONS}, "'Other'.*substitute"),
        ({"source": AFFECTNET_EXPRESSIONS[:7]}, "takes 8 columns of X, but source has 7"),
        ({"source": ["Fear"] * 8}, "each once"),
        ({"target": ["Fear", "Fear"]}, "each once"),
        ({"exclude": AFFECTNET_EXPRESSIONS}, "leaves no class"),
        ({"exclude": ["Joy"]}, "'Joy'"),
        ({"columns": LOGIT_NAMES}, "no column names"),
        ({"columns": [0, 9]}, "cannot be taken"),
        ({"input": "proba"}, "input='logits'"),
        ({"input": "scores"}, "input"),
    ],
)
def test_bad_parameters(logits, parameters, message):
    with pytest.raises(ValueError, match=message):
        PretrainedScoreClassifier(**parameters).fit(logits)


def test_input_must_be_what_it_says(logits):
    p = softmax(logits, axis=1)
    with pytest.raises(ValueError, match="use input='proba'"):
        PretrainedScoreClassifier().fit(p)
    with pytest.raises(ValueError, match="sum to 1"):
        PretrainedScoreClassifier(input="proba").fit(p[:, :7].repeat(2, axis=1)[:, :8])
    with pytest.raises(ValueError, match="from 0 to 1"):
        PretrainedScoreClassifier(input="proba").fit(p).predict(logits)


def test_named_columns_in_another_order_are_refused(table):
    shuffled = [LOGIT_NAMES[i] for i in NOTEBOOK_MAP]
    with pytest.raises(ValueError, match="not in the order of source"):
        PretrainedScoreClassifier(columns=shuffled).fit(table)
    renamed = table.set_axis([f"f{i}" for i in range(10)], axis=1)
    PretrainedScoreClassifier(columns=["f3", *(f"f{i}" for i in range(7))]).fit(renamed)


def test_regressor_returns_its_columns(table):
    y = table[["valence", "arousal"]] + 0.1
    model = PretrainedScoreRegressor().fit(table, y)
    np.testing.assert_array_equal(model.predict(table), table[["valence", "arousal"]])
    assert model.target_names_.tolist() == ["valence", "arousal"]
    assert model.n_missing_rows_ == 3
    present = table.dropna()
    expected = ccc_score(y.loc[present.index], present[["valence", "arousal"]])
    assert model.score(present, y.loc[present.index]) == expected
    one = PretrainedScoreRegressor("valence").fit(table, y["valence"])
    np.testing.assert_array_equal(one.predict(table), table["valence"])
    assert one.target_names_.tolist() == ["valence"]


def test_regressor_leaves_X_alone(logits):
    model = PretrainedScoreRegressor([0, 1]).fit(logits)
    assert not hasattr(model, "target_names_")
    whole = PretrainedScoreRegressor(None)
    for predicted in (model.predict(logits), whole.fit(logits).predict(logits)):
        assert not np.shares_memory(predicted, logits)


def test_regressor_errors(table):
    with pytest.raises(ValueError, match="y has 1 targets"):
        PretrainedScoreRegressor().fit(table, table["valence"])
    with pytest.raises(ValueError, match="no column names"):
        PretrainedScoreRegressor().fit(table.to_numpy())
    with pytest.raises(ValueError, match="'pleasure'"):
        PretrainedScoreRegressor(["pleasure", "arousal"]).fit(table)
