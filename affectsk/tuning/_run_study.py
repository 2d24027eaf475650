"""From the parameters of `OptunaSearchCV` to a study with all its trials.

Everything that needs Optuna is reached through this file, which is imported when a search begins.
"""

import copy

import joblib
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from affectsk.tuning._candidate import check_names
from affectsk.tuning._search import Search
from affectsk.tuning._search_results import search_results
from affectsk.tuning._search_space import as_space
from affectsk.tuning._study import (
    as_pruner,
    check_same_folds,
    check_same_space,
    detached,
    folds_identity,
    open_storage,
    open_study,
)
from affectsk.tuning._trial_sampler import TrialSampler

__all__ = ["detached", "run_study"]


def run_study(search, folds):
    """Open the study of a search, and run trials until it has enough.

    Parameters
    ----------
    search : OptunaSearchCV
        Its parameters are read.
    folds : Folds
        The data.

    Returns
    -------
    study : optuna.Study
        The study.
    results : dict of ndarray
        See `search_results`.
    """
    estimator, distributions = search.estimator, search.param_distributions
    if isinstance(distributions, dict):
        check_names(estimator, distributions, available=distributions)
    space = as_space(distributions)
    sampler = copy.deepcopy(search.sampler)
    if sampler is None:
        sampler = TrialSampler(check_random_state(search.random_state).randint(2**31 - 1))
    pruner = as_pruner(copy.deepcopy(search.pruner))
    with open_storage(search.storage) as storage:
        study = open_study(storage, search.study_name, sampler, pruner)
        scoring = _scoring_name(search.scoring)
        check_same_folds(study, folds_identity(_num_samples(folds.X), folds.splits, scoring))
        check_same_space(study, space)
        Search(
            study,
            space,
            estimator,
            folds,
            n_trials=search.n_trials,
            n_jobs=joblib.effective_n_jobs(search.n_jobs),
            timeout=search.timeout,
            catch=search.error_score != "raise",
            shared=search.storage is not None,
            verbose=search.verbose,
        ).run()
        error_score = np.nan if search.error_score == "raise" else search.error_score
        return study, search_results(study, space, len(folds.splits), error_score)


def _scoring_name(scoring):
    """Return a name of a score that is the same in every process."""
    if scoring is None:
        return "score"
    name = getattr(scoring, "__qualname__", str(scoring))
    return type(scoring).__name__ if " at 0x" in name else name
