"""Validators: rules judged over facts, reports, and conformity attestations."""
