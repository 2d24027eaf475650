"""From face video to affect, as scikit-learn estimators."""
