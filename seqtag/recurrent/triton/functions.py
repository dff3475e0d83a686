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


@triton.jit
def circular(v, quarters: tl.constexpr):
    """Return sin(v + quarters pi/2), from a polynomial in the distance to a multiple of pi/2.

    Triton's own functions treat large arguments apart, which takes many registers. Here they lose
    digits, beyond 1e4.
    """
    k = tl.floor(v * 0.636619772 + 0.5)
    n = k.to(tl.int32) + quarters
    # pi/2 in three parts, the first two with few digits
    r = ((v - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549789954891882e-8
    r = tl.minimum(tl.maximum(r, -0.79), 0.79)
    s = r * r
    odd = ((-1.9515295891e-4 * s + 8.3321608736e-3) * s - 1.6666654611e-1) * s * r + r
    even = (2.443315711809948e-5 * s - 1.388731625493765e-3) * s + 4.166664568298827e-2
    even = (even * s - 0.5) * s + 1
    result = tl.where((n & 1) == 1, even, odd)
    return tl.where((n & 2) == 2, -result, result)


@triton.jit
def sin(v):
    """Return the sine."""
    return circular(v, 0)


@triton.jit
def cos(v):
    """Return the cosine."""
    return circular(v, 1)
