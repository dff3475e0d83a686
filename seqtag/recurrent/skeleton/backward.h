// All steps of a layer, backwards, from backward_step of the generated part: first the gradients at
// the slots, step by step; then those of inputs and weights, as products over all rows at once.

// The gradients of one direction. Null: not asked for, or for those that arrive, none.
struct SideGradients {
  const S* final[STATES];  // (B, H), arriving
  S* initial[STATES];      // (B, H)
  S *w, *bias;
  S* r[PRODUCTS + 1];
  S* unit[UNITS + 1];
};

struct LayerGradients {
  Sequence y, x;  // arriving, and asked for where x.p is not null
  SideGradients sides[2];
};

// Parameters of one direction laid out for the backward pass, and the slots' gradients.
struct Transposed {
  std::vector<Buffer> r;
  Buffer w, unit, slots;
  std::vector<Segment> segments_r[PRODUCTS + 1], segments_w;
  i64 stride_r[PRODUCTS + 1], stride_w;

  Transposed(const Layer& layer, const Side& side, bool inputs)
      : w(inputs ? INPUTS * layer.H * blocks(layer.D) * LANES : 0),
        unit(UNITS * layer.padded(), true),
        slots(layer.schedule.rows() * SLOTS * layer.padded()),
        stride_w(INPUTS * layer.H * LANES) {
    i64 H = layer.H;
    for (int p = 0; p < PRODUCTS; p++) {
      stride_r[p] = PRODUCT_SIZE[p] * H * LANES;
      r.emplace_back(stride_r[p] * blocks(H));
      segments_r[p] = segments_of(H, SLOTS, PRODUCT_SIZE[p], [p](i64 g) { return PRODUCT_SLOT[p][g]; });
    }
    segments_w = segments_of(H, SLOTS, INPUTS, [](i64 g) { return INPUT_SLOT[g]; });
    for (int q = 0; q < UNITS; q++)
      if (side.unit[q]) memcpy(unit.p + q * layer.padded(), side.unit[q], H * sizeof(S));
  }
  void pack_r(const Layer& layer, const Side& side, i64 block) {
    for (int p = 0; p < PRODUCTS; p++)
      pack_columns(side.r[p], PRODUCT_SIZE[p], layer.H, layer.H, block, r[p].p + block * stride_r[p]);
  }
  void pack_w(const Layer& layer, const Side& side, i64 block) {
    pack_columns(side.w, INPUTS, layer.H, layer.D, block, w.p + block * stride_w);
  }
};

// One sequence at one step.
struct BackRow {
  const S *prev[STATES], *next[STATES], *kept, *dy;
  const S* arriving[STATES];  // from the step after: null where nothing comes
  S* carry;                   // to the step before, (STATES, padded)
  S* slots;
};

// What comes to a state through one recurrent product of the step after.
static void through_product(const Transposed& t, int p, const S* const* after, int rows, i64 block, int wide, V* to) {
  Source source{after, t.segments_r[p].data(), (i64)t.segments_r[p].size(), t.r[p].p, t.stride_r[p]};
  Scratch made;
  product_tile(&source, 1, 0, rows, block, wide, made);
  for (int k = 0; k < rows * wide; k++) to[k] += made[k];
}

// The derivative of the cell's step for one sequence and one block of units. `through`: what comes
// by products, `distance` apart for each state. Sums over rows for one task: slots (SLOTS, padded),
// then parameters with one value a unit.
INLINE void back_row(const Transposed& t, i64 H, const BackRow& row, i64 block, const V* through, int distance, V* sum) {
  i64 at = block * LANES, n = H - at, padded = blocks(H) * LANES;
  V unit[UNITS + 1], prev[STATES], next[STATES], kept[KEPT + 1], arriving[STATES], slots[SLOTS], before[STATES], units[UNITS + 1];
  UNROLL for (int q = 0; q < UNITS; q++) unit[q] = load(t.unit.p + q * padded + at);
  UNROLL for (int q = 0; q < STATES; q++) {
    if (BACK_READS_PREV[q]) prev[q] = q == 0 ? load(row.prev[0] + at, n) : load(row.prev[q] + at);
    if (BACK_READS_NEXT[q]) next[q] = q == 0 ? load(row.next[0] + at, n) : load(row.next[q] + at);
    arriving[q] = through[q * distance];
    if (row.arriving[q]) arriving[q] += load(row.arriving[q] + at);
  }
  arriving[0] += load(row.dy + at, n);
  UNROLL for (int q = 0; q < KEPT; q++) kept[q] = load(row.kept + (block * KEPT + q) * LANES);
  backward_step(prev, next, unit, kept, arriving, slots, before, units);
  UNROLL for (int q = 0; q < SLOTS; q++) {
    store(row.slots + (block * SLOTS + q) * LANES, slots[q]);
    sum[q] += slots[q];
  }
  UNROLL for (int q = 0; q < UNITS; q++) sum[SLOTS + q] += units[q];
  UNROLL for (int q = 0; q < STATES; q++)
    if (CARRIES[q]) store(row.carry + q * padded + at, before[q]);
}

