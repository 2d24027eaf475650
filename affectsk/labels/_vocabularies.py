"""Class names of the corpora, in their official order.

Every constant is a tuple of strings (or maps strings to pairs of strings); the position of a name
is the class index in the files of the corpus.
"""

__all__ = [
    "ACTION_UNITS",
    "AFFECTNET_EXPRESSIONS",
    "AFFWILD2_EXPRESSIONS",
    "COMPOUND_EXPRESSIONS",
    "MIMICRY_INTENSITIES",
    "SYNTHETIC_EXPRESSIONS",
]

# The eight expressions of the Aff-Wild2 challenges.
AFFWILD2_EXPRESSIONS = (
    "Neutral",
    "Anger",
    "Disgust",
    "Fear",
    "Happiness",
    "Sadness",
    "Surprise",
    "Other",
)

# The eight expressions of AffectNet, in the alphabetical order of the published networks.
AFFECTNET_EXPRESSIONS = (
    "Anger",
    "Contempt",
    "Disgust",
    "Fear",
    "Happiness",
    "Neutral",
    "Sadness",
    "Surprise",
)

# The six expressions of the challenge on learning from synthetic data (LSD).
SYNTHETIC_EXPRESSIONS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")

# The twelve action units of the Aff-Wild2 challenges.
ACTION_UNITS = (
    "AU1",
    "AU2",
    "AU4",
    "AU6",
    "AU7",
    "AU10",
    "AU12",
    "AU15",
    "AU23",
    "AU24",
    "AU25",
    "AU26",
)

# The seven compound expressions of C-EXPR and the two basic expressions that each joins.
COMPOUND_EXPRESSIONS = {
    "Fearfully_Surprised": ("Fear", "Surprise"),
    "Happily_Surprised": ("Happiness", "Surprise"),
    "Sadly_Surprised": ("Sadness", "Surprise"),
    "Disgustedly_Surprised": ("Disgust", "Surprise"),
    "Angrily_Surprised": ("Anger", "Surprise"),
    "Sadly_Fearful": ("Sadness", "Fear"),
    "Sadly_Angry": ("Sadness", "Anger"),
}

# The six intensities of the challenge on emotional mimicry, each in [0, 1].
MIMICRY_INTENSITIES = (
    "Admiration",
    "Amusement",
    "Determination",
    "Empathic Pain",
    "Excitement",
    "Joy",
)
