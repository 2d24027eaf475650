"""Finished trials as the table `cv_results_`, in the form of scikit-learn's searches."""

import numpy as np
from optuna.trial import TrialState

from affectsk.tuning._liveness import is_finished
from affectsk.tuning._study import replay

__all__ = ["search_results"]


def search_results(study, space, n_splits, error_score):
    """Return the trials of a study as a dict of columns.

    Parameters
    ----------
    study : optuna.Study
        The study.
    space : callable
        ``space(trial) -> dict``.
    n_splits : int
        Number of folds.
    error_score : float
        Score of a failed trial, and of each of its folds that was not scored.

    Returns
    -------
    dict of ndarray
        One row per finished trial, by their numbers.
    """
    trials = [trial for trial in study.get_trials(deepcopy=False) if is_finished(trial)]
    complete = np.array([trial.state == TrialState.COMPLETE for trial in trials], dtype=bool)
    failed = np.array([trial.state == TrialState.FAIL for trial in trials], dtype=bool)
    params = [_params(space, trial) for trial in trials]
    results = {}
    for column in ("fit_time", "score_time"):
        times = _per_fold(trials, column, n_splits)
        results[f"mean_{column}"], results[f"std_{column}"] = _moments(times)
    results |= _param_columns(params)
    results["params"] = params
    scores = _per_fold(trials, "score", n_splits)
    scores[failed] = np.where(np.isnan(scores[failed]), error_score, scores[failed])
    for fold in range(n_splits):
        results[f"split{fold}_test_score"] = scores[:, fold]
    # The mean of a few folds is no score that could be compared with that of all of them.
    means = [trial.value if is_complete else np.nan
             for trial, is_complete in zip(trials, complete, strict=True)]  # fmt: skip
    results["mean_test_score"] = np.where(failed, error_score, np.array(means, dtype=np.float64))
    results["std_test_score"] = scores.std(axis=1)
    results["rank_test_score"] = _ranks(results["mean_test_score"], complete)
    results["state"] = np.array([trial.state.name.lower() for trial in trials], dtype=object)
    results["error"] = np.array([t.user_attrs.get("error", "") for t in trials], dtype=object)
    results["trial_number"] = np.array([trial.number for trial in trials], dtype=np.int64)
    return results


def _params(space, trial):
    """Return the parameters of a trial, as far as they had been drawn."""
    try:
        return replay(space, trial)
    except Exception:
        if trial.state == TrialState.FAIL:
            return dict(trial.params)
        raise


def _per_fold(trials, column, n_splits):
    """Return what was measured on each fold of each trial, NaN where it was not reached."""
    values = np.full((len(trials), n_splits), np.nan)
    for row, trial in zip(values, trials, strict=True):
        measured = trial.user_attrs.get("folds", {}).get(column, [])
        row[: len(measured)] = measured
    return values


def _moments(values):
    """Return mean and standard deviation of each row over what is not NaN, 0 where all is."""
    known = ~np.isnan(values)
    n_known = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, values, 0).sum(axis=1) / n_known
    squares = np.where(known, (values - mean[:, np.newaxis]) ** 2, 0)
    return mean, np.sqrt(squares.sum(axis=1) / n_known)


def _param_columns(params):
    """Return a masked column for each parameter that occurs."""
    columns = {}
    for name in dict.fromkeys(name for row in params for name in row):
        known = [row[name] for row in params if name in row]
        numeric = {type(value) for value in known} in ({int}, {float}, {bool})
        dtype = np.array(known).dtype if numeric else object
        column = np.ma.MaskedArray(np.empty(len(params), dtype=dtype), mask=True)
        for i, row in enumerate(params):
            if name in row:
                column[i] = row[name]
        columns[f"param_{name}"] = column
    return columns


def _ranks(scores, complete):
    """Return the ranks: 1 is best, ties share the better rank, incomplete trials come last."""
    order = np.sort(-scores[complete])
    ranks = np.full(len(scores), complete.sum() + 1, dtype=np.int32)
    ranks[complete] = np.searchsorted(order, -scores[complete]) + 1
    return ranks
