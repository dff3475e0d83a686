"""Compiles a cell's step: trace, differentiate, choose values to keep, print C++, compile."""
