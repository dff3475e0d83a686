// The backward pass of the recurrence over all chunks of a head, from the last to the first.

struct Backward {
  const Forward& forward;
  Array grad_output, grad_final;  // what arrives; null: zeros
  // The gradients: of f that of its logarithm, of its size; of the write key null if it is the read
  // key: then both gradients are added.
  Array query, key, value, decay, strength, read_key, write_key, skip, initial;  // skip: (B, A)
};

struct BackwardSpace {
  Space space;
  Chunk chunk;
  Matrix grad_state, grad_state_T;    // gradient of S after the chunk
  Matrix grad_readers, grad_writers;  // of X and Y
  Matrix grad_reads;                  // of what the readers read
  Matrix grad_values;                 // of Z
  Matrix grad_overlap;                // of G
  Matrix solution, values_T, sum, row;

  static i64 size(const Problem& p) {
    i64 N = p.width_N(), E = p.width_E(), W = p.writers(), R = p.readers();
    return Chunk::size(p) + 2 * N * E + (R + W) * (N + E) + (R + E) * Chunk::padded(W) + STEPS * E +
           2 * N + 2 * std::max(N, E);
  }
  explicit BackwardSpace(const Problem& p)
      : space(size(p)),
        chunk(p, space),
        grad_state(space.matrix(p.width_N(), p.width_E())),
        grad_state_T(space.matrix(p.width_E(), p.width_N())),
        grad_readers(space.matrix(p.readers(), p.width_N())),
        grad_writers(space.matrix(p.writers(), p.width_N())),
        grad_reads(space.matrix(p.readers(), p.width_E())),
        grad_values(space.matrix(p.writers(), p.width_E())),
        grad_overlap(space.matrix(p.readers(), Chunk::padded(p.writers()))),
        solution(space.matrix(STEPS, p.width_E())),
        values_T(space.matrix(p.width_E(), Chunk::padded(p.writers()))),
        sum(space.matrix(2, p.width_N())),
        row(space.matrix(2, std::max(p.width_N(), p.width_E()))) {}
};

struct BackwardTask {
  const Backward& pass;
  const Problem& problem;
  BackwardSpace& space;

  // Reads the solved values and the arriving gradients.
  void read_inputs(const Place& at) {
    Chunk& chunk = space.chunk;
    chunk.read_inputs(at);
    i64 first = problem.solved_at(), columns = problem.columns();
    for (i64 i = 0; problem.solved && i < STEPS; i++) {
      S* y = space.solution.row(i);
      i64 item = ((at.b * problem.A + at.a) * problem.T + at.start + i) * columns;
      if (i < at.count)
        read_row(y, pass.forward.solutions + item, columns);
      else
        memset(y, 0, space.solution.stride * sizeof(S));
      if (problem.replaces)
        chunk.set_value(first + i, i, y);
      else
        memcpy(chunk.values.row(first + i), y, space.solution.stride * sizeof(S));
    }
    Chunk::read(pass.grad_output, at, problem.E, space.grad_reads);
    for (i64 i = 0; problem.ones && i < at.count; i++) divide(at, i);
  }

  // The gradients of what is read from those of the quotients.
  void divide(const Place& at, i64 i) {
    S *grad = space.grad_reads.row(i), *output = space.row.p;
    S norm = *problem.in.norm.at(at.start + i, at.b, at.a),
      bound = *problem.in.bound.at(at.start + i, at.b, at.a), size = norm < 0 ? -norm : norm;
    read_row(output, problem.in.output.at(at.start + i, at.b, at.a), problem.E);
    scale(grad, 1 / std::max(size, bound), problem.E);
    S along = dot(grad, output, problem.E);
    grad[problem.E] = size < bound ? 0 : norm < 0 ? along : -along;
  }

