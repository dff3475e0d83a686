// Products of small matrices that are in the cache, on register tiles.
//
// Matrices have rows of whole registers, padded with zeros.

// The rows and columns of a register tile; rows divide STEPS.
constexpr int HIGH = VECTOR_BYTES == 64 ? 8 : 4;
constexpr int WIDE = 3;

// The left factor of a product: element (i, k) is p[i * row + k * column].
struct Factor {
  const S* p;
  i64 row, column;
};
// Elements of the left factor that may differ from 0: all, column <= row, or column >= row.
enum Shape { ALL, LOWER, UPPER };

// What the result is added to: the old value of row i times p[i * step]; null: nothing.
struct Keep {
  const S* p;
  i64 step;
};
static const S ONE = 1;
static const Keep NOTHING{nullptr, 0}, ADD{&ONE, 0};

template <int M, int U>
INLINE void small_tile(const Factor& a, const S* b, i64 stride_b, i64 depth, S* c, i64 stride_c,
                       const Keep& keep) {
  V acc[M][U];
  const S* left[M];
  UNROLL for (int i = 0; i < M; i++) {
    left[i] = a.p + i * a.row;
    V factor = keep.p ? all(keep.p[i * keep.step]) : V{};
    UNROLL for (int u = 0; u < U; u++) acc[i][u] =
        keep.p ? factor * load(c + i * stride_c + u * LANES) : V{};
  }
  _Pragma("GCC unroll 1") for (i64 k = 0; k < depth; k++) {
    V w[U];
    UNROLL for (int u = 0; u < U; u++) w[u] = load(b + u * LANES);
    b += stride_b;
    UNROLL for (int i = 0; i < M; i++) {
      V x = all(*left[i]);
      left[i] += a.column;
      UNROLL for (int u = 0; u < U; u++) acc[i][u] += x * w[u];
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      store(c + i * stride_c + u * LANES, acc[i][u]);
}

// A matrix with rows of `stride` scalars.
struct Matrix {
  S* p;
  i64 stride;
  S* row(i64 i) const { return p + i * stride; }
  Matrix from_row(i64 i) const { return {row(i), stride}; }
  Factor factor() const { return {p, stride, 1}; }
  Factor transposed() const { return {p, 1, stride}; }
};

// c (rows, width of b) = keep c + a (rows, depth) b (depth, width).
static void small_product(const Factor& a, const Matrix& b, const Matrix& c, i64 rows, i64 depth,
                          const Keep& keep = NOTHING, Shape shape = ALL) {
  parts(b.stride / LANES, WIDE, [&](i64 at, int wide) {
    parts(rows, HIGH, [&](i64 r, int high) {
      i64 from = shape == UPPER ? std::min(r, depth) : 0,
          to = shape == LOWER ? std::min(r + high, depth) : depth;
      Factor left{a.p + r * a.row + from * a.column, a.row, a.column};
      Keep kept{keep.p ? keep.p + r * keep.step : nullptr, keep.step};
      with_size<HIGH>(high, [&](auto m) {
        with_size<WIDE>(wide, [&](auto u) {
          small_tile<decltype(m)::value, decltype(u)::value>(
              left, b.row(from) + at * LANES, b.stride, to - from, c.row(r) + at * LANES, c.stride,
              kept);
        });
      });
    });
  });
}

// to (columns, rows) = the transpose of from (rows, columns); both are rounded up to whole registers.
static void transpose(const Matrix& from, i64 rows, i64 columns, const Matrix& to) {
  for (i64 c = 0; c < columns; c += LANES)
    for (i64 r = 0; r < rows; r += LANES) {
      V square[LANES];
      UNROLL for (int i = 0; i < LANES; i++) square[i] = load(from.row(r + i) + c);
      transpose(square);
      UNROLL for (int i = 0; i < LANES; i++) store(to.row(c + i) + r, square[i]);
    }
}

// Requests n scalars from memory; rows of a tensor are too far apart for hardware prefetching.
INLINE void prefetch(const S* p, i64 n) {
  for (i64 i = 0; i < n; i += 64 / sizeof(S)) __builtin_prefetch(p + i);
}

// The sum of all lanes, by pairs.
template <int D = 1>
INLINE S sum_of(V v) {
  if constexpr (D < LANES) {
    V other = v;
    swap_lanes<D>(v, other, std::make_integer_sequence<int, LANES>{});
    return sum_of<2 * D>(v + other);
  }
  return v[0];
}
INLINE S root(S x) { return (S)(SINGLE ? __builtin_sqrtf(x) : __builtin_sqrt(x)); }
INLINE S sum_lanes(const S* a, i64 n) {
  V sum = {};
  for (i64 i = 0; i < n; i += LANES) sum += load(a + i);
  return sum_of(sum);
}
INLINE S dot(const S* a, const S* b, i64 n) {
  V sum = {};
  for (i64 i = 0; i < n; i += LANES) sum += load(a + i) * load(b + i);
  return sum_of(sum);
}
INLINE void scale(S* to, S factor, i64 n) {
  for (i64 i = 0; i < n; i += LANES) store(to + i, all(factor) * load(to + i));
}
// to = a b, elementwise.
INLINE void multiply_into(S* to, const S* a, const S* b, i64 n) {
  for (i64 i = 0; i < n; i += LANES) store(to + i, load(a + i) * load(b + i));
}
// Reads or writes n scalars that are followed by other data; the rest of the register is 0.
INLINE void read_row(S* to, const S* from, i64 n) {
  for (i64 i = 0; i < n; i += LANES) store(to + i, load(from + i, n - i));
}
INLINE void write_row(S* to, const S* from, i64 n) {
  for (i64 i = 0; i < n; i += LANES) store(to + i, load(from + i), n - i);
}
