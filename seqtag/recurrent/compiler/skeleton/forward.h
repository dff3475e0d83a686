// The forward pass over all steps of a layer. The generated part defines the cell: SLOTS, STATES,
// ... and forward_stage for each stage of a step.

// One direction: parameters, states, kept values. Tensors as in `Weights` of parameters.py; null:
// absent.
struct Side {
  const S *w, *bias;
  const S* r[PRODUCTS + 1];
  const S* unit[UNITS + 1];  // (H), or masks: (B, H) or (B, T, H), see UNIT_PER
  const S* initial[STATES];  // (B, H)
  S* final[STATES];          // (B, H)
  S* kept;                   // (rows, blocks, KEPT, LANES)
  S* scalars;                // (rows, SCALARS)
  S* path[STATES];           // (rows, blocks, LANES): states that the backward pass reads, except y
  S* operand[OPERANDS + 1];  // (rows, blocks, LANES)
  S* shown[SHOWN + 1];       // (B, T, H); in the backward pass the arriving gradients
};

struct Layer {
  i64 D, H, directions;
  Threads threads;
  Schedule schedule;
  Sequence x, y;
  // If not null: x is a table with `entries` rows, and index (B, T) holds the row of each step.
  const i64* index;
  i64 entries;
  Side sides[2];

  // Whether step 0 needs recurrent products: not if all initial states are zeros.
  bool recurs_at_start(const Side& side) const {
    for (int p = 0; p < PRODUCTS; p++) {
      int q = PRODUCT_SOURCE[p];
      if (q < STATES && (side.initial[q] || INITIAL[q] != 0)) return true;
    }
    return false;
  }
  i64 padded() const { return blocks(H) * LANES; }
  // The values of vector q for one step of a sequence, if it is a mask.
  const S* mask(const Side& side, int q, i64 b, i64 t) const {
    return side.unit[q] + (UNIT_PER[q] == 2 ? b * schedule.T + t : b) * H;
  }
  // Whether a call is too small for a second thread.
  bool small() const { return schedule.rows() * H * (D + H) * INPUTS * directions < 500000; }
  // Number of tasks per direction.
  i64 chunks() const {
    i64 threads_a_side = small() ? 1 : (threads.count + directions - 1) / directions;
    return std::max<i64>(1, std::min(schedule.B, threads_a_side));
  }
  Threads team() const { return {small() ? 1 : threads.count, threads.team}; }
};

// Parameters of one direction packed for the forward pass.
struct Weights {
  Buffer w, bias, unit, table;  // table: W x + b of all entries, if x is a table
  Fixed<Buffer> r;
  i64 stride_w, stride_r[PRODUCTS + 1];

  Weights(const Layer& layer, const Side& side)
      : w(layer.D * INPUTS * layer.padded()),
        bias(INPUTS * layer.padded(), true),
        unit(UNITS * layer.padded(), true),
        table(layer.index ? layer.entries * INPUTS * layer.padded() : 0),
        r(PRODUCTS),
        stride_w(layer.D * INPUTS * LANES) {
    i64 H = layer.H;
    for (int p = 0; p < PRODUCTS; p++) {
      r.add(H * PRODUCT_SIZE[p] * layer.padded());
      stride_r[p] = H * PRODUCT_SIZE[p] * LANES;
    }
    for (i64 u = 0; u < H; u++)
      for (int g = 0; g < INPUTS && side.bias; g++)
        bias.p[(u / LANES * INPUTS + g) * LANES + u % LANES] = side.bias[g * H + u];
    for (int q = 0; q < UNITS; q++)
      if (side.unit[q] && UNIT_PER[q] == 0)
        memcpy(unit.p + q * layer.padded(), side.unit[q], H * sizeof(S));
  }
  void pack(const Layer& layer, const Side& side, i64 block) {
    pack_gates(side.w, INPUTS, layer.H, layer.D, block, w.p + block * stride_w);
    for (int p = 0; p < PRODUCTS; p++)
      pack_gates(side.r[p], PRODUCT_SIZE[p], layer.H, layer.H, block, r[p].p + block * stride_r[p]);
  }
};

