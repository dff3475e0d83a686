"""The loop engine: one step at a time, in torch operations that write in place."""
