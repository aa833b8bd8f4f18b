"""Playbooks: load, collect, judge, report. Collecting talks to the outside; judging needs the evidence only."""