// Number of blocks of units in a tile: a block's columns are never split between tiles.
constexpr int input_units() { return INPUTS >= 3 ? 1 : TILE / INPUTS; }
constexpr int step_units(int sums) { return sums >= 3 ? 1 : TILE / sums; }

struct Straight {
  constexpr int operator()(int g) const { return g; }
};
template <int P>
struct Recurrent {
  constexpr int operator()(int g) const { return PRODUCT_SUM[P][g]; }
};

// to[row] [block][INPUTS][lane] = W x + b.
template <int M, int U>
static void input_tile(const Weights& w, i64 D, const S* const* x, i64 block, S* to, i64 width) {
  V acc[M][U][INPUTS];
  const S* rows[M];
  UNROLL for (int i = 0; i < M; i++) {
    rows[i] = x[i];
    UNROLL for (int u = 0; u < U; u++) UNROLL for (int g = 0; g < INPUTS; g++) acc[i][u][g] =
        load(w.bias.p + ((block + u) * INPUTS + g) * LANES);
  }
  multiply<M, U, INPUTS>(rows, w.w.p + block * w.stride_w, w.stride_w, D, acc, Straight{});
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      UNROLL for (int g = 0; g < INPUTS; g++)
          store(to + i * width + ((block + u) * INPUTS + g) * LANES, acc[i][u][g]);
}

static void input_product(const Weights& w, const Layer& layer, const S* const* x, i64 rows,
                          S* to) {
  i64 width = layer.padded() * INPUTS;
  columns(blocks(layer.H), input_units(), [&](i64 block, int wide) {
    parts(rows, ROWS, [&](i64 start, int n) {
      with_size<ROWS>(n, [&](auto m) {
        with_columns<input_units()>(wide, [&](auto u) {
          input_tile<decltype(m)::value, decltype(u)::value>(w, layer.D, x + start, block,
                                                             to + start * width, width);
        });
      });
    });
  });
}

// Computes W x + b for share i of a table's entries.
static void fill_table(Weights& w, const Layer& layer, i64 i, i64 shares) {
  constexpr i64 PIECE = 96;
  const S* x[PIECE];
  for (i64 row = share(layer.entries, i, shares), last = share(layer.entries, i + 1, shares);
       row < last; row += PIECE) {
    i64 n = std::min(PIECE, last - row);
    for (i64 k = 0; k < n; k++) x[k] = layer.x.at(0, row + k);
    input_product(w, layer, x, n, w.table.p + row * INPUTS * layer.padded());
  }
}

// One sequence at one step.
struct Row {
  const S* input;         // W x + b
  const S* prev[STATES];  // (H) for the output, (padded) for other states
  S* next[STATES];
  S *kept, *scalars, *partial, *temporaries;
  S* operand[OPERANDS + 1];
  S* shown[SHOWN + 1];
  const S* mask[UNITS + 1];

  // What product p multiplies.
  MEMBER const S* source(int p) const {
    int q = PRODUCT_SOURCE[p];
    return q < STATES ? prev[q] : operand[q - STATES];
  }
  MEMBER ScalarsAt<TEMPORARIES> between_stages(i64 H) const {
    return {partial, nullptr, scalars, temporaries, H};
  }
};

// What a stage of the cell's step reads and writes: one sequence and one register of units.
struct ForwardAt {
  const Weights& w;
  const Row& row;
  i64 H, block;
  const V* sums;  // W x + b and products

