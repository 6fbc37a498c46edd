"""Many trainings: folds, seeds, and the workers that share one."""
