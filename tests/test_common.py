"""scikit-learn's own checks on every estimator, and what every one must do beside them.

The expected failures are strict: pytest is configured with ``xfail_strict``.
"""

import inspect

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import affectsk
from affectsk import (
    AdaptiveFrameRateClassifier,
    AttentionPoolClassifier,
    BlendingClassifier,
    BlendingRegressor,
    CCCRegressor,
    ClusterCompoundClassifier,
    CompoundExpressionClassifier,
    ConfidenceGateClassifier,
    GapInterpolator,
    JointMultiTaskMLP,
    MultiTaskHeads,
    OptunaSearchCV,
    PearsonRegressor,
    PretrainedScoreClassifier,
    PretrainedScoreRegressor,
    SmoothedClassifier,
    SmoothedRegressor,
    StatPooler,
    TCNClassifier,
    TCNRegressor,
    TemporalSmoother,
    ThresholdedAUClassifier,
    VideoKFold,
    WeightedMLPClassifier,
)

ADAM = {"learning_rate_init": 0.02, "random_state": 0}

ALONG = {"hidden_layer_sizes": (16,), "max_iter": 60, "early_stopping": True, **ADAM}
TCN = {"kernel_size": 2, "dropout": 0.0, "window": 5, "shift": 3, **ALONG}

FOUR = {
    "source": [0, 1, 2, 3],
    "compounds": {0: (0, 1), 1: (1, 2), 2: (2, 3), 3: (3, 0)},
    "input": "logits",
}
ESTIMATORS = [
    CCCRegressor(),
    CCCRegressor((32,), batch_size=64, max_iter=60, **ADAM),
    PearsonRegressor(),
    PearsonRegressor((32,), batch_size=64, max_iter=60, **ADAM),
    WeightedMLPClassifier(batch_size=32, max_iter=30, **ADAM),
    AttentionPoolClassifier(3, **ALONG),
    TCNClassifier((16,), **TCN),
    TCNRegressor((16,), overlap="full", **TCN),
    GapInterpolator(),
    StatPooler(),
    TemporalSmoother(),
    SmoothedClassifier(LogisticRegression()),
    SmoothedRegressor(Ridge()),
    ThresholdedAUClassifier(LogisticRegression()),
    BlendingClassifier([("a", LogisticRegression(C=0.1), None), ("b", LogisticRegression(), None)]),
    BlendingRegressor([("a", Ridge(), None), ("b", Ridge(10.0), None)]),
    ConfidenceGateClassifier(LogisticRegression(), LogisticRegression(C=0.1)),
    AdaptiveFrameRateClassifier(LogisticRegression(), (2, 1), half_width=0),
    PretrainedScoreClassifier(columns=[0, 1, 0, 1], source=FOUR["source"]),
    PretrainedScoreRegressor([0]),
    CompoundExpressionClassifier(columns=[0, 1, 0, 1], **FOUR),
    ClusterCompoundClassifier(2, score_columns=[0, 1, 0, 1], n_init=1, random_state=0, **FOUR),
    MultiTaskHeads([("a", Ridge(), None, [0])]),
    JointMultiTaskMLP(affect=(), expression=0, action_units=(), batch_size=32, max_iter=30, **ADAM),
    OptunaSearchCV(
        SmoothedClassifier(LogisticRegression(), TemporalSmoother(0)),
        {"estimator__C": [0.1, 1.0]},
        n_trials=2,
        cv=2,
    ),
    OptunaSearchCV(
        SmoothedRegressor(Ridge(), TemporalSmoother(0), rescale=False),
        {"estimator__alpha": [0.1, 1.0]},
        n_trials=2,
        cv=2,
    ),
]

# Estimators that scikit-learn's checks do not fit, and the tests that check them instead.
CHECKED_ELSEWHERE = {
    "AudioEmbedder": "takes sounds, which are no two-dimensional array: tests/audio",
    "FaceDetector": "takes images and has neither fit nor X: tests/vision",
    "FaceEmbedder": "takes images, which are no two-dimensional array: tests/vision",
    "FaceUpscaler": "takes images and gives images: tests/vision",
    "VideoKFold": "is a splitter: tests/model_selection",
}

ALONG_TIME = (AttentionPoolClassifier, SmoothedClassifier, SmoothedRegressor, TCNClassifier,
              TCNRegressor, TemporalSmoother)  # fmt: skip
ZERO_SHOT = (PretrainedScoreClassifier, CompoundExpressionClassifier, ClusterCompoundClassifier)

