"""Diagnoses from the dashboard: whom, with which playbook, and the one that runs."""
