"""The cohort simulator: blood of patients before and after CAR T cells, with its truth.

Nothing here imports more than numpy, scipy, pandas and h5py, and nothing here opens a file: the
modules make numbers and file contents (bytes), the command `simulate_cohort` writes them.
"""