  MEMBER i64 at() const { return block * LANES; }
  MEMBER i64 n() const { return H - at(); }
  MEMBER V sum(int i) const { return sums[i]; }
  MEMBER V input(int g) const { return load(row.input + (block * INPUTS + g) * LANES); }
  MEMBER V unit(int q) const {
    return UNIT_PER[q] ? load(row.mask[q] + at(), n())
                       : load(w.unit.p + q * blocks(H) * LANES + at());
  }
  MEMBER V prev(int q) const {
    return q == 0 ? load(row.prev[0] + at(), n()) : load(row.prev[q] + at());
  }
  MEMBER V next(int q) const {
    return q == 0 ? load(row.next[0] + at(), n()) : load(row.next[q] + at());
  }
  MEMBER V operand(int i) const { return load(row.operand[i] + at()); }
  MEMBER V scalar(int i) const { return all(row.scalars[i]); }
  MEMBER V temporary(int i) const { return load(row.temporaries + (block * TEMPORARIES + i) * LANES); }

  MEMBER void set_next(int q, V v) const {
    q == 0 ? store(row.next[0] + at(), v, n()) : store(row.next[q] + at(), v);
  }
  MEMBER void set_kept(int i, V v) const {
    if (row.kept) store(row.kept + (block * KEPT + i) * LANES, v);
  }
  MEMBER void set_operand(int i, V v) const { store(row.operand[i] + at(), v); }
  MEMBER void set_shown(int i, V v) const { store(row.shown[i] + at(), v, n()); }
  MEMBER void set_temporary(int i, V v) const {
    store(row.temporaries + (block * TEMPORARIES + i) * LANES, v);
  }
  MEMBER void add(int i, V v) const { add_lanes(row.partial + i * LANES, block, v, n()); }
  MEMBER void add_largest(int i, V v) const {
    add_largest_lanes(row.partial + i * LANES, block, v, n());
  }
};

template <int K, int P, int M, int U, int N>
INLINE void stage_products(const Weights& w, i64 H, const Row* rows, i64 block, V (&acc)[M][U][N]) {
  if constexpr (P < PRODUCTS) {
    if constexpr (PRODUCT_STAGE[P] == K) {
      const S* a[M];
      UNROLL for (int i = 0; i < M; i++) a[i] = rows[i].source(P);
      multiply<M, U, PRODUCT_SIZE[P]>(a, w.r[P].p + block * w.stride_r[P], w.stride_r[P], H, acc,
                                      Recurrent<P>{});
    }
    stage_products<K, P + 1>(w, H, rows, block, acc);
  }
}

// Computes the sums of stage K for M sequences and U blocks of units: to[(i * U + u) * sums + sum].
template <int K, int M, int U>
static void sum_tile(const Weights& w, i64 H, const Row* rows, i64 block, bool recur, V* to) {
  constexpr int N = SUMS[K];
  V acc[M][U][N];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      UNROLL for (int s = 0; s < N; s++) acc[i][u][s] =
          SUM_INPUT[K][s] < 0
              ? V{}
              : load(rows[i].input + ((block + u) * INPUTS + SUM_INPUT[K][s]) * LANES);
  if (recur) stage_products<K, 0>(w, H, rows, block, acc);
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      UNROLL for (int s = 0; s < N; s++) to[(i * U + u) * N + s] = acc[i][u][s];
}

template <int K>
static void product_stage(const Weights& w, i64 H, const Row* rows, i64 n, bool recur) {
  constexpr int N = SUMS[K], units = step_units(N);
  V sums[ROWS * units * N];
  columns(blocks(H), units, [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      with_size<ROWS>(count, [&](auto m) {
        with_columns<units>(wide, [&](auto u) {
          sum_tile<K, decltype(m)::value, decltype(u)::value>(w, H, rows + start, block,
                                                              K > 0 || recur, sums);
        });
      });
      for (int i = 0; i < count; i++)
        for (int u = 0; u < wide; u++)
          forward_stage(Size<K>{}, ForwardAt{w, rows[start + i], H, block + u,
                                             sums + (i * wide + u) * N});
    });
  });
}

