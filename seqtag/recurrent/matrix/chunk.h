// One chunk of steps of one head: what both passes read, and the decays between its steps.
//
//   S_t = f_t S_{t-1} + k_t z_t^T + a_t y_t^T    o_t = S_t^T q_t
//   z_t = b_t v_t                                 plain write
//   y_t = b_t (v_t - u_t)                         solved write: u_t = S^T c_t is read before it
//
// f_t is a scalar, or a vector over the rows of S. A chunk has `readers`, the rows q and c, and
// `writers`, the rows k and a; each kind has STEPS rows. With G = D (X Y^T), the overlap of readers X
// and writers Y weighted by the decays D between their steps, what readers read is F X S + G Z.
// Source: Yang et al. 2024, "Parallelizing linear transformers with the delta rule", section 3.

constexpr i64 STEPS = 16;

// An argument (T, B, A, size) with strides; null if absent. A stride 0 repeats it for all heads.
struct Array {
  S* p;
  i64 time, batch, head;
  S* at(i64 t, i64 b, i64 a) const { return p + t * time + b * batch + a * head; }
};

// Order as in kernel.py.
struct Arrays {
  Array query, key, value, decay, strength, read_key, write_key, bound, skip, output, norm;
};

struct Problem {
  i64 T, B, A, N, E;
  // 1 if the state has one more column, whose value is always 1; its output is `norm`, and outputs
  // are divided by max(|norm|, bound).
  i64 ones;
  bool solved;   // whether there is a solved write
  bool replaces; // the solved write takes b and v, and there is no plain one; else v is 0 and b is 1
  bool vector;   // whether f is a vector
  bool shared;   // whether all heads have the same queries and keys
  // Whether queries, keys and values are silu(a) of the argument a; and whether queries and keys
  // are then divided by their lengths, and queries by the root of N.
  bool silu_query, silu_key, silu_value, unit;
  Threads threads;
  const i64* lengths;
  Arrays in;  // `skip` (A): outputs are S^T q + skip v

  S query_scale() const { return unit ? 1 / root(N) : 1; }
  i64 columns() const { return E + ones; }
  i64 width_N() const { return blocks(N) * LANES; }
  i64 width_E() const { return blocks(columns()) * LANES; }
  bool plain() const { return !replaces; }
  i64 readers() const { return STEPS * (1 + solved); }
  i64 writers() const { return STEPS * (plain() + solved); }
  i64 solved_at() const { return plain() ? STEPS : 0; }
  i64 length(i64 b) const { return lengths ? lengths[b] : T; }
  i64 chunks() const { return (T + STEPS - 1) / STEPS; }
  // The number of tasks that can run at the same time.
  i64 tasks() const { return shared ? B : B * A; }
  i64 shares() const {
    bool small = B * T * A * N * E < 100000;
    return small ? 1 : std::max<i64>(1, std::min(threads.count, tasks()));
  }
};

// row = silu(row), then divided by its length and times `factor`.
static void activate(S* row, i64 size, bool silu, bool unit, S factor) {
  if (silu)
    for (i64 n = 0; n < size; n += LANES) {
      V a = load(row + n);
      store(row + n, a * sigmoid(a));
    }
  if (unit) scale(row, factor / root(dot(row, row, size) + (S)1e-6), size);
}

// Replaces the gradient of an activated row by that of the argument `row`, which is overwritten.
static void activate_backward(S* grad, S* row, S* slope, i64 size, bool silu, bool unit, S factor) {
  V squares = {}, along = {};
  for (i64 n = 0; n < size; n += LANES) {
    V a = load(row + n), s = silu ? sigmoid(a) : all(1), u = a * s;
    store(row + n, u);
    store(slope + n, silu ? s + u * (1 - s) : s);
    squares += u * u, along += u * load(grad + n);
  }
  S inverse = unit ? 1 / root(sum_of(squares) + (S)1e-6) : 1;
  V back = all(unit ? sum_of(along) * inverse * inverse : 0);
  for (i64 n = 0; n < size; n += LANES)
    store(grad + n,
          load(slope + n) * all(factor * inverse) * (load(grad + n) - back * load(row + n)));
}

