// The forward pass of the recurrence over all chunks of a head.

struct Forward {
  const Problem& problem;
  Array initial, final;  // (B, A, N, columns), batch and head strides; time is the row stride
  S* starts;             // null, or (B, A, chunks, E, N) padded: S^T before each chunk
  S* solutions;          // null, or (B, A, T, columns): v - u of solved writes

  S* start(const Place& at) const {
    i64 item = (at.b * problem.A + at.a) * problem.chunks() + at.start / STEPS;
    return starts + item * problem.width_E() * problem.width_N();
  }
};

struct ForwardSpace {
  Space space;
  Chunk chunk;
  Matrix state, reads;
  explicit ForwardSpace(const Problem& p)
      : space(Chunk::size(p) + (p.width_N() + p.readers()) * p.width_E()),
        chunk(p, space),
        state(space.matrix(p.width_N(), p.width_E())),
        reads(space.matrix(p.readers(), p.width_E())) {}
};

struct ForwardTask {
  const Forward& pass;
  const Problem& problem;
  ForwardSpace& space;

  // Solves for the values of solved writes, step after step.
  void solve(const Place& at) {
    Chunk& chunk = space.chunk;
    i64 first = problem.solved_at(), E = problem.width_E();
    for (i64 i = 0; i < at.count; i++) {
      S* u = space.reads.row(STEPS + i);
      if (problem.plain()) add_rows(u, chunk.overlap.row(STEPS + i), 1, i, chunk.values);
      add_rows(u, chunk.overlap.row(STEPS + i) + first, 1, i, chunk.values.from_row(first));
      const S* v = chunk.plain_values.row(i);
      for (i64 c = 0; c < E; c += LANES)
        store(u + c, problem.replaces ? load(v + c) - load(u + c) : -load(u + c));
      if (problem.replaces)
        chunk.set_value(first + i, i, u);
      else
        memcpy(chunk.values.row(first + i), u, E * sizeof(S));
      if (pass.solutions)
        write_row(pass.solutions +
                      ((at.b * problem.A + at.a) * problem.T + at.start + i) * problem.columns(),
                  u, problem.columns());
    }
    for (i64 i = at.count; i < STEPS; i++) memset(chunk.values.row(first + i), 0, E * sizeof(S));
  }

  void run_chunk(const Place& at) {
    Chunk& chunk = space.chunk;
    chunk.read_inputs(at);
    if (pass.starts)
      transpose(space.state, problem.width_N(), problem.columns(),
                {pass.start(at), problem.width_N()});
    small_product(chunk.readers.factor(), space.state, space.reads, problem.readers(), problem.N);
    chunk.weigh_reads(space.reads);
    if (problem.solved) solve(at);
    for (i64 w = 0; w < problem.writers(); w += STEPS)
      small_product(chunk.overlap_of(chunk.overlap, 0, w), chunk.values.from_row(w), space.reads,
                    STEPS, STEPS, ADD, LOWER);
    small_product(chunk.ends.transposed(), chunk.values, space.state, problem.N, problem.writers(),
                  chunk.keep());
    for (i64 i = 0; i < at.count; i++) {
      S* read = space.reads.row(i);
      if (problem.in.skip.p) add_rows(read, problem.in.skip.at(0, 0, at.a), 0, 1, chunk.plain_values.from_row(i));
      if (problem.ones) {
        S norm = read[problem.E], bound = *problem.in.bound.at(at.start + i, at.b, at.a);
        *problem.in.norm.at(at.start + i, at.b, at.a) = norm;
        scale(read, 1 / std::max(norm < 0 ? -norm : norm, bound), problem.E);
      }
      write_row(problem.in.output.at(at.start + i, at.b, at.a), read, problem.E);
    }
  }

  void run(i64 b, i64 a) {
    for (i64 n = 0; n < problem.N; n++)
      read_row(space.state.row(n), pass.initial.at(n, b, a), problem.columns());
    i64 length = problem.length(b);
    for (i64 t = 0; t < length; t += STEPS) run_chunk({b, a, t, std::min(STEPS, length - t), t + STEPS});
    for (i64 t = length; t < problem.T; t++) {
      memset(problem.in.output.at(t, b, a), 0, problem.E * sizeof(S));
      if (problem.ones) *problem.in.norm.at(t, b, a) = 0;
    }
    for (i64 n = 0; n < problem.N; n++)
      write_row(pass.final.at(n, b, a), space.state.row(n), problem.columns());
  }
};

// Calls f(share, b, a) for all heads of all sequences; shared heads run one after the other.
template <typename F>
static void for_all_heads(const Problem& p, const F& f) {
  i64 shares = p.shares();
  p.threads.run(shares, [&](i64 share) {
    for (i64 task = share; task < p.tasks(); task += shares) {
      if (p.shared)
        for (i64 a = 0; a < p.A; a++) f(share, task, a);
      else
        f(share, task / p.A, task % p.A);
    }
  });
}

static void run_forward(const Forward& pass) {
  const Problem& problem = pass.problem;
  Fixed<ForwardSpace> spaces(problem.shares());
  for (i64 i = 0; i < problem.shares(); i++) spaces.add(problem);
  for_all_heads(problem, [&](i64 share, i64 b, i64 a) {
    ForwardTask{pass, problem, spaces[share]}.run(b, a);
  });
}
