"""The status service: folds the event streams of runs into rows that people can query."""
