// The forward pass over all steps of a layer. The generated part defines the cell: SLOTS, STATES,
// ... and forward_step.

// One direction: parameters, states, kept values. Tensors as in `Weights` of parameters.py; null:
// absent.
struct Side {
  const S *w, *bias;
  const S* r[PRODUCTS + 1];
  const S* unit[UNITS + 1];
  const S* initial[STATES];  // (B, H)
  S* final[STATES];          // (B, H)
  S* kept;                   // (rows, blocks, KEPT, LANES)
  S* path[STATES];           // (rows, blocks, LANES): states that the backward pass reads, except y
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
    for (int p = 0; p < PRODUCTS; p++)
      if (side.initial[PRODUCT_STATE[p]] || INITIAL[PRODUCT_STATE[p]] != 0) return true;
    return false;
  }
  i64 padded() const { return blocks(H) * LANES; }
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
      if (side.unit[q]) memcpy(unit.p + q * layer.padded(), side.unit[q], H * sizeof(S));
  }
  void pack(const Layer& layer, const Side& side, i64 block) {
    pack_gates(side.w, INPUTS, layer.H, layer.D, block, w.p + block * stride_w);
    for (int p = 0; p < PRODUCTS; p++)
      pack_gates(side.r[p], PRODUCT_SIZE[p], layer.H, layer.H, block, r[p].p + block * stride_r[p]);
  }
};

// Number of blocks of units in a tile: a block's columns are never split between tiles.
constexpr int input_units() { return INPUTS >= 3 ? 1 : TILE / INPUTS; }
constexpr int step_units() { return SLOTS >= 3 ? 1 : TILE / SLOTS; }

struct Straight {
  constexpr int operator()(int g) const { return g; }
};
template <int P>
struct Recurrent {
  constexpr int operator()(int g) const { return PRODUCT_SLOT[P][g]; }
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
  S* kept;
};

template <int P, int M, int U>
INLINE void recurrent_products(const Weights& w, i64 H, const Row* rows, i64 block,
                               V (&acc)[M][U][SLOTS]) {
  if constexpr (P < PRODUCTS) {
    const S* a[M];
    UNROLL for (int i = 0; i < M; i++) a[i] = rows[i].prev[PRODUCT_STATE[P]];
    multiply<M, U, PRODUCT_SIZE[P]>(a, w.r[P].p + block * w.stride_r[P], w.stride_r[P], H, acc,
                                    Recurrent<P>{});
    recurrent_products<P + 1>(w, H, rows, block, acc);
  }
}

// Computes the slots of M sequences and U blocks of units: to[(i * U + u) * SLOTS + slot].
template <int M, int U>
static void slot_tile(const Weights& w, i64 H, const Row* rows, i64 block, bool recur, V* to) {
  V acc[M][U][SLOTS];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      UNROLL for (int s = 0; s < SLOTS; s++) acc[i][u][s] =
          SLOT_INPUT[s] < 0 ? V{}
                            : load(rows[i].input + ((block + u) * INPUTS + SLOT_INPUT[s]) * LANES);
  if (recur) recurrent_products<0>(w, H, rows, block, acc);
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int u = 0; u < U; u++)
      UNROLL for (int s = 0; s < SLOTS; s++) to[(i * U + u) * SLOTS + s] = acc[i][u][s];
}

// The cell's step for one sequence and one block of units.
INLINE void step_row(const Weights& w, i64 H, const Row& row, i64 block, const V* slots) {
  i64 at = block * LANES, n = H - at, padded = blocks(H) * LANES;
  V unit[UNITS + 1], prev[STATES], next[STATES], kept[KEPT + 1];
  UNROLL for (int q = 0; q < UNITS; q++) unit[q] = load(w.unit.p + q * padded + at);
  UNROLL for (int q = 0; q < STATES; q++) if (FORWARD_READS[q]) prev[q] =
      q == 0 ? load(row.prev[0] + at, n) : load(row.prev[q] + at);
  forward_step(slots, prev, unit, next, kept);
  store(row.next[0] + at, next[0], n);
  UNROLL for (int q = 1; q < STATES; q++) store(row.next[q] + at, next[q]);
  if (KEPT > 0 && row.kept)
    UNROLL for (int q = 0; q < KEPT; q++) store(row.kept + (block * KEPT + q) * LANES, kept[q]);
}

static void step(const Weights& w, i64 H, const Row* rows, i64 n, bool recur) {
  V slots[ROWS * step_units() * SLOTS];
  columns(blocks(H), step_units(), [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      with_size<ROWS>(count, [&](auto m) {
        with_columns<step_units()>(wide, [&](auto u) {
          slot_tile<decltype(m)::value, decltype(u)::value>(w, H, rows + start, block, recur,
                                                            slots);
        });
      });
      for (int i = 0; i < count; i++)
        for (int u = 0; u < wide; u++)
          step_row(w, H, rows[start + i], block + u, slots + (i * wide + u) * SLOTS);
    });
  });
}

// Memory of a task, allocated in advance because nothing may fail inside a parallel region.
struct ForwardSpace {
  static constexpr i64 PIECE = 64;  // rows whose W x + b is computed at a time
  Buffer start, running, inputs;
  std::vector<Row> rows;
  std::vector<const S*> x;

  ForwardSpace(const Layer& layer, i64 size)
      : start(size * STATES * layer.padded(), true),
        running(2 * size * STATES * layer.padded()),
        inputs((PIECE + size) * INPUTS * layer.padded()),
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

  i64 entry(i64 i, i64 s) const {
    return layer
        .index[batch(i) * layer.schedule.T + layer.schedule.time(chunk.rank(i), s, direction)];
  }

  void set_start() {
    i64 H = layer.H, padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++)
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
      for (i64 t = layer.schedule.length[chunk.rank(i)]; t < layer.schedule.T; t++)
        memset(layer.y.at(batch(i), t) + direction * layer.H, 0, layer.H * sizeof(S));
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
