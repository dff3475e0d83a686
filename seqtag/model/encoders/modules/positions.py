"""How attention depends on positions: one class for each kind.

Legend: B sentences, A attention heads, S steps, D features of a word, E features of a head.
"""

import torch
from torch import Tensor, nn


def sinusoids(positions_S: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Return sines and cosines of positions at geometric frequencies: (S, size).

    The first half are sines, the second half cosines. Source: Vaswani et al. 2017, section 3.5.
    """
    exponents = torch.arange(size // 2, device=positions_S.device, dtype=torch.float64)
    angles = positions_S.double()[:, None] * 10_000.0 ** (-2 * exponents / size)
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(dtype)


class Positions(nn.Module):
    """No positions: the base class of the others, whose methods change nothing.

    Args:
        hidden_size: D.
        heads: A.
        causal: whether steps attend only to earlier steps and themselves.
    """

    def __init__(self, hidden_size: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.head_size, self.causal = heads, hidden_size // heads, causal

    def add(self, x_BSD: Tensor) -> Tensor:
        """Return the input of the first layer."""
        return x_BSD

    def rotate(self, q_BASE: Tensor) -> Tensor:
        """Return queries or keys."""
        return q_BASE

    def scores(self, q_BASE: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the queries, and what is added to the scores before scaling: (B or 1, A, S, S)."""
        return q_BASE, None

    def fixed_scores(self, x_BSD: Tensor) -> Tensor | None:
        """Return what is added to the scores of all layers after scaling: (A, S, S)."""
        return None


class Sinusoidal(Positions):
    """A fixed vector of each position, added to the first layer's input."""

    def add(self, x_BSD: Tensor) -> Tensor:
        """Return the sum of x and the vectors of positions."""
        _, steps, size = x_BSD.shape
        positions = torch.arange(steps, device=x_BSD.device)
        return x_BSD + sinusoids(positions, size, x_BSD.dtype)


class Rope(Positions):
    """Rotary positions: features of queries and keys are rotated in pairs by their position.

    The score of two words then depends on their distance. Feature e is paired with e + E/2.
    Source: Su et al. 2021, section 3.2.
    """

    def rotate(self, q_BASE: Tensor) -> Tensor:
        """Return the rotated queries or keys."""
        positions = torch.arange(q_BASE.shape[2], device=q_BASE.device)
        sine_SE, cosine_SE = sinusoids(positions, self.head_size, q_BASE.dtype).chunk(2, dim=1)
        first, second = q_BASE.chunk(2, dim=3)
        rotated = (
            first * cosine_SE - second * sine_SE,
            second * cosine_SE + first * sine_SE,
        )
        return torch.cat(rotated, dim=3)


class Alibi(Positions):
    """Scores that fall linearly with the distance, with another slope in each head.

    Of A heads, the slopes are 2^(-8/A), 2^(-16/A), ..., 2^-8. Without a causal mask, the first half
    of the heads attend to the left and the second half to the right, each half with such slopes.
    Source: Press et al. 2022, section 3.
    """

    def fixed_scores(self, x_BSD: Tensor) -> Tensor:
        """Return minus the slope times the distance, and minus infinity in the other direction."""
        options = {"device": x_BSD.device, "dtype": x_BSD.dtype}
        steps = torch.arange(x_BSD.shape[1], **options)
        behind_SS = steps[:, None] - steps
        if self.causal:
            distance_ASS = behind_SS[None]
        else:
            left = torch.where(behind_SS < 0, torch.inf, behind_SS)
            distance_ASS = torch.stack([left, left.t()]).repeat_interleave(self.heads // 2, dim=0)
        count = self.heads if self.causal else self.heads // 2
        slopes = 2.0 ** (-8.0 * torch.arange(1, count + 1, **options) / count)
        slopes_A11 = slopes.repeat(self.heads // count)[:, None, None]
        return -slopes_A11 * distance_ASS


class Relative(Positions):
    """Scores that depend on the signed distance by a fixed vector of each distance.

        score = q.k + q.r + u.k + v.r

    with r the sines and cosines of the distance, and u, v (A, E) learned biases of each head. The
    sines tell left from right. Keys are projected by a matrix, as in the authors' code and in
    Transformer-XL; in the paper they are the words themselves.

    Source: Yan et al. 2019, section 3.2; Dai et al. 2019, section 3.3.
    """

    def __init__(self, hidden_size: int, heads: int, causal: bool) -> None:
        super().__init__(hidden_size, heads, causal)
        self.bias_key_AE = nn.Parameter(torch.zeros(heads, self.head_size))
        self.bias_distance_AE = nn.Parameter(torch.zeros(heads, self.head_size))

    def scores(self, q_BASE: Tensor) -> tuple[Tensor, Tensor]:
        """Return the queries plus u, and (q + v).r for each pair of steps."""
        steps = q_BASE.shape[2]
        reach = torch.arange(steps - 1, -steps, -1, device=q_BASE.device)
        r_RE = sinusoids(reach, self.head_size, q_BASE.dtype)  # R distances, from S - 1 down
        by_distance = (q_BASE + self.bias_distance_AE[:, None]) @ r_RE.t()
        at = torch.arange(steps, device=q_BASE.device)
        column_SS = steps - 1 - at[:, None] + at  # of the distance t - j
        scores_BASS = by_distance.gather(3, column_SS.expand(*q_BASE.shape[:2], -1, -1))
        return q_BASE + self.bias_key_AE[:, None], scores_BASS


POSITIONS = {
    "none": Positions,
    "sinusoidal": Sinusoidal,
    "rope": Rope,
    "alibi": Alibi,
    "relative": Relative,
}
