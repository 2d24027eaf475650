"""The latent affective state: episodes of an expression, and the state that moves between them.

The state has four axes, after Fontaine et al. (2007): valence, arousal, potency (control over what
happens) and novelty. Valence and arousal alone would not tell anger from fear.
"""

import numpy as np

from affectsk.labels import AFFWILD2_EXPRESSIONS

__all__ = [
    "STATE_AXES",
    "coloured_noise",
    "draw_durations",
    "draw_expressions",
    "draw_targets",
    "expression_memberships",
    "follow_targets",
]

STATE_AXES = ("valence", "arousal", "potency", "novelty")

# Where each expression lies in the state space, in the order of AFFWILD2_EXPRESSIONS.
_CENTRES = np.array(
    [
        [0.05, -0.10, 0.00, -0.15],  # Neutral
        [-0.55, 0.60, 0.60, 0.00],  # Anger
        [-0.60, 0.20, 0.20, -0.40],  # Disgust
        [-0.60, 0.65, -0.60, 0.40],  # Fear
        [0.70, 0.40, 0.35, 0.00],  # Happiness
        [-0.60, -0.40, -0.45, -0.25],  # Sadness
        [0.15, 0.70, -0.10, 0.80],  # Surprise
        [-0.05, 0.15, 0.05, 0.10],  # Other
    ]
)
_SPREAD = 0.15
# Other is what fits nowhere else, so it lies all over the space.
_SPREAD_OF_OTHER = 0.40
_SPREADS = np.where(np.array(AFFWILD2_EXPRESSIONS) == "Other", _SPREAD_OF_OTHER, _SPREAD)

_SHORTEST, _LONGEST = 3.0, 20.0  # seconds that an expression lasts
_REACTION_TIME = 0.4  # seconds in which the state follows its target
_FLUCTUATION, _FLUCTUATION_TIME = 0.10, 2.0


def _smooth(values, gain, decay, **start):
    """Filter values along time: each is kept to a share, the `decay`, in the next."""
    # scipy.signal takes 5 % of the import of the package, and only made-up data need it.
    from scipy.signal import lfilter  # noqa: PLC0415

    return lfilter([gain], [1.0, -decay], values, axis=0, **start)


def coloured_noise(rng, n_rows, n_columns, *, time_constant, frame_rate):
    """Draw stationary noise of unit variance whose correlation decays exponentially in time."""
    decay = np.exp(-1.0 / (time_constant * frame_rate))
    noise = rng.standard_normal((n_rows, n_columns))
    noise[1:] *= np.sqrt(1.0 - decay**2)
    return _smooth(noise, 1.0, decay)


def draw_durations(rng, n_seconds):
    """Draw how many seconds each episode lasts, until they cover a video."""
    durations = []
    while sum(durations) < n_seconds:
        durations.append(_SHORTEST + (_LONGEST - _SHORTEST) * rng.beta(1.0, 2.5))
    return np.array(durations)


def draw_expressions(rng, lengths, prevalence):
    """Draw the expression of every episode of a corpus.

    The draw is systematic (one point in each of n equal slices), so that the prevalence is met as
    well as n episodes can meet it; then it is shuffled, and repeats within a video are swapped
    away, so that an expression lasts one episode.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    lengths : list of int
        Episodes per video.
    prevalence : ndarray of shape (n_expressions,)
        Share of each expression.

    Returns
    -------
    list of ndarray of int
        Codes of the expressions, for each video.
    """
    n_episodes = sum(lengths)
    points = (np.arange(n_episodes) + rng.random(n_episodes)) / n_episodes
    codes = np.searchsorted(np.cumsum(prevalence)[:-1], points, side="right")
    rng.shuffle(codes)
    starts = np.cumsum([0, *lengths[:-1]])
    return np.split(_swap_repeats(codes, set(starts.tolist())), starts[1:])


def _swap_repeats(codes, starts):
    """Exchange each episode that repeats the one before it with the next that does not."""
    codes = codes.tolist()
    for i in range(1, len(codes)):
        if i in starts or codes[i] != codes[i - 1]:
            continue
        for j in range(i + 1, len(codes)):
            if codes[j] != codes[i]:
                codes[i], codes[j] = codes[j], codes[i]
                break
    return np.array(codes)


def draw_targets(rng, codes):
    """Draw the state of each episode, shape (n_episodes, 4), given its expression.

    Drawing the state given the expression and the expression given the state are two ways to draw
    from the same joint distribution; this one meets the prevalence.
    """
    noise = rng.standard_normal((len(codes), len(STATE_AXES)))
    return np.clip(_CENTRES[codes] + _SPREADS[codes, np.newaxis] * noise, -0.95, 0.95)


def follow_targets(rng, targets, episode, frame_rate):
    """Return the state per frame, shape (n_frames, 4): it lags behind its target and wavers."""
    goal = targets[episode]
    decay = np.exp(-1.0 / (_REACTION_TIME * frame_rate))
    state, _ = _smooth(goal, 1.0 - decay, decay, zi=decay * goal[:1])
    fluctuation = coloured_noise(
        rng, *goal.shape, time_constant=_FLUCTUATION_TIME, frame_rate=frame_rate
    )
    return np.clip(state + _FLUCTUATION * fluctuation, -1.0, 1.0)


def expression_memberships(state):
    """Return how much each state looks like each expression, shape (n_frames, 8), rows sum to 1."""
    spreads = np.hypot(_SPREADS, _FLUCTUATION)
    distances = (state**2).sum(axis=1, keepdims=True) - 2 * state @ _CENTRES.T
    distances += (_CENTRES**2).sum(axis=1)
    scores = -0.5 * distances / spreads**2 - len(STATE_AXES) * np.log(spreads)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)
