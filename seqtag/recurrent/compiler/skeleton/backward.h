// The backward pass over all steps of a layer: computes the gradients at the slots, step by step,
// with backward_step of the generated part.

// The gradients of one direction. Null: not needed; for arriving gradients: none.
struct SideGradients {
  const S* final[STATES];  // (B, H), arriving
  S* initial[STATES];      // (B, H)
  S *w, *bias;
  S* r[PRODUCTS + 1];
  S* unit[UNITS + 1];
};

struct LayerGradients {
  Sequence y, x;  // y's arrives; x's is needed if x.p is not null
  SideGradients sides[2];
};

// Parameters of one direction packed for the backward pass, and the gradients at the slots.
struct Transposed {
  Fixed<Buffer> r;
  Buffer w, unit, slots;
  std::vector<Segment> segments_r[PRODUCTS + 1], segments_w;
  i64 stride_r[PRODUCTS + 1], stride_w;

  Transposed(const Layer& layer, const Side& side, bool inputs)
      : r(PRODUCTS),
        w(inputs ? INPUTS * layer.H * blocks(layer.D) * LANES : 0),
        unit(UNITS * layer.padded(), true),
        slots(layer.schedule.rows() * SLOTS * layer.padded()),
        stride_w(INPUTS * layer.H * LANES) {
    i64 H = layer.H;
    for (int p = 0; p < PRODUCTS; p++) {
      stride_r[p] = PRODUCT_SIZE[p] * H * LANES;
      r.add(stride_r[p] * blocks(H));
      segments_r[p] =
          segments_of(H, SLOTS, PRODUCT_SIZE[p], [p](i64 g) { return PRODUCT_SLOT[p][g]; });
    }
    segments_w = segments_of(H, SLOTS, INPUTS, [](i64 g) { return INPUT_SLOT[g]; });
    for (int q = 0; q < UNITS; q++)
      if (side.unit[q]) memcpy(unit.p + q * layer.padded(), side.unit[q], H * sizeof(S));
  }
  void pack_r(const Layer& layer, const Side& side, i64 block) {
    for (int p = 0; p < PRODUCTS; p++)
      pack_columns(side.r[p], PRODUCT_SIZE[p], layer.H, layer.H, block,
                   r[p].p + block * stride_r[p]);
  }
  void pack_w(const Layer& layer, const Side& side, i64 block) {
    pack_columns(side.w, INPUTS, layer.H, layer.D, block, w.p + block * stride_w);
  }
};

// One sequence at one step.
struct BackRow {
  const S *prev[STATES], *next[STATES], *kept, *dy;
  const S* arriving[STATES];  // from the next step; null: none
  S* carry;                   // for the previous step, (STATES, padded)
  S* slots;
};

// Adds the gradient at a state through one recurrent product of the next step.
static void through_product(const Transposed& t, int p, const S* const* after, int rows, i64 block,
                            int wide, V* to) {
  Source source{after, t.segments_r[p].data(), (i64)t.segments_r[p].size(), t.r[p].p,
                t.stride_r[p]};
  Scratch result;
  product_tile(&source, 1, 0, rows, block, wide, result);
  for (int k = 0; k < rows * wide; k++) to[k] += result[k];
}

// The derivative of the cell's step for one sequence and one block of units. `through`: gradients
// through products, with stride `distance` between states. `sum`: sums over rows, of the slots'
// gradients and then of the vectors'.
INLINE void back_row(const Transposed& t, i64 H, const BackRow& row, i64 block, const V* through,
                     int distance, V* sum) {
  i64 at = block * LANES, n = H - at, padded = blocks(H) * LANES;
  V unit[UNITS + 1], prev[STATES], next[STATES], kept[KEPT + 1], arriving[STATES], slots[SLOTS],
      before[STATES], units[UNITS + 1];
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
  UNROLL for (int q = 0; q < STATES; q++) if (CARRIES[q])
      store(row.carry + q * padded + at, before[q]);
}

// The gradients at each state through products, for a tile.
INLINE void through_products(const Transposed& t, const S* const* after, int rows, i64 block,
                             int wide, Scratch* to) {
  for (int q = 0; q < STATES; q++)
    for (int k = 0; k < rows * wide; k++) to[q][k] = V{};
  if (after)
    for (int p = 0; p < PRODUCTS; p++)
      through_product(t, p, after, rows, block, wide, to[PRODUCT_STATE[p]]);
}

static void back_step(const Transposed& t, i64 H, const BackRow* rows, i64 n, const S* const* after,
                      S* sums) {
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

// At the end of the backward pass: the gradients at initial states, to[i] (STATES, padded).
static void back_start(const Transposed& t, i64 H, const BackRow* rows, i64 n,
                       const S* const* after, S* const* to) {
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
            store(to[start + i] + q * padded + (block + u) * LANES,
                  direct ? d + load(direct + (block + u) * LANES) : d);
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
  S* slots(i64 i, i64 s) const {
    return weights.slots.p + chunk.row(i, s) * SLOTS * layer.padded();
  }

  void set_ends() {
    i64 H = layer.H, padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++)
      for (int q = 0; q < STATES; q++) {
        S* start = space.start.p + (i * STATES + q) * padded;
        if (side().initial[q])
          memcpy(start, side().initial[q] + batch(i) * H, H * sizeof(S));
        else
          std::fill(start, start + padded, INITIAL[q]);
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
      back_step(weights, layer.H, space.rows.data(), n, later > 0 ? space.after.data() : nullptr,
                space.sums.p);
      for (i64 i = 0; i < n; i++)
        for (int q = 0; q < STATES; q++)
          space.rows[i].arriving[q] = CARRIES[q] ? space.rows[i].carry + q * padded : nullptr;
    }
    bool needs_initial = false;
    for (int q = 0; q < STATES; q++) needs_initial |= grad().initial[q] != nullptr;
    if (needs_initial) finish();
  }

  void finish() {
    i64 padded = layer.padded();
    for (i64 i = 0; i < chunk.size(); i++) {
      space.after[i] = layer.schedule.length[chunk.rank(i)] > 0 ? slots(i, 0) : space.none.p;
      space.to[i] = space.start.p + i * STATES * padded;
    }
    back_start(weights, layer.H, space.rows.data(), chunk.size(), space.after.data(),
               space.to.data());
    for (i64 i = 0; i < chunk.size(); i++)
      for (int q = 0; q < STATES; q++)
        if (grad().initial[q])
          memcpy(grad().initial[q] + batch(i) * layer.H, space.to[i] + q * padded,
                 layer.H * sizeof(S));
  }
};
