// The gradients of inputs and weights: products over all rows at once, computed after the
// gradients at the slots.

// Pointers to x and to what each product multiplies, for the rows of a direction in order.
struct Operands {
  std::vector<const S*> x, sources[PRODUCTS + 1];

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
          int q = PRODUCT_SOURCE[p];
          if (q >= STATES)
            sources[p].push_back(side.operand[q - STATES] + (schedule.start[s] + i) * padded);
          else if (s > 0)
            sources[p].push_back(q == 0 ? layer.y.at(b, schedule.time(i, s - 1, direction)) +
                                             direction * H
                                       : side.path[q] + (schedule.start[s - 1] + i) * padded);
          else if (side.initial[q])
            sources[p].push_back(side.initial[q] + b * H);
        }
      }
  }
};

static void weight_gradients(const Layer& layer, const LayerGradients& gradients,
                             const Fixed<Transposed>& weights) {
  Fixed<Operands> operands(layer.directions);
  for (i64 d = 0; d < layer.directions; d++) operands.add(layer, d);
  i64 shares = std::min(blocks(layer.H), layer.small() ? 1 : 2 * layer.threads.count);
  Fixed<Buffer> spaces(layer.directions * shares);
  for (i64 i = 0; i < layer.directions * shares; i++) spaces.add(outer_space(SLOTS));
  layer.team().run(layer.directions * shares, [&](i64 task) {
    i64 d = task / shares, width = SLOTS * layer.padded(), rows = layer.schedule.rows();
    i64 first = share(blocks(layer.H), task % shares, shares),
        last = share(blocks(layer.H), task % shares + 1, shares);
    const SideGradients& to = gradients.sides[d];
    const S* left = weights[d].slots.p;
    if (to.w)
      outer({left, width, SLOTS, operands[d].x.data(), rows, layer.H, layer.D, INPUTS, INPUT_SLOT,
             to.w},
            first, last, spaces[task].p);
    for (int p = 0; p < PRODUCTS; p++) {
      i64 count = operands[d].sources[p].size();  // without step 0 if that starts from zeros
      if (to.r[p])
        outer({left + (rows - count) * width, width, SLOTS, operands[d].sources[p].data(), count,
               layer.H, layer.H, PRODUCT_SIZE[p], PRODUCT_SLOT[p], to.r[p]},
              first, last, spaces[task].p);
    }
  });
}

static void input_gradients(const Layer& layer, const LayerGradients& gradients,
                            const Fixed<Transposed>& weights) {
  const Schedule& schedule = layer.schedule;
  std::vector<const S*> slots[2];
  std::vector<S*> to;
  for (i64 s = 0; s < schedule.T; s++)
    for (i64 i = 0; i < schedule.start[s + 1] - schedule.start[s]; i++) {
      to.push_back(gradients.x.at(schedule.order[i], s));
      for (i64 d = 0; d < layer.directions; d++)
        slots[d].push_back(weights[d].slots.p +
                           (schedule.start[schedule.time(i, s, d)] + i) * SLOTS * layer.padded());
    }
  Source sources[2];
  for (i64 d = 0; d < layer.directions; d++)
    sources[d] = {slots[d].data(), weights[d].segments_w.data(), (i64)weights[d].segments_w.size(),
                  weights[d].w.p, weights[d].stride_w};
  i64 shares = layer.small() ? 1 : layer.threads.count;
  layer.team().run(shares, [&](i64 i) {
    product(sources, layer.directions, share(to.size(), i, shares), share(to.size(), i + 1, shares),
            to.data(), layer.D);
    for (i64 rank = share(schedule.B, i, shares); rank < share(schedule.B, i + 1, shares); rank++)
      for (i64 t = schedule.length[rank]; t < schedule.T; t++)
        memset(gradients.x.at(schedule.order[rank], t), 0, layer.D * sizeof(S));
  });
}

// Adds up the sums over rows of all tasks, and copies them to the gradients of bias and vectors.
static void sum_up(const Layer& layer, const SideGradients& to, const BackwardSpace* spaces,
                   i64 count) {
  i64 padded = layer.padded();
  for (i64 i = 1; i < count; i++)
    for (i64 k = 0; k < (SLOTS + UNITS) * padded; k++) spaces[0].sums.p[k] += spaces[i].sums.p[k];
  for (int g = 0; g < INPUTS && to.bias; g++)
    memcpy(to.bias + g * layer.H, spaces[0].sums.p + INPUT_SLOT[g] * padded, layer.H * sizeof(S));
  for (int q = 0; q < UNITS; q++)
    if (to.unit[q])
      memcpy(to.unit[q], spaces[0].sums.p + (SLOTS + q) * padded, layer.H * sizeof(S));
}

static void run_backward(const Layer& layer, const LayerGradients& gradients) {
  i64 chunks = layer.chunks(), directions = layer.directions;
  bool inputs = gradients.x.p != nullptr;
  i64 count_r = PRODUCTS ? blocks(layer.H) : 0, count_w = inputs ? blocks(layer.D) : 0;
  Fixed<Transposed> weights(directions);
  for (i64 d = 0; d < directions; d++) weights.add(layer, layer.sides[d], inputs);
  Threads team = layer.team();
  team.run((count_r + count_w) * directions, [&](i64 i) {
    i64 d = i % directions, block = i / directions;
    if (block < count_r)
      weights[d].pack_r(layer, layer.sides[d], block);
    else
      weights[d].pack_w(layer, layer.sides[d], block - count_r);
  });
  Fixed<BackwardSpace> spaces(chunks * directions);
  for (i64 i = 0; i < chunks * directions; i++)
    spaces.add(layer, (layer.schedule.B + chunks - 1) / chunks);
  team.run(chunks * directions, [&](i64 i) {
    i64 d = i / chunks;
    BackwardTask{layer, gradients, weights[d], Chunk{layer.schedule, i % chunks, chunks},
                 d,     spaces[i]}
        .run();
  });
  if (inputs) input_gradients(layer, gradients, weights);
  weight_gradients(layer, gradients, weights);
  for (i64 d = 0; d < directions; d++)
    sum_up(layer, gradients.sides[d], &spaces[d * chunks], chunks);
}
