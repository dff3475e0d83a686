"""A kernel of one line, to find out whether Triton works on a device."""

import torch
import triton
import triton.language as tl

CAPABILITY = (8, 0)  # the oldest GPUs whose tensor cores Triton uses


@triton.jit
def write_one(to):
    """Write the number 1."""
    tl.store(to, 1.0)


def run_trial(device: torch.device) -> None:
    """Compile and run the kernel.

    Raises:
        RuntimeError: for a GPU that is too old, or a kernel without effect.
        Exception: whatever Triton, the driver or a compiler raises.
    """
    found = torch.cuda.get_device_capability(device)
    if found < CAPABILITY:
        raise RuntimeError(f"compute capability {found[0]}.{found[1]} is below 8.0")
    to = torch.zeros(1, device=device)
    with torch.cuda.device_of(to):
        write_one[(1,)](to, enable_fp_fusion=True)
    if to.item() != 1:
        raise RuntimeError("a kernel has not written its result")
