// Matrix products on register tiles, with weights packed once per call. The same for all cells.

// The left factor is given as one pointer per row. Weights are packed in panels, one for each block
// of LANES columns: [k][group][lane], with `groups` vectors per block.

// acc[i][u][at(g)] += a[i][k] * panel_u[k][g] for k in 0 .. n-1; `stride` is between panels.
template <int M, int U, int G, typename Map, int A>
INLINE void multiply(const S* const (&rows)[M], const S* panel, i64 stride, i64 n,
                     V (&acc)[M][U][A], Map at) {
  const S* a[M];
  const S* b[U];
  UNROLL for (int i = 0; i < M; i++) a[i] = rows[i];
  UNROLL for (int u = 0; u < U; u++) b[u] = panel + u * stride;
  _Pragma("GCC unroll 1") for (i64 k = 0; k < n; k++) {
    V w[U][G];
    UNROLL for (int u = 0; u < U; u++) {
      UNROLL for (int g = 0; g < G; g++) w[u][g] = load(b[u] + g * LANES);
      b[u] += G * LANES;
    }
    UNROLL for (int i = 0; i < M; i++) {
      V x = all(a[i][k]);
      UNROLL for (int u = 0; u < U; u++) UNROLL for (int g = 0; g < G; g++) acc[i][u][at(g)] +=
          x * w[u][g];
    }
  }
}

// Packs the rows of a weight (G*H, K) for one block of units: [k][g][lane], 0 after the last unit.
static void pack_gates(const S* w, i64 G, i64 H, i64 K, i64 block, S* panel) {
  i64 first = block * LANES, n = std::min<i64>(LANES, H - first);
  for (i64 k0 = 0; k0 < K; k0 += 64) {  // a piece that stays in the L1 cache
    i64 k1 = std::min(K, k0 + 64);
    for (i64 g = 0; g < G; g++) {
      const S* from = w + (g * H + first) * K;
      S* to = panel + g * LANES;
      i64 k = k0;
      for (; k + LANES <= k1; k += LANES) {
        V rows[LANES];
        UNROLL for (int l = 0; l < LANES; l++) rows[l] = l < n ? load(from + l * K + k) : V{};
        transpose(rows);
        UNROLL for (int l = 0; l < LANES; l++) store(to + (k + l) * G * LANES, rows[l]);
      }
      for (; k < k1; k++)
        for (i64 l = 0; l < LANES; l++) to[k * G * LANES + l] = l < n ? from[l * K + k] : 0;
    }
  }
}

// A contiguous part of a row.
struct Segment {
  i64 at, length;
};

// The slots of a product within a row [block][SLOTS][lane], without lanes after the last unit.
template <typename Slots>
static std::vector<Segment> segments_of(i64 H, i64 slots_in_row, i64 count, Slots slot) {
  std::vector<Segment> segments;
  for (i64 block = 0; block < blocks(H); block++)
    for (i64 g = 0; g < count; g++) {
      i64 at = (block * slots_in_row + slot(g)) * LANES,
          n = std::min<i64>(LANES, H - block * LANES);
      if (!segments.empty() && segments.back().at + segments.back().length == at)
        segments.back().length += n;
      else
        segments.push_back({at, n});
    }
  return segments;
}

// Packs one block of columns of a weight (G*H, N): [k][lane] with k in the order of segments_of.
static void pack_columns(const S* w, i64 G, i64 H, i64 N, i64 block, S* panel) {
  i64 n = std::min<i64>(LANES, N - block * LANES);
  for (i64 b = 0; b < blocks(H); b++)
    for (i64 g = 0; g < G; g++)
      for (i64 u = b * LANES; u < std::min(H, (b + 1) * LANES); u++, panel += LANES)
        store(panel, load(w + (g * H + u) * N + block * LANES, n));
}

// One term of a sum of products, rows times packed weights.
struct Source {
  const S* const* rows;
  const Segment* segments;
  i64 count;
  const S* panels;
  i64 stride;  // between panels
};

struct Zero {
  INLINE int at(int) { return 0; }
  constexpr int operator()(int) const { return 0; }
};

// Calls f(size) with the size of a tile as a compile-time constant.
template <int N>
struct Size {
  static constexpr int value = N;
};
template <int MOST, typename F>
INLINE void with_size(int n, const F& f) {
  if constexpr (MOST == 1) {
    f(Size<1>{});
  } else {
    if (n == MOST) return f(Size<MOST>{});
    with_size<MOST - 1>(n, f);
  }
}

// The same for columns. Tiles have 4, 2 or 1: fewer variants keep compilation short.
template <int MOST, typename F>
INLINE void with_columns(int n, const F& f) {
  if constexpr (MOST == 1) {
    f(Size<1>{});
  } else {
    if (n == MOST) return f(Size<MOST>{});
    with_columns<MOST / 2>(n, f);
  }
}
template <typename F>
INLINE void columns(i64 n, int most, const F& f) {
  for (i64 at = 0; at < n; at += most) {
    while (most > n - at) most /= 2;
    f(at, most);
  }
}

// The results of a tile, as whole registers.
typedef V Scratch[ROWS * TILE];

template <int M, int U>
static void product_tile(const Source* sources, i64 count, i64 row, i64 block, V* to) {
  V acc[M][U][1];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++) acc[i][u][0] = V{};
  for (const Source* s = sources; s < sources + count; s++) {
    const S* panel = s->panels + block * s->stride;
    for (i64 q = 0; q < s->count; q++) {
      const S* a[M];
      UNROLL for (int i = 0; i < M; i++) a[i] = s->rows[row + i] + s->segments[q].at;
      multiply<M, U, 1>(a, panel, s->stride, s->segments[q].length, acc, [](int) { return 0; });
      panel += s->segments[q].length * LANES;
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++) to[i * U + u] =
      acc[i][u][0];
}

// to[i * width + u] = the sum of the sources' products for some rows and blocks of columns.
static void product_tile(const Source* sources, i64 count, i64 row, int rows, i64 block, int width,
                         V* to) {
  with_size<ROWS>(rows, [&](auto m) {
    with_columns<TILE>(width, [&](auto u) {
      product_tile<decltype(m)::value, decltype(u)::value>(sources, count, row, block, to);
    });
  });
}

// to[row] = the sum of all sources' products, (rows, N).
static void product(const Source* sources, i64 count, i64 first, i64 last, S* const* to, i64 N) {
  constexpr i64 PIECE = 96;  // rows that stay in the cache while all panels are multiplied
  Scratch result;
  for (i64 r = first; r < last; r += PIECE)
    columns(blocks(N), TILE, [&](i64 block, int width) {
      parts(std::min(PIECE, last - r), ROWS, [&](i64 start, int rows) {
        product_tile(sources, count, r + start, rows, block, width, result);
        for (int i = 0; i < rows; i++)
          for (int u = 0; u < width; u++)
            store(to[r + start + i] + (block + u) * LANES, result[i * width + u],
                  N - (block + u) * LANES);
      });
    });
}
