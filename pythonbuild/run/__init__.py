"""Execution of plans: the schedule, the number of jobs at once, and reports of failures."""