// Runs stage K and the following ones up to the next product, for one sequence.
template <int K>
INLINE void row_stages(const Weights& w, i64 H, const Row& row) {
  if constexpr (K < STAGES) {
    forward_scalars(Size<K>{}, row.between_stages(H));
    if constexpr (SUMS[K] == 0) {
      for (i64 block = 0; block < blocks(H); block++)
        forward_stage(Size<K>{}, ForwardAt{w, row, H, block, nullptr});
      row_stages<K + 1>(w, H, row);
    }
  }
}

// The first stage with products from stage k on.
constexpr int next_product(int k) {
  while (k < STAGES && SUMS[k] == 0) k++;
  return k;
}

template <int K>
static void product_stages(const Weights& w, i64 H, const Row* rows, i64 n, bool recur) {
  if constexpr (K < STAGES) {
    product_stage<K>(w, H, rows, n, recur);
    for (i64 i = 0; i < n; i++) row_stages<K + 1>(w, H, rows[i]);
    product_stages<next_product(K + 1)>(w, H, rows, n, recur);
  }
}

static void step(const Weights& w, i64 H, const Row* rows, i64 n, bool recur) {
  for (i64 i = 0; i < n; i++) row_stages<0>(w, H, rows[i]);
  product_stages<next_product(0)>(w, H, rows, n, recur);
}

// Memory of a task, allocated in advance because nothing may fail inside a parallel region.
struct ForwardSpace {
  static constexpr i64 PIECE = 64;  // rows whose W x + b is computed at a time
  Buffer start, running, inputs, operands, scalars, partial, temporaries;
  std::vector<Row> rows;
  std::vector<const S*> x;

  ForwardSpace(const Layer& layer, i64 size)
      : start(size * STATES * layer.padded(), true),
        running(2 * size * STATES * layer.padded()),
        inputs((PIECE + size) * INPUTS * layer.padded()),
        operands(size * OPERANDS * layer.padded()),
        scalars(size * SCALARS),
        partial(size * REDUCTIONS * LANES),
        temporaries(size * TEMPORARIES * layer.padded()),
        rows(size),
        x(PIECE + size) {}
};

struct ForwardTask {
  const Layer& layer;
  const Weights& weights;
  Chunk chunk;
  i64 direction;
  ForwardSpace& space;

  const Side& side() const { return layer.sides[direction]; }
  i64 batch(i64 i) const { return layer.schedule.order[chunk.rank(i)]; }
  S* y(i64 i, i64 s) const {
    return layer.y.at(batch(i), layer.schedule.time(chunk.rank(i), s, direction)) +
           direction * layer.H;
  }

  S* shown(int q, i64 i, i64 s) const {
    i64 t = layer.schedule.time(chunk.rank(i), s, direction);
    return side().shown[q] + (batch(i) * layer.schedule.T + t) * layer.H;
  }

  i64 entry(i64 i, i64 s) const {
    return layer
        .index[batch(i) * layer.schedule.T + layer.schedule.time(chunk.rank(i), s, direction)];
  }

