"""How well a feature predicts the label of images that the rule was not fitted on."""

from collections import Counter

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from fakebench_suite.datasets.validation.features import Feature, Row
from fakebench_suite.datasets.validation.issues import LeakageResult, ValueCount
from fakebench_suite.types import Authenticity

FOLDS = 5
"""Folds of the cross-validation."""
MIN_IMAGES_PER_VALUE = 3
"""Images that must share a value before a rule may use it: a unique value predicts nothing."""
MAX_LEAVES = 64
"""Ranges or values that a rule may distinguish."""
MIN_MARGIN, MIN_STANDARD_ERRORS = 0.05, 3.0
"""A leak exceeds chance by this much and by this many standard errors, since about a dozen features
are tested."""
MAX_VALUES_SHOWN = 10
"""Values in a result."""


def compute_leakage(feature: Feature) -> LeakageResult:
    """Return the cross-validated balanced accuracy of the best rule from value to label.

    The rule is a decision tree over the one-hot values and numbers of this feature, with balanced
    class weights; five stratified folds, shuffled by a fixed seed.
    """
    counts = Counter(feature.labels)
    fake, real = counts[Authenticity.FAKE], counts[Authenticity.REAL]
    accuracy = None if min(fake, real) < FOLDS else _cross_validate(feature)
    tells = False
    if accuracy is not None:
        chance_error = 0.5 * (0.25 / fake + 0.25 / real) ** 0.5
        tells = bool(accuracy > 0.5 + max(MIN_MARGIN, MIN_STANDARD_ERRORS * chance_error))
    shares = _count_values(feature, fake, real)
    return LeakageResult(
        feature=feature.name,
        reach=feature.reach,
        balanced_accuracy=accuracy,
        n=fake + real,
        values=len({frozenset(row.items()) for row in feature.rows}),
        tells=tells,
        shares=tuple(shares[:MAX_VALUES_SHOWN]),
    )


def _cross_validate(feature: Feature) -> float:
    """Return the mean balanced accuracy over all folds; 0.5 if no value is frequent enough."""
    matrix = DictVectorizer(dtype=np.float32).fit_transform(feature.rows)
    matrix = matrix[:, np.flatnonzero(matrix.getnnz(axis=0) >= MIN_IMAGES_PER_VALUE)]
    if not matrix.shape[1]:
        return 0.5
    tree = DecisionTreeClassifier(
        max_leaf_nodes=MAX_LEAVES,
        min_samples_leaf=MIN_IMAGES_PER_VALUE,
        class_weight="balanced",
        random_state=0,
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    truth = np.array([label is Authenticity.REAL for label in feature.labels])
    scores = cross_val_score(tree, matrix, truth, cv=folds, scoring="balanced_accuracy")
    return float(scores.mean())


def _count_values(feature: Feature, fake: int, real: int) -> list[ValueCount]:
    """Return the counts of each category, in descending order of the difference between labels."""
    counts: dict[Authenticity, Counter[str]] = {label: Counter() for label in Authenticity}
    for row, label in zip(feature.rows, feature.labels, strict=True):
        counts[label].update(_list_texts(row))
    fakes, reals = counts[Authenticity.FAKE], counts[Authenticity.REAL]
    shares = [ValueCount(value=v, fake=fakes[v], real=reals[v]) for v in sorted(fakes | reals)]
    return sorted(
        shares, key=lambda s: abs(s.fake / max(1, fake) - s.real / max(1, real)), reverse=True
    )


def _list_texts(row: Row) -> list[str]:
    return [value for value in row.values() if isinstance(value, str)]
