"""Functions that generated steps call, for float32 registers."""

import triton
import triton.language as tl


@triton.jit
def sigmoid(v):
    """Return the logistic function."""
    return 1 / (1 + tl.exp(-v))


@triton.jit
def log_sigmoid(v):
    """Return its logarithm, with log(1 + e) = 2 artanh(e / (2 + e)) as a series."""
    e = tl.exp(-tl.abs(v))
    z = e / (2 + e)
    z2 = z * z
    series = 1 / 7 + z2 * (1 / 9 + z2 * (1 / 11 + z2 * (1 / 13)))
    series = 1 + z2 * (1 / 3 + z2 * (1 / 5 + z2 * series))
    return tl.minimum(v, 0.0) - 2 * z * series


@triton.jit
def tanh(v):
    """Return the hyperbolic tangent: of |v|, so that nothing overflows; near 0 a series."""
    a = tl.abs(v)
    e = tl.exp(-2 * a)
    far = (1 - e) / (1 + e)
    v2 = v * v
    near = a * (1 + v2 * (-1 / 3 + v2 * (2 / 15 + v2 * (-17 / 315))))
    result = tl.where(a < 0.15, near, far)
    return tl.where(v < 0, -result, result)