  void set_start() {
    i64 H = layer.H, padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++) {
      space.rows[i].partial = space.partial.p + i * REDUCTIONS * LANES;
      space.rows[i].temporaries = space.temporaries.p + i * TEMPORARIES * padded;
      for (int q = 0; q < STATES; q++) {
        S* to = space.start.p + (i * STATES + q) * padded;
        const S* from = side().initial[q];
        if (from)
          memcpy(to, from + batch(i) * H, H * sizeof(S));
        else
          std::fill(to, to + padded, INITIAL[q]);
        space.rows[i].next[q] = to;
      }
    }
  }

  // Sets where step s writes; it reads where the previous step has written.
  void advance(i64 s, i64 n) {
    i64 padded = layer.padded();
    for (i64 i = 0; i < n; i++) {
      Row& row = space.rows[i];
      for (int q = 0; q < STATES; q++) row.prev[q] = row.next[q];
      row.next[0] = y(i, s);
      for (int q = 1; q < STATES; q++)
        row.next[q] = side().path[q]
                          ? side().path[q] + chunk.row(i, s) * padded
                          : space.running.p + (((s & 1) * chunk.size() + i) * STATES + q) * padded;
      row.kept = side().kept ? side().kept + chunk.row(i, s) * KEPT * padded : nullptr;
      row.scalars = side().scalars ? side().scalars + chunk.row(i, s) * SCALARS
                                   : space.scalars.p + i * SCALARS;
      for (int p = 0; p < OPERANDS; p++)
        row.operand[p] = side().operand[p] ? side().operand[p] + chunk.row(i, s) * padded
                                           : space.operands.p + (i * OPERANDS + p) * padded;
      for (int q = 0; q < SHOWN; q++) row.shown[q] = shown(q, i, s);
      for (int q = 0; q < UNITS; q++)
        if (UNIT_PER[q])
          row.mask[q] = layer.mask(side(), q, batch(i),
                                   layer.schedule.time(chunk.rank(i), s, direction));
    }
  }

  // Computes W x + b of step s and of as many later steps as fit into a piece; returns how many.
  i64 make_inputs(i64 s) {
    i64 count = 0, steps = 0;
    while (s + steps < chunk.steps() &&
           (steps == 0 || count + chunk.running(s + steps) <= ForwardSpace::PIECE)) {
      for (i64 i = 0; i < chunk.running(s + steps); i++)
        space.x[count++] =
            layer.x.at(batch(i), layer.schedule.time(chunk.rank(i), s + steps, direction));
      steps++;
    }
    input_product(weights, layer, space.x.data(), count, space.inputs.p);
    return steps;
  }

  void finish() {
    for (i64 i = 0; i < chunk.size(); i++) {
      for (int q = 0; q < STATES; q++)
        memcpy(side().final[q] + batch(i) * layer.H, space.rows[i].next[q], layer.H * sizeof(S));
      i64 end = layer.schedule.length[chunk.rank(i)], T = layer.schedule.T;
      for (i64 t = end; t < T; t++)
        memset(layer.y.at(batch(i), t) + direction * layer.H, 0, layer.H * sizeof(S));
      for (int q = 0; q < SHOWN; q++)
        memset(side().shown[q] + (batch(i) * T + end) * layer.H, 0,
               (T - end) * layer.H * sizeof(S));
    }
  }

  void run() {
    set_start();
    i64 width = INPUTS * layer.padded();
    const S* input = nullptr;
    for (i64 s = 0, prepared = 0; s < chunk.steps(); s++) {
      i64 n = chunk.running(s);
      if (s == prepared && !layer.index) prepared += make_inputs(s), input = space.inputs.p;
      advance(s, n);
      for (i64 i = 0; i < n; i++)
        space.rows[i].input =
            layer.index ? weights.table.p + entry(i, s) * width : input + i * width;
      if (!layer.index) input += n * width;
      step(weights, layer.H, space.rows.data(), n, s > 0 || layer.recurs_at_start(side()));
    }
    finish();
  }
};

static void run_forward(const Layer& layer) {
  Fixed<Weights> weights(layer.directions);
  for (i64 d = 0; d < layer.directions; d++) weights.add(layer, layer.sides[d]);
  i64 chunks = layer.chunks(), count = blocks(layer.H);
  Threads team = layer.team();
  team.run(count * layer.directions,
           [&](i64 i) { weights[i / count].pack(layer, layer.sides[i / count], i % count); });
  if (layer.index) {
    i64 shares = team.count;
    team.run(layer.directions * shares,
             [&](i64 i) { fill_table(weights[i / shares], layer, i % shares, shares); });
  }
  Fixed<ForwardSpace> spaces(chunks * layer.directions);
  for (i64 i = 0; i < chunks * layer.directions; i++)
    spaces.add(layer, (layer.schedule.B + chunks - 1) / chunks);
  team.run(chunks * layer.directions, [&](i64 i) {
    i64 d = i / chunks;
    ForwardTask{layer, weights[d], Chunk{layer.schedule, i % chunks, chunks}, d, spaces[i]}.run();
  });
}
