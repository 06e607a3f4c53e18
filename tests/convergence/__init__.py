"""Convergence: random histories of edits, syncs, faults and kills, against a model that knows nothing of the engine.

    python -m tests.convergence SEED              replay one history, step by step
    python -m tests.convergence --count 5000      any number of them
    IN_BULK=2 python -m tests.convergence …       every second sync by bulk operations, instead of every eighth

`history.py` plays one, `hands_here.py` and `hands_there.py` edit, `runs.py` syncs (in this process, or in a child that
is killed), `views.py` reads both sides, `model.py` says what may have become of them.
"""