// What comes by products to each state, for a tile.
INLINE void through_products(const Transposed& t, const S* const* after, int rows, i64 block, int wide, Scratch* to) {
  for (int q = 0; q < STATES; q++)
    for (int k = 0; k < rows * wide; k++) to[q][k] = V{};
  if (after)
    for (int p = 0; p < PRODUCTS; p++) through_product(t, p, after, rows, block, wide, to[PRODUCT_STATE[p]]);
}

static void back_step(const Transposed& t, i64 H, const BackRow* rows, i64 n, const S* const* after, S* sums) {
  Scratch through[STATES];
  i64 padded = blocks(H) * LANES;
  columns(blocks(H), TILE, [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      through_products(t, after ? after + start : nullptr, count, block, wide, through);
      for (int u = 0; u < wide; u++) {
        V sum[SLOTS + UNITS] = {};
        for (int i = 0; i < count; i++)
          back_row(t, H, rows[start + i], block + u, &through[0][i * wide + u], ROWS * TILE, sum);
        UNROLL for (int q = 0; q < SLOTS + UNITS; q++) {
          S* to = sums + q * padded + (block + u) * LANES;
          store(to, load(to) + sum[q]);
        }
      }
    });
  });
}

// Before the first step: what arrives at the initial states, to[i] (STATES, padded).
static void back_start(const Transposed& t, i64 H, const BackRow* rows, i64 n, const S* const* after, S* const* to) {
  Scratch through[STATES];
  i64 padded = blocks(H) * LANES;
  columns(blocks(H), TILE, [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      through_products(t, after + start, count, block, wide, through);
      for (int q = 0; q < STATES; q++)
        for (int i = 0; i < count; i++)
          for (int u = 0; u < wide; u++) {
            const S* direct = rows[start + i].arriving[q];
            V d = through[q][i * wide + u];
            store(to[start + i] + q * padded + (block + u) * LANES, direct ? d + load(direct + (block + u) * LANES) : d);
          }
    });
  });
}

struct BackwardSpace {
  Buffer start, final, carry, sums, none;
  std::vector<BackRow> rows;
  std::vector<const S*> after;
  std::vector<S*> to;

  BackwardSpace(const Layer& layer, i64 size)
      : start(size * STATES * layer.padded(), true),
        final(size * STATES * layer.padded(), true),
        carry(size * STATES * layer.padded()),
        sums((SLOTS + UNITS) * layer.padded(), true),
        none(SLOTS * layer.padded(), true),
        rows(size),
        after(size),
        to(size) {}
};

struct BackwardTask {
  const Layer& layer;
  const LayerGradients& gradients;
  const Transposed& weights;
  Chunk chunk;
  i64 direction;
  BackwardSpace& space;

  const Side& side() const { return layer.sides[direction]; }
  const SideGradients& grad() const { return gradients.sides[direction]; }
  i64 batch(i64 i) const { return layer.schedule.order[chunk.rank(i)]; }
  i64 time(i64 i, i64 s) const { return layer.schedule.time(chunk.rank(i), s, direction); }
  S* slots(i64 i, i64 s) const { return weights.slots.p + chunk.row(i, s) * SLOTS * layer.padded(); }

