"""What can be switched on in the demo stack, each in the service where it would really happen.

A fault is an async context manager: entering is the fault, leaving puts everything back. Its parameters are the dose.
"""
