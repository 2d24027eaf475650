"""From scores to decisions: meta-estimators around any classifier or regressor."""

from affectsk.decision._smoothed_classifier import SmoothedClassifier
from affectsk.decision._smoothed_regressor import SmoothedRegressor

__all__ = ["SmoothedClassifier", "SmoothedRegressor"]