  // The gradients of values, and through solved writes those of what these have read.
  void values(const Place& at) {
    Chunk& chunk = space.chunk;
    const Matrix& G = chunk.overlap;
    i64 first = problem.solved_at();
    small_product(chunk.ends.factor(), space.grad_state, space.grad_values, problem.writers(),
                  problem.N);
    for (i64 w = 0; w < problem.writers(); w += STEPS)
      small_product(chunk.overlap_to(G, 0, w), space.grad_reads, space.grad_values.from_row(w),
                    STEPS, STEPS, ADD, UPPER);
    if (problem.solved) {
      for (i64 i = STEPS - 1; i >= 0; i--) {
        S *dz = space.grad_values.row(first + i), *read = space.grad_reads.row(STEPS + i);
        if (i + 1 < STEPS)
          add_rows(dz, G.row(STEPS + i + 1) + first + i, G.stride, STEPS - 1 - i,
                   space.grad_reads.from_row(STEPS + i + 1));
        S b = problem.replaces ? chunk.strength[i] : 1;
        for (i64 c = 0; c < space.grad_reads.stride; c += LANES)
          store(read + c, all(-b) * load(dz + c));
      }
      if (problem.plain())
        small_product(chunk.overlap_to(G, STEPS, 0), space.grad_reads.from_row(STEPS),
                      space.grad_values, STEPS, STEPS, ADD, UPPER);
    }
    for (i64 i = 0; i < at.count; i++) {
      S* dz = space.grad_values.row(i);
      const S* written = problem.plain() ? chunk.plain_values.row(i) : space.solution.row(i);
      if (pass.strength.p)
        *pass.strength.at(at.start + i, at.b, at.a) = dot(dz, written, space.grad_values.stride);
      scale(dz, chunk.strength[i], space.grad_values.stride);
      if (problem.in.skip.p) {
        const S* grad = space.grad_reads.row(i);
        *pass.skip.at(0, at.b, at.a) += dot(grad, chunk.plain_values.row(i), problem.E);
        add_rows(dz, problem.in.skip.at(0, 0, at.a), 0, 1, space.grad_reads.from_row(i));
      }
      if (problem.silu_value) {
        read_row(space.row.p, problem.in.value.at(at.start + i, at.b, at.a), problem.E);
        activate_backward(dz, space.row.p, space.row.row(1), problem.E, true, false, 1);
      }
      write_row(pass.value.at(at.start + i, at.b, at.a), dz, problem.E);
    }
  }

  // The gradients of readers and writers; returns in `sum` that of the decay over the whole chunk.
  void keys(const Matrix& start_T) {
    Chunk& chunk = space.chunk;
    const Matrix &H = space.grad_overlap, &dX = space.grad_readers, &dY = space.grad_writers;
    i64 R = problem.readers(), W = problem.writers(), columns = problem.columns();
    transpose(chunk.values, W, columns, space.values_T);
    small_product(space.grad_reads.factor(), space.values_T, H, R, columns);
    chunk.weigh(H);
    small_product(space.grad_reads.factor(), start_T, dX, R, columns);
    chunk.weigh_reads(dX);
    transpose(space.grad_state, problem.N, columns, space.grad_state_T);
    small_product(chunk.values.factor(), space.grad_state_T, dY, W, columns);
    decay_to_end(start_T);
    for (i64 r = 0; r < R; r += STEPS)
      for (i64 w = 0; w < W; w += STEPS) {
        small_product(chunk.overlap_of(H, r, w), chunk.writers.from_row(w), dX.from_row(r), STEPS,
                      STEPS, ADD, LOWER);
        small_product(chunk.overlap_to(H, r, w), chunk.readers.from_row(r), dY.from_row(w), STEPS,
                      STEPS, ADD, UPPER);
      }
  }

  // Multiplies the gradients of writers by the decays to the end of the chunk, and sums up the
  // gradient of the decay that all of the last state has in common.
  void decay_to_end(const Matrix& start_T) {
    const Chunk& chunk = space.chunk;
    const Matrix& dY = space.grad_writers;
    S *sum = space.sum.row(0), *end = chunk.total.row(STEPS - 1);
    for (i64 n = 0; n < dY.stride; n += LANES) {
      V total = {};
      for (i64 c = 0; c < problem.columns(); c++)
        total += load(space.grad_state_T.row(c) + n) * load(start_T.row(c) + n);
      total *= problem.vector ? load(end + n) : all(*end);
      for (i64 w = 0; w < problem.writers(); w++) {
        S* at = dY.row(w) + n;
        V decay = problem.vector ? load(end + n) : all(chunk.between.row(STEPS - 1)[w % STEPS]);
        V g = decay * load(at);
        store(at, g);
        total += load(chunk.writers.row(w) + n) * g;
      }
      store(sum + n, total);
    }
  }

  // sum += sign times a row of a matrix times its gradient.
  static void add_product(S* sum, const Matrix& m, const Matrix& grad, i64 row, S sign) {
    for (i64 n = 0; n < m.stride; n += LANES)
      store(sum + n, load(sum + n) + all(sign) * load(m.row(row) + n) * load(grad.row(row) + n));
  }

  // What multiplies a reader increases with the decays before it, what multiplies a writer decreases.
  void decays(const Place& at) {
    if (!pass.decay.p) return;
    const Chunk &chunk = space.chunk;
    const Matrix &X = chunk.readers, &Y = chunk.writers;
    S* sum = space.sum.row(0);
    S total = problem.vector ? 0 : sum_lanes(sum, X.stride);
    for (i64 i = at.count - 1; i >= 0; i--) {
      S* to = pass.decay.at(at.start + i, at.b, at.a);
      if (problem.vector) {
        add_product(sum, X, space.grad_readers, i, 1);
        for (i64 w = i; w < problem.writers(); w += STEPS)
          add_product(sum, Y, space.grad_writers, w, -1);
        write_row(to, sum, problem.N);
        // What is read before the write has not decayed at this step.
        if (problem.solved) add_product(sum, X, space.grad_readers, STEPS + i, 1);
      } else {
        for (i64 r = i; r < problem.readers(); r += STEPS)
          total += dot(X.row(r), space.grad_readers.row(r), X.stride);
        for (i64 w = i; w < problem.writers(); w += STEPS)
          total -= dot(Y.row(w), space.grad_writers.row(w), Y.stride);
        *to = total;
      }
    }
  }

