"""From a cell's step to a kernel: trace it, differentiate it, choose what to keep, print, build."""
