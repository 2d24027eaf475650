"""A sampler whose draws depend on the seed, the number of the trial and the trials before."""

import warnings

import numpy as np
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler

__all__ = ["TrialSampler"]


class TrialSampler(BaseSampler):
    """TPE that is seeded anew for every trial.

    A sampler with one stream of random numbers starts over when a study is resumed, and draws the
    same in every process with the same seed. Here an interrupted search goes on as if it had not
    been, and processes with one seed share out the draws.

    Parameters
    ----------
    seed : int
        Seed of the study.

    Notes
    -----
    TPE models the parameters of each branch of a conditional space jointly
    (``multivariate=True, group=True``), and counts running trials as poor ones
    (``constant_liar=True``), so that trials that run at the same time differ.
    """

    def __init__(self, seed):
        self.seed = seed
        self._tpe = self._seeded(0)

    def before_trial(self, study, trial):
        """Seed for a trial that begins."""
        self._tpe = self._seeded(trial.number)

    def infer_relative_search_space(self, study, trial):
        """Return the parameters that are drawn jointly."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        """Draw these."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """Draw one parameter by itself."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def _seeded(self, number):
        """Return the sampler of one trial."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