  void set_ends() {
    i64 H = layer.H, padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++)
      for (int q = 0; q < STATES; q++) {
        S* start = space.start.p + (i * STATES + q) * padded;
        if (side().initial[q]) memcpy(start, side().initial[q] + batch(i) * H, H * sizeof(S));
        else std::fill(start, start + padded, INITIAL[q]);
        S* final = space.final.p + (i * STATES + q) * padded;
        if (grad().final[q]) memcpy(final, grad().final[q] + batch(i) * H, H * sizeof(S));
        space.rows[i].arriving[q] = grad().final[q] ? final : nullptr;
        space.rows[i].carry = space.carry.p + i * STATES * padded;
      }
  }

  const S* state(i64 i, i64 s, int q) const {
    if (s < 0) return space.start.p + (i * STATES + q) * layer.padded();
    if (q == 0) return layer.y.at(batch(i), time(i, s)) + direction * layer.H;
    return side().path[q] ? side().path[q] + chunk.row(i, s) * layer.padded() : nullptr;
  }

  void run() {
    set_ends();
    i64 padded = layer.padded();
    for (i64 s = chunk.steps() - 1; s >= 0; s--) {
      i64 n = chunk.running(s), later = chunk.running(s + 1);
      for (i64 i = 0; i < n; i++) {
        BackRow& row = space.rows[i];
        for (int q = 0; q < STATES; q++) {
          if (BACK_READS_PREV[q]) row.prev[q] = state(i, s - 1, q);
          if (BACK_READS_NEXT[q]) row.next[q] = state(i, s, q);
        }
        row.kept = side().kept + chunk.row(i, s) * KEPT * padded;
        row.dy = gradients.y.at(batch(i), time(i, s)) + direction * layer.H;
        row.slots = slots(i, s);
        space.after[i] = i < later ? slots(i, s + 1) : space.none.p;
      }
      back_step(weights, layer.H, space.rows.data(), n, later > 0 ? space.after.data() : nullptr, space.sums.p);
      for (i64 i = 0; i < n; i++)
        for (int q = 0; q < STATES; q++) space.rows[i].arriving[q] = CARRIES[q] ? space.rows[i].carry + q * padded : nullptr;
    }
    bool wanted = false;
    for (int q = 0; q < STATES; q++) wanted |= grad().initial[q] != nullptr;
    if (wanted) finish();
  }

  void finish() {
    i64 padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++) {
      space.after[i] = layer.schedule.length[chunk.rank(i)] > 0 ? slots(i, 0) : space.none.p;
      space.to[i] = space.start.p + i * STATES * padded;
    }
    back_start(weights, layer.H, space.rows.data(), chunk.size(), space.after.data(), space.to.data());
    for (i64 i = 0; i < chunk.size(); i++)
      for (int q = 0; q < STATES; q++)
        if (grad().initial[q]) memcpy(grad().initial[q] + batch(i) * layer.H, space.to[i] + q * padded, layer.H * sizeof(S));
  }
};

// The rows of a direction in the order of what is kept: x, and each product's previous state.
struct Operands {
  std::vector<const S*> x, states[PRODUCTS + 1];

  Operands(const Layer& layer, i64 direction) {
    const Schedule& schedule = layer.schedule;
    const Side& side = layer.sides[direction];
    i64 H = layer.H, padded = layer.padded();
    x.reserve(schedule.rows());
    for (i64 s = 0; s < schedule.T; s++)
      for (i64 i = 0; i < schedule.start[s + 1] - schedule.start[s]; i++) {
        i64 b = schedule.order[i];
        x.push_back(layer.x.at(b, schedule.time(i, s, direction)));
        for (int p = 0; p < PRODUCTS; p++) {
          int q = PRODUCT_STATE[p];
          if (s > 0)
            states[p].push_back(q == 0 ? layer.y.at(b, schedule.time(i, s - 1, direction)) + direction * H
                                       : side.path[q] + (schedule.start[s - 1] + i) * padded);
          else if (side.initial[q])
            states[p].push_back(side.initial[q] + b * H);
        }
      }
  }
};

static void weight_gradients(const Layer& layer, const LayerGradients& gradients, const Transposed* weights) {
  std::vector<Operands> operands;
  for (i64 d = 0; d < layer.directions; d++) operands.emplace_back(layer, d);
  i64 shares = std::min(blocks(layer.H), layer.chunks() * layer.directions == 1 ? 1 : 2 * layer.threads.count);
  std::vector<Buffer> spaces;
  for (i64 i = 0; i < layer.directions * shares; i++) spaces.emplace_back(outer_space);
  layer.threads.run(layer.directions * shares, [&](i64 task) {
    i64 d = task / shares, width = SLOTS * layer.padded(), rows = layer.schedule.rows();
    i64 first = share(blocks(layer.H), task % shares, shares), last = share(blocks(layer.H), task % shares + 1, shares);
    const SideGradients& to = gradients.sides[d];
    const S* left = weights[d].slots.p;
    if (to.w)
      outer({left, width, SLOTS, operands[d].x.data(), rows, layer.H, layer.D, INPUTS, INPUT_SLOT, to.w}, first, last, spaces[task].p);
    for (int p = 0; p < PRODUCTS; p++) {
      i64 count = operands[d].states[p].size();  // without step 0 where it starts from zeros
      if (to.r[p])
        outer({left + (rows - count) * width, width, SLOTS, operands[d].states[p].data(), count, layer.H, layer.H, PRODUCT_SIZE[p],
               PRODUCT_SLOT[p], to.r[p]}, first, last, spaces[task].p);
    }
  });
}

