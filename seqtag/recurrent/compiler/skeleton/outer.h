// The gradient of a weight: a sum of outer products over rows. The same for all cells.

// A register tile has DOWN rows, all of one slot, and ACROSS columns of vectors.
constexpr int DOWN = std::min(LANES, VECTOR_BYTES == 64 ? 8 : 4);
constexpr int ACROSS = 3;
// Rows are summed DEPTH at a time: DEPTH rows of ACROSS columns stay in the L1 cache while the
// tiles of a strip of units are processed. Both factors are packed in pieces that fit into the L2
// cache.
constexpr i64 DEPTH = 8192 / VECTOR_BYTES;
constexpr i64 WIDTH = 384 / LANES;  // columns of vectors
constexpr i64 STRIP = 256 / LANES;  // units times slots, in vectors
// Distance between tiles: not a power of 2, which would map them to the same cache sets.
constexpr i64 TILE_ROOM = DEPTH * DOWN + 64 / sizeof(S);

template <int U>
static void outer_tile(const S* a, const S* b, i64 depth, S* const* to, int rows, i64 column, i64 N,
                       bool first) {
  V acc[DOWN][U];
  UNROLL for (int i = 0; i < DOWN; i++) {
    __builtin_prefetch(to[i] + column, 1);
    __builtin_prefetch(to[i] + column + U * LANES - 1, 1);
    UNROLL for (int u = 0; u < U; u++) acc[i][u] = V{};
  }
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
  // In memory, so that the loop over results need not be unrolled: it is long, and runs seldom.
  V sums[DOWN][U];
  UNROLL for (int i = 0; i < DOWN; i++) UNROLL for (int u = 0; u < U; u++) sums[i][u] = acc[i][u];
  for (int i = 0, last = std::min(rows, DOWN); i < last; i++)
    for (int u = 0; u < U; u++) {
      i64 n = N - column - u * LANES;
      S* c = to[i] + column + u * LANES;
      store(c, first ? sums[i][u] : sums[i][u] + load(c, n), n);
    }
}

// One gradient (G*H, N) = sum over rows r of left[r] (G*H) times right[r] (N). Rows of `left` have
// the layout [block][slots][lane] and the stride `width`; slots[g] gives rows g*H to (g+1)*H - 1.
struct Outer {
  const S* left;
  i64 width, slots_in_row;
  const S* const* right;
  i64 rows, H, N, groups;
  const int* slots;
  S* to;
};

// The number of scalars that `outer` needs as scratch memory.
INLINE i64 outer_space(i64 slots) {
  return DEPTH * WIDTH * LANES + (STRIP + slots) * LANES / DOWN * TILE_ROOM;
}

// Packs blocks of units of `left` by tile: [block][group][tile][k][DOWN].
static void pack_left(const Outer& o, i64 row, i64 depth, i64 first, i64 last, S* tiles) {
  for (i64 k = 0; k < depth; k++) {
    const S* from = o.left + (row + k) * o.width + first * o.slots_in_row * LANES;
    S* to = tiles + k * DOWN;
    for (i64 block = first; block < last; block++, from += o.slots_in_row * LANES)
      for (i64 g = 0; g < o.groups; g++)
        for (i64 lane = 0; lane < LANES; lane += DOWN, to += TILE_ROOM) {
          const S* at = from + o.slots[g] * LANES + lane;
          __builtin_prefetch(at + 4 * o.width);  // too far apart for hardware prefetching
          memcpy(to, at, DOWN * sizeof(S));
        }
  }
}

// Packs columns of vectors of `right` by panel: [panel][k][vector][lane].
static void pack_right(const Outer& o, i64 row, i64 depth, i64 first, i64 width, S* panels) {
  for (i64 k = 0; k < depth; k++)
    parts(width, ACROSS, [&](i64 start, int wide) {
      S* to = panels + (start * depth + k * wide) * LANES;
      for (int j = 0; j < wide; j++) {
        i64 column = (first + start + j) * LANES;
        store(to + j * LANES, load(o.right[row + k] + column, o.N - column));
      }
    });
}

// Computes the gradient's rows of blocks first .. last-1 of units. `space`: see outer_space.
static void outer(const Outer& o, i64 first, i64 last, S* space) {
  S* panels = space;
  S* tiles = space + DEPTH * WIDTH * LANES;
  if (o.rows == 0)
    for (i64 g = 0; g < o.groups; g++)
      for (i64 u = first * LANES; u < std::min(o.H, last * LANES); u++)
        memset(o.to + (g * o.H + u) * o.N, 0, o.N * sizeof(S));
  i64 strip = std::max<i64>(1, STRIP / o.groups);
  for (i64 r = 0; r < o.rows; r += DEPTH) {
    i64 depth = std::min(DEPTH, o.rows - r);
    parts(blocks(o.N), WIDTH, [&](i64 c0, i64 width) {
      pack_right(o, r, depth, c0, width, panels);
      parts(last - first, strip, [&](i64 b0, i64 high) {
        pack_left(o, r, depth, first + b0, first + b0 + high, tiles);
        parts(width, ACROSS, [&](i64 start, int wide) {
          with_size<ACROSS>(wide, [&](auto size) {
            const S* tile = tiles;
            for (i64 block = first + b0; block < first + b0 + high; block++)
              for (i64 g = 0; g < o.groups; g++)
                for (i64 lane = 0; lane < LANES; lane += DOWN, tile += TILE_ROOM) {
                  i64 unit = block * LANES + lane;
                  S* c[DOWN];
                  for (int i = 0; i < DOWN; i++) c[i] = o.to + (g * o.H + unit + i) * o.N;
                  int rows = (int)std::min<i64>(DOWN, o.H - unit);
                  outer_tile<decltype(size)::value>(tile, panels + start * depth * LANES, depth, c,
                                                    rows, (c0 + start) * LANES, o.N, r == 0);
                }
          });
        });
      });
    });
  }
}