// Which chunk it is: head, first step and number of steps, and first step of the chunk after it.
struct Place {
  i64 b, a, start, count, next;
};

// Memory that is cut into matrices.
struct Space {
  Buffer memory;
  S* next;
  explicit Space(i64 size) : memory(size, true), next(memory.p) {}
  Matrix matrix(i64 rows, i64 width) {
    Matrix made{next, width};
    next += rows * width;
    return made;
  }
};

struct Chunk {
  const Problem& problem;
  Matrix readers, writers;    // X, Y
  Matrix writers_T;           // (N, writers)
  Matrix ends;                // Y times the decay from each step to the end of the chunk
  Matrix overlap;             // G
  Matrix values;              // Z
  Matrix plain_values;        // v
  Matrix between;             // D (STEPS, STEPS), 0 for writers after the reader; else vectors: 1
  Matrix total;               // F: the product of the decays up to each step
  Matrix inverse;             // with vector decays, 1 / F
  Matrix before;              // with vector decays, F without the step's own decay
  S strength[STEPS];

  static i64 size(const Problem& p) {
    i64 N = p.width_N(), E = p.width_E(), W = p.writers(), R = p.readers();
    return R * N + 2 * W * N + (N + R) * padded(W) + (W + STEPS) * E + STEPS * (padded(STEPS) + 3 * N);
  }
  static i64 padded(i64 n) { return blocks(n) * LANES; }

  Chunk(const Problem& p, Space& space)
      : problem(p),
        readers(space.matrix(p.readers(), p.width_N())),
        writers(space.matrix(p.writers(), p.width_N())),
        writers_T(space.matrix(p.width_N(), padded(p.writers()))),
        ends(space.matrix(p.writers(), p.width_N())),
        overlap(space.matrix(p.readers(), padded(p.writers()))),
        values(space.matrix(p.writers(), p.width_E())),
        plain_values(space.matrix(STEPS, p.width_E())),
        between(space.matrix(STEPS, padded(STEPS))),
        total(space.matrix(STEPS, p.width_N())),
        inverse(space.matrix(STEPS, p.width_N())),
        before(space.matrix(STEPS, p.width_N())) {}

  // Reads the rows of an argument; rows after the end are 0.
  static void read(const Array& from, const Place& at, i64 n, const Matrix& to) {
    for (i64 i = 0; i < at.count; i++) {
      prefetch(from.at(at.next + i, at.b, at.a), n);
      read_row(to.row(i), from.at(at.start + i, at.b, at.a), n);
    }
    for (i64 i = at.count; i < STEPS; i++) memset(to.row(i), 0, to.stride * sizeof(S));
  }

  void read_inputs(const Place& at) {
    const Arrays& in = problem.in;
    i64 N = problem.N, first = problem.solved_at();
    read(in.query, at, N, readers);
    if (problem.plain()) read(in.key, at, N, writers);
    if (problem.solved) {
      read(in.read_key, at, N, readers.from_row(STEPS));
      if (problem.vector) read(in.write_key, at, N, writers.from_row(first));
    }
    read(in.value, at, problem.E, plain_values);
    for (i64 i = 0; i < at.count; i++) {
      activate(readers.row(i), N, problem.silu_query, problem.unit, problem.query_scale());
      activate(problem.replaces ? readers.row(STEPS + i) : writers.row(i), N, problem.silu_key,
               problem.unit, 1);
      activate(plain_values.row(i), problem.E, problem.silu_value, false, 1);
    }
    if (problem.replaces)
      memcpy(writers.p, readers.row(STEPS), STEPS * writers.stride * sizeof(S));
    for (i64 i = 0; i < STEPS; i++) {
      strength[i] = i >= at.count ? 0 : in.strength.p ? *in.strength.at(at.start + i, at.b, at.a) : 1;
      if (problem.ones) plain_values.row(i)[problem.E] = 1;
      if (problem.plain()) set_value(i, i, plain_values.row(i));
    }
    problem.vector ? read_vector_decays(at) : read_decays(at);
    transpose(writers, problem.writers(), N, writers_T);
    small_product(readers.factor(), writers_T, overlap, problem.readers(), problem.width_N());
    weigh(overlap);
  }

