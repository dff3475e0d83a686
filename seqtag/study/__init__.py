"""Studies: judge trained taggers on probes, and compute statistics over their runs."""