PARTLY_MISSING = "a frame without a face is NaN in every feature; a partly NaN row is refused"
IN_ORDER = "rows are frames in time order, and every row depends on its neighbours"
MIXED = "the rows of the check are in no order in time, so that windows mix their targets"
BATCHES = "mini-batches of weighted and of repeated rows differ, as in scikit-learn's own SGD"
FOLDS = "the folds that the scale is measured on differ for weighted and for repeated rows"
OFFSETS = "offsets of the classes decide, so that the largest probability does not always"
FIRST_ERROR = "where all trials fail, a ValueError shows the first error, whatever its type"
FIXED = "nothing is learned from labels: classes and targets are those of the columns of X"


def expected_failures(estimator):
    """Return the checks that fail by design, each with its reason."""
    failures = {"check_estimators_pickle": PARTLY_MISSING}
    if isinstance(estimator, ALONG_TIME):
        failures["check_methods_sample_order_invariance"] = IN_ORDER
        failures["check_methods_subset_invariance"] = IN_ORDER
    if isinstance(estimator, (AttentionPoolClassifier, SmoothedClassifier)):
        failures["check_classifiers_train"] = MIXED
    if isinstance(estimator, SmoothedRegressor):
        failures["check_regressors_train"] = MIXED
        failures["check_sample_weight_equivalence_on_dense_data"] = FOLDS
    if isinstance(estimator, OptunaSearchCV):
        failures["check_dtype_object"] = FIRST_ERROR
    if isinstance(estimator, ThresholdedAUClassifier):
        failures["check_classifiers_train"] = OFFSETS
    if isinstance(estimator, ZERO_SHOT):
        for check in ("classes", "one_label", "train"):
            failures[f"check_classifiers_{check}"] = FIXED
    if isinstance(estimator, PretrainedScoreRegressor):
        failures["check_regressor_multioutput"] = FIXED
    joint = isinstance(estimator, JointMultiTaskMLP)
    if joint or getattr(estimator, "hidden_layer_sizes", ()) != ():
        failures["check_sample_weight_equivalence_on_dense_data"] = BATCHES
    return failures


@pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix:UserWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_every_public_estimator_is_checked():
    public = {
        name
        for name in affectsk.__all__
        if inspect.isclass(getattr(affectsk, name))
        and issubclass(getattr(affectsk, name), (BaseEstimator, VideoKFold))
    }
    checked = {type(estimator).__name__ for estimator in ESTIMATORS}
    assert public == checked | set(CHECKED_ELSEWHERE)


def frames(seed=0):
    """Return a frame table of five videos, some frames without a face, with labels."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([list("abcde"), range(24)], names=["video", "frame"])
    X = pd.DataFrame(rng.normal(size=(120, 3)), index=index, columns=["u", "v", "w"])
    y = X["u"] + 0.1 * rng.normal(size=120)
    X.iloc[[3, 40, 41]] = np.nan
    return X, y


def fit(estimator, X, y):
    """Fit any estimator of the list on frames."""
    if isinstance(estimator, StatPooler):
        return estimator.fit(affectsk.split_videos(X))
    return estimator.fit(X, targets(estimator, y))


def targets(estimator, y):
    """Return what the estimator learns: numbers, classes or nothing."""
    if not get_tags(estimator).target_tags.required:
        return None
    if is_classifier(estimator) or isinstance(estimator, JointMultiTaskMLP):
        return np.where(y > 0, "Happiness", "Neutral")
    return y


def output(estimator, X):
    """Return what the fitted estimator is there for."""
    if isinstance(estimator, StatPooler):
        return estimator.transform(affectsk.split_videos(X))
    for method in ("predict_proba", "transform", "predict"):
        if hasattr(estimator, method):
            return getattr(estimator, method)(X)
    raise AssertionError(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_joblib_round_trip_predicts_the_same(estimator, tmp_path):
    X, y = frames()
    fitted = fit(clone(estimator), X, y)
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(output(loaded, X), output(fitted, X))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_missing_rows_are_taken_and_partly_missing_rows_are_refused(estimator):
    X, y = frames()
    fitted = fit(clone(estimator), X, y)
    assert len(output(fitted, X)) == (5 if isinstance(estimator, StatPooler) else 120)
    X.iloc[7, 1] = np.nan
    with pytest.raises(ValueError, match="NaN in feature 1 of row"):
        fit(clone(estimator), X, y)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_infinity_is_refused(estimator):
    X, y = frames()
    X.iloc[5, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fit(clone(estimator), X, y)


@pytest.mark.parametrize(
    "estimator", [e for e in ESTIMATORS if hasattr(e, "score")], ids=lambda e: type(e).__name__
)
def test_a_pipeline_scores_with_metadata_routing_on(estimator):
    X, y = frames()
    X, y = X.dropna(), y[X.notna().all(axis=1)]
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(clone(estimator)).fit(X, targets(estimator, y))
        assert pipeline.score(X, pipeline.predict(X)) >= 0.99
