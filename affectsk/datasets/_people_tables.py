"""People and labels as frame tables."""

import numpy as np
import pandas as pd

from affectsk.datasets._nuisances import NUISANCES
from affectsk.datasets._state import STATE_AXES
from affectsk.labels import ACTION_UNITS, AFFWILD2_EXPRESSIONS

__all__ = ["label_table", "tabulate_people"]


def label_table(index, affect, expression, units):
    """Return labels as a frame table: numbers, a Categorical of expressions, and 0/1 units.

    Parameters
    ----------
    index : pandas.MultiIndex
        Levels video, track and frame.
    affect : ndarray of shape (n_rows, 2)
        Valence and arousal, NaN where there is no label.
    expression : ndarray of shape (n_rows,)
        Codes in the order of AFFWILD2_EXPRESSIONS, NaN or negative where there is no label.
    units : ndarray of shape (n_rows, 12)
        Units in the order of ACTION_UNITS, NaN where there is no label.

    Returns
    -------
    DataFrame
        Columns valence, arousal, expression, AU1 and so on.
    """
    codes = np.nan_to_num(expression, nan=-1.0).astype(int)
    table = pd.DataFrame(affect, index=index, columns=["valence", "arousal"])
    table["expression"] = pd.Categorical.from_codes(codes, categories=AFFWILD2_EXPRESSIONS)
    return table.join(pd.DataFrame(units, index=index, columns=list(ACTION_UNITS)))


def tabulate_people(people, frame_rate):
    """Return labels and truth of people as a dict of tables with one index.

    Parameters
    ----------
    people : list of Person
        The people of a corpus.
    frame_rate : float
        Frames per second.

    Returns
    -------
    dict
        `y`, `time`, `units`, `expression`, `state`, `nuisances` and `face_found` with a row per
        frame, and `identity` with a row per person.
    """
    index = _frame_index(people)
    seconds = (index.get_level_values("frame").to_numpy() - 1) / frame_rate
    y = label_table(
        index,
        _stack(people, "affect_labels"),
        _stack(people, "expression_labels")[:, 0],
        _stack(people, "unit_labels"),
    )
    expression = pd.Categorical.from_codes(
        _stack(people, "expression"), categories=AFFWILD2_EXPRESSIONS
    )
    places = [(person.video, person.track) for person in people]
    identity = np.stack([person.identity for person in people])
    return {
        "y": y,
        "time": pd.Series(seconds, index=index, name="time"),
        "face_found": pd.Series(~_stack(people, "lost"), index=index, name="face_found"),
        "units": pd.DataFrame(_stack(people, "units"), index=index, columns=list(ACTION_UNITS)),
        "expression": pd.Series(expression, index=index, name="expression"),
        "state": pd.DataFrame(_stack(people, "state"), index=index, columns=list(STATE_AXES)),
        "nuisances": pd.DataFrame(
            _stack(people, "nuisances"), index=index, columns=list(NUISANCES)
        ),
        "identity": pd.DataFrame(
            identity,
            index=pd.MultiIndex.from_tuples(places, names=["video", "track"]),
            columns=[f"trait_{i}" for i in range(identity.shape[1])],
        ),
    }


def _stack(people, field):
    """Join one field of all people."""
    return np.concatenate([getattr(person, field) for person in people])


def _frame_index(people):
    """Return the index of the frames of all people."""
    lengths = [len(person.state) for person in people]
    return pd.MultiIndex.from_arrays(
        [
            np.repeat([person.video for person in people], lengths),
            np.repeat([person.track for person in people], lengths),
            np.concatenate([np.arange(1, length + 1) for length in lengths]),
        ],
        names=["video", "track", "frame"],
    )
