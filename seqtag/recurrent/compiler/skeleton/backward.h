// The backward pass over all steps of a layer: computes the gradients at the slots, step by step,
// with backward_stage of the generated part for each stage of a step.

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
      if (side.unit[q] && UNIT_PER[q] == 0)
        memcpy(unit.p + q * layer.padded(), side.unit[q], H * sizeof(S));
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
  const S* forward_scalars;
  const S* operand[OPERANDS + 1];
  const S* shown[SHOWN + 1];  // null: none
  const S* mask[UNITS + 1];
  S *scalars, *partial, *temporaries;

  MEMBER ScalarsAt<BACK_TEMPORARIES> between_stages(i64 H) const {
    return {partial, forward_scalars, scalars, temporaries, H};
  }
};

// What a stage of the derivative reads and writes: one sequence and one register of units.
template <int K>
struct BackwardAt {
  const Transposed& t;
  const BackRow& row;
  i64 H, block;
  const V* through;  // gradients through products, with stride `distance` between them
  int distance;
  V* added;  // sums over sequences: of the slots' gradients and then of the vectors'

  MEMBER i64 at() const { return block * LANES; }
  MEMBER i64 n() const { return H - at(); }
  // In the first stage the gradients that arrive at states, later those at operands.
  MEMBER V sum(int q) const {
    V v = through[q * distance];
    if (K > 0) return v;
    if (row.arriving[q]) v += load(row.arriving[q] + at());
    return q == 0 ? v + load(row.dy + at(), n()) : v;
  }
  MEMBER V unit(int q) const {
    return UNIT_PER[q] ? load(row.mask[q] + at(), n())
                       : load(t.unit.p + q * blocks(H) * LANES + at());
  }
  MEMBER V prev(int q) const {
    return q == 0 ? load(row.prev[0] + at(), n()) : load(row.prev[q] + at());
  }
  MEMBER V next(int q) const {
    return q == 0 ? load(row.next[0] + at(), n()) : load(row.next[q] + at());
  }
  MEMBER V kept(int i) const { return load(row.kept + (block * KEPT + i) * LANES); }
  MEMBER V operand(int i) const { return load(row.operand[i] + at()); }
  MEMBER V shown(int i) const { return row.shown[i] ? load(row.shown[i] + at(), n()) : V{}; }
  MEMBER V forward_scalar(int i) const { return all(row.forward_scalars[i]); }
  MEMBER V scalar(int i) const { return all(row.scalars[i]); }
  MEMBER V temporary(int i) const {
    return load(row.temporaries + (block * BACK_TEMPORARIES + i) * LANES);
  }

  MEMBER void set_slot(int q, V v) const {
    store(row.slots + (block * SLOTS + q) * LANES, v);
    added[q] += v;
  }
  MEMBER void add_unit(int q, V v) const { added[SLOTS + q] += v; }
  MEMBER void set_before(int q, V v) const { store(row.carry + q * blocks(H) * LANES + at(), v); }
  MEMBER void set_temporary(int i, V v) const {
    store(row.temporaries + (block * BACK_TEMPORARIES + i) * LANES, v);
  }
  MEMBER void add(int i, V v) const { add_lanes(row.partial + i * LANES, block, v, n()); }
  MEMBER void add_largest(int i, V v) const {
    add_largest_lanes(row.partial + i * LANES, block, v, n());
  }
};

// Adds the sums over some sequences, for one register of units.
template <int K>
INLINE void add_up(const V* added, i64 H, i64 block, S* sums) {
  UNROLL for (int q = 0; q < SLOTS + UNITS; q++) if (BACK_ADDS[K][q]) {
    S* to = sums + q * blocks(H) * LANES + block * LANES;
    store(to, load(to) + added[q]);
  }
}

// Adds the gradient at a state or operand through one product.
static void through_product(const Transposed& t, int p, const S* const* slots, int rows, i64 block,
                            int wide, V* to) {
  Source source{slots, t.segments_r[p].data(), (i64)t.segments_r[p].size(), t.r[p].p,
                t.stride_r[p]};
  Scratch result;
  product_tile(&source, 1, 0, rows, block, wide, result);
  for (int k = 0; k < rows * wide; k++) to[k] += result[k];
}

// The gradients through the products of stage K, for a tile. `slots`: gradients at the slots, in
// the first stage those of the next step.
template <int K>
INLINE void through_products(const Transposed& t, const S* const* slots, int rows, i64 block,
                             int wide, Scratch* to) {
  for (int q = 0; q < BACK_SUMS[K]; q++)
    for (int k = 0; k < rows * wide; k++) to[q][k] = V{};
  if (slots)
    for (int p = 0; p < PRODUCTS; p++)
      if (BACK_STAGE[p] == K) through_product(t, p, slots, rows, block, wide, to[BACK_SUM[p]]);
}

