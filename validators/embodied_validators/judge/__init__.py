"""Judging: facts, a profile and a context -> a report. Reads no file and no clock."""

from embodied_validators.judge.engine import context_digest, context_value, judge
from embodied_validators.judge.levels import exit_code
from embodied_validators.judge.lines import report_from_lines, report_lines
from embodied_validators.judge.reasons import reason_text

__all__ = ["context_digest", "context_value", "exit_code", "judge", "reason_text", "report_from_lines", "report_lines"]