  // Z of a writer is b times v.
  void set_value(i64 writer, i64 i, const S* v) {
    S* to = values.row(writer);
    for (i64 c = 0; c < values.stride; c += LANES) store(to + c, all(strength[i]) * load(v + c));
  }

  // The decay between two steps is made from that of the step before: no logarithm, so f may be 0.
  void read_decays(const Place& at) {
    const Array& decay = problem.in.decay;
    S product = 1;
    for (i64 i = 0; i < STEPS; i++) {
      S f = i < at.count && decay.p ? *decay.at(at.start + i, at.b, at.a) : 1;
      S* row = between.row(i);
      for (i64 j = 0; i && j < STEPS; j += LANES) store(row + j, all(f) * load(row - between.stride + j));
      row[i] = 1;
      *total.row(i) = product *= f;
    }
    const S* last = between.row(STEPS - 1);
    for (i64 w = 0; w < problem.writers(); w++)
      for (i64 n = 0; n < ends.stride; n += LANES)
        store(ends.row(w) + n, all(last[w % STEPS]) * load(writers.row(w) + n));
  }

  // Readers are multiplied by the decays up to their step, writers are divided by them.
  void read_vector_decays(const Place& at) {
    i64 N = problem.width_N(), first = problem.solved_at();
    read(problem.in.decay, at, problem.N, before);
    for (i64 i = 0; i < STEPS; i++) {
      for (i64 n = 0; n < N; n += LANES) {
        V f = i < at.count ? load(before.row(i) + n) : all(1);
        V product = i ? load(total.row(i - 1) + n) : all(1);
        for (int l = 0; l < LANES; l++) if (n + l >= problem.N) f[l] = 1;
        store(before.row(i) + n, product);
        store(total.row(i) + n, product * f);
        store(inverse.row(i) + n, 1 / (product * f));
      }
      for (i64 j = 0; j <= i; j++) between.row(i)[j] = 1;
      multiply_into(readers.row(i), readers.row(i), total.row(i), N);
      if (problem.solved) {
        S* read = readers.row(STEPS + i);
        multiply_into(read, read, before.row(i), N);
        S* write = writers.row(first + i);
        multiply_into(write, write, inverse.row(i), N);
      }
      if (problem.plain()) multiply_into(writers.row(i), writers.row(i), inverse.row(i), N);
    }
    for (i64 w = 0; w < problem.writers(); w++)
      multiply_into(ends.row(w), writers.row(w), total.row(STEPS - 1), N);
  }

  // Multiplies a matrix (readers, writers) by the decays; 0 where the writer is not before the
  // reader, and for readers that read before their step also at the same step.
  void weigh(const Matrix& m) const {
    for (i64 r = 0; r < problem.readers(); r++) {
      i64 i = r % STEPS;
      for (i64 w = 0; w < problem.writers(); w += STEPS) {
        multiply_into(m.row(r) + w, m.row(r) + w, between.row(i), STEPS);
        if (r >= STEPS) m.row(r)[w + i] = 0;
      }
    }
  }

  // Multiplies what readers read from the state by the decays up to their steps.
  void weigh_reads(const Matrix& m) const {
    if (problem.vector) return;
    for (i64 r = 0; r < problem.readers(); r++) scale(m.row(r), *total.row(r % STEPS), m.stride);
  }

  // The factors of the rows of the state over the whole chunk.
  Keep keep() const { return {total.row(STEPS - 1), problem.vector ? 1 : 0}; }

  // c += the product of a part of the overlap with rows of b, by blocks of readers and writers.
  Factor overlap_of(const Matrix& m, i64 reader, i64 writer) const {
    return {m.row(reader) + writer, m.stride, 1};
  }
  Factor overlap_to(const Matrix& m, i64 reader, i64 writer) const {
    return {m.row(reader) + writer, 1, m.stride};
  }
};

// to += sum over k < n of p[k * step] rows k.
INLINE void add_rows(S* to, const S* p, i64 step, i64 n, const Matrix& rows) {
  for (i64 c = 0; c < rows.stride; c += LANES) {
    V sum = load(to + c);
    for (i64 k = 0; k < n; k++) sum += all(p[k * step]) * load(rows.row(k) + c);
    store(to + c, sum);
  }
}
