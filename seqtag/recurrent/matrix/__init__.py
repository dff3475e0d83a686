"""The kernel of cells with a matrix state: their recurrence in chunks of steps, in C++."""
