"""The names of all scores, so that a gate on a misspelt one is refused before anything is asked."""

METRICS = (
    "accuracy", "accuracy_parsed", "balanced_accuracy", "fake_real_gap", "fake_rate", "yes_rate",
    "matthews_corrcoef", "polarity_consistency", "pairwise_accuracy", "roc_auc",
    "average_precision", "best_threshold_accuracy", "expected_calibration_error",
    "parsed_rate", "unparsed_rate", "refused_rate", "truncated_rate", "unscored_rate",
    "cut_off_rate", "model_error_rate", "judge_error_rate", "image_error_rate", "format_obeyed",
    "exact_score", "stand_in_score",
    "judged_score", "completeness", "preciseness", "relevance", "judge_round_sd",
    "judge_failed_rounds", "bleu_1", "bleu_2", "rouge_l", "similarity", "clue_recall",
    "clue_precision",
)  # fmt: skip