  // Gradients of the arguments from those of readers and writers.
  void write(const Place& at) {
    const Chunk& chunk = space.chunk;
    i64 N = problem.width_N(), first = problem.solved_at();
    for (i64 i = 0; i < at.count; i++) {
      S *q = space.grad_readers.row(i), *c = space.grad_readers.row(STEPS + i),
        *k = space.grad_writers.row(i), *a = space.grad_writers.row(first + i);
      if (problem.vector) {
        multiply_into(q, q, chunk.total.row(i), N);
        if (problem.plain()) multiply_into(k, k, chunk.inverse.row(i), N);
        if (problem.solved) {
          multiply_into(c, c, chunk.before.row(i), N);
          multiply_into(a, a, chunk.inverse.row(i), N);
        }
      }
      const Arrays& in = problem.in;
      put(pass.query, in.query, at, i, q, problem.silu_query, problem.query_scale());
      if (problem.plain()) put(pass.key, in.key, at, i, k, problem.silu_key, 1);
      if (!problem.solved) continue;
      if (problem.replaces)
        for (i64 n = 0; n < N; n += LANES) store(c + n, load(c + n) + load(a + n));
      else
        put(pass.write_key, in.write_key, at, i, a, false, 1);
      put(pass.read_key, in.read_key, at, i, c, problem.replaces && problem.silu_key, 1);
    }
  }
  // Writes the gradient of an argument. What heads share has the sum of their gradients.
  void put(const Array& to, const Array& from, const Place& at, i64 i, S* grad, bool silu,
           S factor) {
    S* p = to.at(at.start + i, at.b, at.a);
    if (problem.shared && at.a > 0)
      for (i64 n = 0; n < problem.N; n += LANES)
        store(grad + n, load(grad + n) + load(p + n, problem.N - n));
    if ((silu || problem.unit) && (!problem.shared || at.a == problem.A - 1)) {
      read_row(space.row.p, from.at(at.start + i, at.b, at.a), problem.N);
      activate_backward(grad, space.row.p, space.row.row(1), problem.N, silu, problem.unit, factor);
    }
    write_row(p, grad, problem.N);
  }

  void run_chunk(const Place& at) {
    Chunk& chunk = space.chunk;
    Matrix start_T{pass.forward.start(at), problem.width_N()};
    prefetch(start_T.p, problem.columns() * start_T.stride);
    read_inputs(at);
    values(at);
    keys(start_T);
    decays(at);
    write(at);
    // The gradient of the state before the chunk.
    if (!problem.vector)
      for (i64 r = 0; r < problem.readers(); r++)
        scale(chunk.readers.row(r), *chunk.total.row(r % STEPS), chunk.readers.stride);
    small_product(chunk.readers.transposed(), space.grad_reads, space.grad_state, problem.N,
                  problem.readers(), chunk.keep());
  }

  static void clear(const Array& to, i64 t, i64 b, i64 a, i64 n) {
    if (to.p) memset(to.at(t, b, a), 0, n * sizeof(S));
  }

  void run(i64 b, i64 a) {
    for (i64 n = 0; n < problem.N; n++)
      if (pass.grad_final.p)
        read_row(space.grad_state.row(n), pass.grad_final.at(n, b, a), problem.columns());
      else
        memset(space.grad_state.row(n), 0, space.grad_state.stride * sizeof(S));
    if (problem.in.skip.p) *pass.skip.at(0, b, a) = 0;
    i64 length = problem.length(b);
    for (i64 t = length; t < problem.T; t++) {
      clear(pass.query, t, b, a, problem.N);
      clear(pass.key, t, b, a, problem.N);
      clear(pass.value, t, b, a, problem.E);
      clear(pass.decay, t, b, a, problem.vector ? problem.N : 1);
      clear(pass.strength, t, b, a, 1);
      clear(pass.read_key, t, b, a, problem.N);
      clear(pass.write_key, t, b, a, problem.N);
    }
    for (i64 t = (length - 1) / STEPS * STEPS; length > 0 && t >= 0; t -= STEPS)
      run_chunk({b, a, t, std::min(STEPS, length - t), t - STEPS});
    for (i64 n = 0; n < problem.N; n++)
      write_row(pass.initial.at(n, b, a), space.grad_state.row(n), problem.columns());
  }
};

static void run_backward(const Backward& pass) {
  const Problem& problem = pass.forward.problem;
  Fixed<BackwardSpace> spaces(problem.shares());
  for (i64 i = 0; i < problem.shares(); i++) spaces.add(problem);
  for_all_heads(problem, [&](i64 share, i64 b, i64 a) {
    BackwardTask{pass, problem, spaces[share]}.run(b, a);
  });
}
