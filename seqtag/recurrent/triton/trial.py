"""A kernel of one line, to find out whether Triton works on a device."""

import torch
import triton
import triton.language as tl


@triton.jit
def write_one(to):
    """Write the number 1."""
    tl.store(to, 1.0)


def run_trial(device: torch.device) -> None:
    """Compile and run the kernel; raise whatever error that raises."""
    to = torch.zeros(1, device=device)
    write_one[(1,)](to, enable_fp_fusion=True)
    if to.item() != 1:
        raise RuntimeError("a kernel has not written its result")