static void input_gradients(const Layer& layer, const LayerGradients& gradients, const Transposed* weights) {
  const Schedule& schedule = layer.schedule;
  std::vector<const S*> slots[2];
  std::vector<S*> to;
  for (i64 s = 0; s < schedule.T; s++)
    for (i64 i = 0; i < schedule.start[s + 1] - schedule.start[s]; i++) {
      to.push_back(gradients.x.at(schedule.order[i], s));
      for (i64 d = 0; d < layer.directions; d++)
        slots[d].push_back(weights[d].slots.p + (schedule.start[schedule.time(i, s, d)] + i) * SLOTS * layer.padded());
    }
  Source sources[2];
  for (i64 d = 0; d < layer.directions; d++)
    sources[d] = {slots[d].data(), weights[d].segments_w.data(), (i64)weights[d].segments_w.size(), weights[d].w.p, weights[d].stride_w};
  i64 shares = layer.chunks() * layer.directions == 1 ? 1 : layer.threads.count;
  layer.threads.run(shares, [&](i64 i) {
    product(sources, layer.directions, share(to.size(), i, shares), share(to.size(), i + 1, shares), to.data(), layer.D);
    for (i64 rank = share(schedule.B, i, shares); rank < share(schedule.B, i + 1, shares); rank++)
      for (i64 t = schedule.length[rank]; t < schedule.T; t++) memset(gradients.x.at(schedule.order[rank], t), 0, layer.D * sizeof(S));
  });
}

// Sums over rows were made by each task: add them up, and take the blocks apart.
static void sum_up(const Layer& layer, const SideGradients& to, const BackwardSpace* spaces, i64 count) {
  i64 padded = layer.padded();
  for (i64 i = 1; i < count; i++)
    for (i64 k = 0; k < (SLOTS + UNITS) * padded; k++) spaces[0].sums.p[k] += spaces[i].sums.p[k];
  for (int g = 0; g < INPUTS && to.bias; g++) memcpy(to.bias + g * layer.H, spaces[0].sums.p + INPUT_SLOT[g] * padded, layer.H * sizeof(S));
  for (int q = 0; q < UNITS; q++)
    if (to.unit[q]) memcpy(to.unit[q], spaces[0].sums.p + (SLOTS + q) * padded, layer.H * sizeof(S));
}

static void run_backward(const Layer& layer, const LayerGradients& gradients) {
  i64 chunks = layer.chunks(), directions = layer.directions;
  bool inputs = gradients.x.p != nullptr;
  i64 count_r = PRODUCTS ? blocks(layer.H) : 0, count_w = inputs ? blocks(layer.D) : 0;
  std::vector<Transposed> weights;
  weights.reserve(directions);
  for (i64 d = 0; d < directions; d++) weights.emplace_back(layer, layer.sides[d], inputs);
  Threads few{chunks * directions == 1 ? 1 : layer.threads.count, layer.threads.team};
  few.run((count_r + count_w) * directions, [&](i64 i) {
    i64 d = i % directions, block = i / directions;
    if (block < count_r) weights[d].pack_r(layer, layer.sides[d], block);
    else weights[d].pack_w(layer, layer.sides[d], block - count_r);
  });
  std::vector<BackwardSpace> spaces;
  spaces.reserve(chunks * directions);
  for (i64 i = 0; i < chunks * directions; i++) spaces.emplace_back(layer, (layer.schedule.B + chunks - 1) / chunks);
  few.run(chunks * directions, [&](i64 i) {
    i64 d = i / chunks;
    BackwardTask{layer, gradients, weights[d], Chunk{layer.schedule, i % chunks, chunks}, d, spaces[i]}.run();
  });
  if (inputs) input_gradients(layer, gradients, weights.data());
  weight_gradients(layer, gradients, weights.data());
  for (i64 d = 0; d < directions; d++) sum_up(layer, gradients.sides[d], &spaces[d * chunks], chunks);
}
