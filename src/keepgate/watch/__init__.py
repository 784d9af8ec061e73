"""Anomalies in what was decided: streaming, explainable, with baselines that are learned per subject (docs/alerts.md).

Pure: events go in with their own times, alerts come out. It never decides on a message and fetches nothing.
"""