template <int K>
static void back_product_stage(const Transposed& t, i64 H, const BackRow* rows, i64 n,
                               const S* const* slots, S* sums) {
  Scratch through[BACK_SUMS[K]];
  columns(blocks(H), TILE, [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      through_products<K>(t, slots ? slots + start : nullptr, count, block, wide, through);
      for (int u = 0; u < wide; u++) {
        V added[SLOTS + UNITS] = {};
        for (int i = 0; i < count; i++)
          backward_stage(Size<K>{}, BackwardAt<K>{t, rows[start + i], H, block + u,
                                                  &through[0][i * wide + u], ROWS * TILE, added});
        add_up<K>(added, H, block + u, sums);
      }
    });
  });
}

// Runs stage K and the following ones up to the next product, for one sequence.
template <int K>
INLINE void back_row_stages(const Transposed& t, i64 H, const BackRow& row, S* sums) {
  if constexpr (K < BACK_STAGES) {
    backward_scalars(Size<K>{}, row.between_stages(H));
    if constexpr (BACK_SUMS[K] == 0) {
      for (i64 block = 0; block < blocks(H); block++) {
        V added[SLOTS + UNITS] = {};
        backward_stage(Size<K>{}, BackwardAt<K>{t, row, H, block, nullptr, 0, added});
        add_up<K>(added, H, block, sums);
      }
      back_row_stages<K + 1>(t, H, row, sums);
    }
  }
}

constexpr int next_back_product(int k) {
  while (k < BACK_STAGES && BACK_SUMS[k] == 0) k++;
  return k;
}

// `after`: gradients at the slots of the next step, null if there is none; `own`: of this step.
template <int K>
static void back_stages(const Transposed& t, i64 H, const BackRow* rows, i64 n,
                        const S* const* after, const S* const* own, S* sums) {
  if constexpr (K < BACK_STAGES) {
    back_product_stage<K>(t, H, rows, n, K == 0 ? after : own, sums);
    for (i64 i = 0; i < n; i++) back_row_stages<K + 1>(t, H, rows[i], sums);
    back_stages<next_back_product(K + 1)>(t, H, rows, n, after, own, sums);
  }
}

static void back_step(const Transposed& t, i64 H, const BackRow* rows, i64 n, const S* const* after,
                      const S* const* own, S* sums) {
  for (i64 i = 0; i < n; i++) back_row_stages<0>(t, H, rows[i], sums);
  back_stages<0>(t, H, rows, n, after, own, sums);
}

// At the end of the backward pass: the gradients at initial states, to[i] (STATES, padded).
static void back_start(const Transposed& t, i64 H, const BackRow* rows, i64 n,
                       const S* const* after, S* const* to) {
  Scratch through[STATES];
  i64 padded = blocks(H) * LANES;
  columns(blocks(H), TILE, [&](i64 block, int wide) {
    parts(n, ROWS, [&](i64 start, int count) {
      through_products<0>(t, after + start, count, block, wide, through);
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
  Buffer start, final, carry, sums, none, scalars, partial, temporaries;
  std::vector<BackRow> rows;
  std::vector<const S*> after, own;
  std::vector<S*> to;

  BackwardSpace(const Layer& layer, i64 size)
      : start(size * STATES * layer.padded(), true),
        final(size * STATES * layer.padded(), true),
        carry(size * STATES * layer.padded()),
        sums((SLOTS + UNITS) * layer.padded(), true),
        none(SLOTS * layer.padded(), true),
        scalars(size * BACK_SCALARS),
        partial(size * BACK_REDUCTIONS * LANES),
        temporaries(size * BACK_TEMPORARIES * layer.padded()),
        rows(size),
        after(size),
        own(size),
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
    for (i64 i = 0; i < chunk.size(); i++) {
      space.rows[i].scalars = space.scalars.p + i * BACK_SCALARS;
      space.rows[i].partial = space.partial.p + i * BACK_REDUCTIONS * LANES;
      space.rows[i].temporaries = space.temporaries.p + i * BACK_TEMPORARIES * padded;
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
  }

  const S* state(i64 i, i64 s, int q) const {
    if (s < 0) return space.start.p + (i * STATES + q) * layer.padded();
    if (q == 0) return layer.y.at(batch(i), time(i, s)) + direction * layer.H;
    return side().path[q] ? side().path[q] + chunk.row(i, s) * layer.padded() : nullptr;
  }

  const S* shown(int q, i64 i, i64 s) const {
    const S* p = side().shown[q];
    return p ? p + (batch(i) * layer.schedule.T + time(i, s)) * layer.H : nullptr;
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
        row.forward_scalars = side().scalars + chunk.row(i, s) * SCALARS;
        for (int p = 0; p < OPERANDS; p++)
          row.operand[p] = side().operand[p] + chunk.row(i, s) * padded;
        for (int q = 0; q < SHOWN; q++) row.shown[q] = shown(q, i, s);
        for (int q = 0; q < UNITS; q++)
          if (UNIT_PER[q]) row.mask[q] = layer.mask(side(), q, batch(i), time(i, s));
        space.own[i] = row.slots;
        space.after[i] = i < later ? slots(i, s + 1) : space.none.p;
      }
      back_step(weights, layer.H, space.rows.data(), n, later > 0 ? space.after.data() : nullptr,
                space.own.data(), space.sums.p);
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
