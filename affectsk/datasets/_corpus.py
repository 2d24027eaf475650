"""A corpus of people in videos: what they feel, what their faces do, and what annotators write."""

from typing import NamedTuple

import numpy as np

from affectsk.datasets._activations import (
    activation_probabilities,
    draw_pulses,
    pulse_intensities,
)
from affectsk.datasets._annotators import (
    annotate_expressions,
    annotate_state,
    annotate_units,
    drop_labels,
)
from affectsk.datasets._nuisances import draw_nuisances, find_lost_faces
from affectsk.datasets._prevalence import SPLITS, expression_prevalence
from affectsk.datasets._state import (
    draw_durations,
    draw_expressions,
    draw_targets,
    follow_targets,
)
from affectsk.labels import ACTION_UNITS

__all__ = ["N_TRAITS", "Person", "draw_corpus"]

# Numbers that make an identity; the renderer gives each of them a meaning.
N_TRAITS = 16


class Person(NamedTuple):
    """One person in one video: the truth, and the labels that annotators gave.

    Frames are rows; labels are NaN where there is none.
    """

    video: str
    track: int
    identity: np.ndarray  # (N_TRAITS,), standard normal
    state: np.ndarray  # (n_frames, 4)
    expression: np.ndarray  # (n_frames,), codes
    units: np.ndarray  # (n_frames, 12), intensities
    nuisances: np.ndarray  # (n_frames, 7)
    lost: np.ndarray  # (n_frames,), True where no face is found
    affect_labels: np.ndarray  # (n_frames, 2), valence and arousal
    expression_labels: np.ndarray  # (n_frames, 1), codes
    unit_labels: np.ndarray  # (n_frames, 12)


def draw_corpus(
    n_videos, *, split, n_frames, frame_rate, two_persons, missing_faces, missing_labels, seed
):
    """Draw the people of a corpus.

    Parameters
    ----------
    n_videos : int
        Number of videos.
    split : {"train", "validation"}
        Whose prevalence to follow.
    n_frames : int or tuple of two int
        Frames of each video, or the range to draw them from.
    frame_rate : float
        Frames per second.
    two_persons : float
        Share of the videos with two people, rounded to whole videos.
    missing_faces, missing_labels : float
        Share of the frames without a face, and without each kind of label.
    seed : int
        Seed of everything.

    Returns
    -------
    list of Person
        In the order of video and track: track 0 is alone in its video; 1 and 2 are the left and
        the right person of a video with two.
    """
    # The same seed must not put the same people into both sets.
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    places = _draw_places(rng, n_videos, split, n_frames, two_persons)
    prevalence = expression_prevalence(split)
    generators = rng.spawn(len(places))
    durations = [
        draw_durations(generator, length / frame_rate)
        for generator, (_, _, length) in zip(generators, places, strict=True)
    ]
    codes = draw_expressions(rng, [len(episodes) for episodes in durations], prevalence)
    people = [
        _draw_person(*parts, prevalence, missing_labels, frame_rate)
        for parts in zip(generators, places, durations, codes, strict=True)
    ]
    lost = find_lost_faces(rng, [person.nuisances for person in people], missing_faces, frame_rate)
    return [person._replace(lost=rows) for person, rows in zip(people, lost, strict=True)]


def _draw_places(rng, n_videos, split, n_frames, two_persons):
    """Return (video, track, number of frames) of every person."""
    low, high = (n_frames, n_frames) if np.isscalar(n_frames) else n_frames
    lengths = rng.integers(low, high + 1, n_videos)
    doubled = set(rng.permutation(n_videos)[: round(two_persons * n_videos)].tolist())
    return [
        (f"{split}_{i + 1:03d}", track, int(lengths[i]))
        for i in range(n_videos)
        for track in ((1, 2) if i in doubled else (0,))
    ]


def _draw_person(rng, place, durations, codes, prevalence, missing_labels, frame_rate):
    """Draw all of one person but the frames without a face, which depend on the other people."""
    video, track, n_frames = place
    ends = np.cumsum(durations)
    episode = np.searchsorted(ends[:-1], np.arange(n_frames) / frame_rate, side="right")
    state = follow_targets(rng, draw_targets(rng, codes), episode, frame_rate)
    expression = codes[episode]
    probability = activation_probabilities(state, rng.standard_normal(len(ACTION_UNITS)))
    pulses = [draw_pulses(rng, unit, frame_rate) for unit in probability.T]
    units = np.stack([pulse_intensities(rng, unit, n_frames) for unit in pulses], axis=1)
    labels = [
        annotate_state(rng, state, frame_rate),
        annotate_expressions(rng, expression, prevalence, frame_rate)[:, np.newaxis].astype(float),
        annotate_units(rng, pulses, n_frames, frame_rate),
    ]
    drop_labels(rng, labels, missing_labels, frame_rate)
    return Person(
        video,
        track,
        rng.standard_normal(N_TRAITS),
        state,
        expression,
        units,
        draw_nuisances(rng, n_frames, frame_rate),
        np.zeros(n_frames, dtype=bool),
        *labels,
    )
