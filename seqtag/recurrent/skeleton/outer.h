// The gradient of a weight: a sum of outer products over rows. Knows no cell.

constexpr int DOWN = LANES < 8 ? LANES : 8;  // rows of a register tile: all of one slot
constexpr int ACROSS = LANES >= 8 ? 3 : 2;   // its columns of vectors
constexpr i64 DEPTH = 256;                   // rows summed at a time
constexpr i64 WIDTH = 8 * ACROSS;            // columns of vectors packed at a time

template <int U>
static void outer_tile(const S* a, const S* b, i64 depth, S* const* to, int rows, i64 column, i64 N,
                       bool first) {
  V acc[DOWN][U];
  UNROLL for (int i = 0; i < DOWN; i++) UNROLL for (int u = 0; u < U; u++) acc[i][u] = V{};
  _Pragma("GCC unroll 1") for (i64 k = 0; k < depth; k++) {
    V w[U];
    UNROLL for (int u = 0; u < U; u++) w[u] = load(b + u * LANES);
    b += U * LANES;
    UNROLL for (int i = 0; i < DOWN; i++) {
      V x = all(a[i]);
      UNROLL for (int u = 0; u < U; u++) acc[i][u] += x * w[u];
    }
    a += DOWN;
  }
  UNROLL for (int i = 0; i < DOWN; i++) {
    if (i >= rows) break;
    UNROLL for (int u = 0; u < U; u++) {
      i64 n = N - column - u * LANES;
      S* c = to[i] + column + u * LANES;
      store(c, first ? acc[i][u] : acc[i][u] + load(c, n), n);
    }
  }
}

// One gradient (G*H, N) = sum over rows r of left[r] (G*H) times right[r] (N), where left rows lie
// together, [block][slots][lane], `width` apart, and slot g goes to the G rows from g*H on.
struct Outer {
  const S* left;
  i64 width, slots_in_row;
  const S* const* right;
  i64 rows, H, N, groups;
  const int* slots;
  S* to;
};

// The part of it that belongs to the units of blocks first .. last-1. `space`: see outer_space.
static void outer(const Outer& o, i64 first, i64 last, S* space) {
  S* a = space;
  S* b = space + DEPTH * DOWN;
  i64 columns = blocks(o.N);
  if (o.rows == 0)
    for (i64 g = 0; g < o.groups; g++)
      for (i64 u = first * LANES; u < std::min(o.H, last * LANES); u++)
        memset(o.to + (g * o.H + u) * o.N, 0, o.N * sizeof(S));
  for (i64 r = 0; r < o.rows; r += DEPTH) {
    i64 depth = std::min(DEPTH, o.rows - r);
    for (i64 c0 = 0; c0 < columns; c0 += WIDTH) {
      i64 width = std::min(WIDTH, columns - c0);
      S* to = b;
      parts(width, ACROSS, [&](i64 start, int u) {
        for (i64 k = 0; k < depth; k++)
          for (int j = 0; j < u; j++, to += LANES) {
            i64 column = (c0 + start + j) * LANES;
            store(to, load(o.right[r + k] + column, o.N - column));
          }
      });
      for (i64 block = first; block < last; block++)
        for (i64 g = 0; g < o.groups; g++)
          for (i64 lane = 0; lane < LANES && block * LANES + lane < o.H; lane += DOWN) {
            i64 unit = block * LANES + lane;
            int rows = (int)std::min<i64>(DOWN, o.H - unit);
            const S* from =
                o.left + r * o.width + (block * o.slots_in_row + o.slots[g]) * LANES + lane;
            for (i64 k = 0; k < depth; k++)
              memcpy(a + k * DOWN, from + k * o.width, DOWN * sizeof(S));
            S* c[DOWN];
            for (int i = 0; i < DOWN; i++) c[i] = o.to + (g * o.H + unit + i) * o.N;
            const S* panel = b;
            parts(width, ACROSS, [&](i64 start, int u) {
              with_size<ACROSS>(u, [&](auto size) {
                outer_tile<decltype(size)::value>(a, panel, depth, c, rows, (c0 + start) * LANES,
                                                  o.N, r == 0);
              });
              panel += depth * u * LANES;
            });
          }
    }
  }
}

// Scalars that outer needs as space of its own.
constexpr i64 outer_space = DEPTH * DOWN + DEPTH * WIDTH * LANES;
