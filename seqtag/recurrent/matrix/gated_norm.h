// Normalisation and gate of the outputs of a cell with a matrix state, in one pass.
//
//   h = act(gate) (gain norm(x) + more)     or, with `first`,     h = gain norm(x act(gate))
//
// norm is over the `size` features of each of `groups` groups: it divides by the root of the mean
// square, after the mean is subtracted if `center`. Source: Zhang & Sennrich 2019; Ba et al. 2016.

struct GatedNorm {
  i64 T, B, groups, size;
  bool center, silu, first;  // act is silu, else sigmoid
  bool plain;                // act is the identity
  S epsilon;
  Threads threads;
  Array x, gate, more;  // more: null if absent
  const S* gain;        // (groups, size)
  Array h;              // gradient of h in the backward pass

  i64 shares() const {
    return T * B * groups * size < 50000 ? 1 : std::max<i64>(1, std::min(threads.count, T * B));
  }
};
struct GatedNormGradients {
  Array x, gate, more;
  S* gain;
};

// One group of features of one step: rows in the cache, and the statistics.
struct NormRow {
  const GatedNorm& norm;
  i64 width;
  Buffer memory;
  S *x, *gate, *opened, *more, *h, *gains, *gain_sums;  // opened: sigmoid(gate)
  const S* gain;
  S mean, inverse;

  explicit NormRow(const GatedNorm& n)
      : norm(n), width(blocks(n.size) * LANES), memory((5 + 2 * n.groups) * width, true) {
    S** rows[] = {&x, &gate, &opened, &more, &h, &gains};
    for (int i = 0; i < 6; i++) *rows[i] = memory.p + i * width;
    gain_sums = gains + n.groups * width;
    for (i64 g = 0; g < n.groups; g++) read_row(gains + g * width, n.gain + g * n.size, n.size);
  }

  V act(i64 c) const {
    V a = load(gate + c), s = load(opened + c);
    return norm.plain ? a : norm.silu ? a * s : s;
  }
  V act_slope(i64 c) const {
    V a = load(gate + c), s = load(opened + c);
    return norm.plain ? all(1) : norm.silu ? s * (1 + a * (1 - s)) : s * (1 - s);
  }
  // What is normalised.
  V read(i64 c) const { return norm.first ? load(x + c) * act(c) : load(x + c); }
  V normalised(i64 c) const { return (read(c) - all(mean)) * all(inverse); }

  void load_row(i64 t, i64 b, i64 g) {
    read_row(x, norm.x.at(t, b, g), norm.size);
    read_row(gate, norm.gate.at(t, b, g), norm.size);
    if (norm.more.p) read_row(more, norm.more.at(t, b, g), norm.size);
    gain = gains + g * width;
    for (i64 c = 0; !norm.plain && c < norm.size; c += LANES)
      store(opened + c, sigmoid(load(gate + c)));
    mean = 0;
    if (norm.center) mean = sum_lanes(x, norm.size) / norm.size;
    V squares = {};
    for (i64 c = 0; c < norm.size; c += LANES) {
      V d = read(c) - all(mean);
      squares += d * d;
    }
    // The lanes after the features have added the square of the mean.
    S sum = sum_of(squares) - (width - norm.size) * mean * mean;
    inverse = 1 / root(sum / norm.size + norm.epsilon);
  }

  // Requests the rows of a step: in memory, those of one step are far from those of the next.
  void prefetch_rows(i64 t, i64 b, i64 g) const {
    for (const Array* array : {&norm.x, &norm.gate, &norm.more, &norm.h})
      if (array->p) prefetch(array->at(t, b, g), norm.size);
  }

  void forward(i64 t, i64 b, i64 g) {
    load_row(t, b, g);
    for (i64 c = 0; c < norm.size; c += LANES) {
      V y = load(gain + c) * normalised(c);
      store(h + c, norm.first ? y : act(c) * (y + load(more + c)));
    }
    write_row(norm.h.at(t, b, g), h, norm.size);
  }

  void backward(const GatedNormGradients& to, i64 t, i64 b, i64 g) {
    load_row(t, b, g);
    read_row(h, norm.h.at(t, b, g), norm.size);
    V sum = {}, along = {};
    S* gain_sum = gain_sums + g * width;
    for (i64 c = 0; c < norm.size; c += LANES) {
      V dy = load(h + c), y = normalised(c);
      V dg = norm.first ? dy : dy * act(c);
      store(gain_sum + c, load(gain_sum + c) + dg * y);
      if (!norm.first) {
        if (to.more.p) store(to_row(to.more, t, b, g, c), dg, norm.size - c);
        V value = load(gain + c) * y + load(more + c);
        store(to_row(to.gate, t, b, g, c), dy * value * act_slope(c), norm.size - c);
      }
      V dn = dg * load(gain + c);
      store(h + c, dn);
      sum += dn, along += dn * y;
    }
    S shift = norm.center ? sum_of(sum) / norm.size : 0, slope = sum_of(along) / norm.size;
    for (i64 c = 0; c < norm.size; c += LANES) {
      V dx = all(inverse) * (load(h + c) - all(shift) - all(slope) * normalised(c));
      if (norm.first) {
        store(to_row(to.gate, t, b, g, c), dx * load(x + c) * act_slope(c), norm.size - c);
        dx *= act(c);
      }
      store(to_row(to.x, t, b, g, c), dx, norm.size - c);
    }
  }
  static S* to_row(const Array& to, i64 t, i64 b, i64 g, i64 c) { return to.at(t, b, g) + c; }
};

// Calls f(row, t, b, g) for all groups of all steps, where `row` is the share's.
template <typename F>
static void for_all_rows(const GatedNorm& norm, const Fixed<NormRow>& rows, const F& f) {
  i64 shares = norm.shares(), steps = norm.T * norm.B;
  norm.threads.run(shares, [&](i64 i) {
    for (i64 step = share(steps, i, shares); step < share(steps, i + 1, shares); step++) {
      i64 next = std::min(step + 1, steps - 1);
      for (i64 g = 0; g < norm.groups; g++) {
        rows[i].prefetch_rows(next / norm.B, next % norm.B, g);
        f(rows[i], step / norm.B, step % norm.B, g);
      }
    }
  });
}

// size: T, B, groups, size, center, silu, first, plain, threads, then the strides of the arrays x,
// gate, more, h, and in the backward pass of the gradients of x, gate and more.
// pointers: team, epsilon, gain, in the backward pass its gradient (else null), then the arrays.
struct NormCall {
  Arguments from;
  GatedNorm norm;
  NormCall(const i64* size, void* const* pointers)
      : from{size + 9, pointers + 4},
        norm{size[0], size[1], size[2], size[3], size[4] != 0, size[5] != 0, size[6] != 0,
             size[7] != 0, *(const S*)pointers[1], Threads{size[8], (Team)pointers[0]}, from.next(),
             from.next(), from.next(), (const S*)pointers[2], from.next()} {}
};

extern "C" int seqtag_gated_norm_forward(const i64* size, void* const* pointers) {
  try {
    NormCall call(size, pointers);
    Fixed<NormRow> rows(call.norm.shares());
    for (i64 i = 0; i < call.norm.shares(); i++) rows.add(call.norm);
    for_all_rows(call.norm, rows, [](NormRow& row, i64 t, i64 b, i64 g) { row.forward(t, b, g); });
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_gated_norm_backward(const i64* size, void* const* pointers) {
  try {
    NormCall call(size, pointers);
    const GatedNorm& norm = call.norm;
    GatedNormGradients to{call.from.next(), call.from.next(), call.from.next(), (S*)pointers[3]};
    Fixed<NormRow> rows(norm.shares());
    for (i64 i = 0; i < norm.shares(); i++) rows.add(norm);
    for_all_rows(norm, rows, [&](NormRow& row, i64 t, i64 b, i64 g) { row.backward(to, t, b, g); });
    for (i64 g = 0; g < norm.groups; g++)
      for (i64 c = 0; c < norm.size; c++) {
        S sum = 0;
        for (i64 i = 0; i < norm.shares(); i++) sum += rows[i].gain_sums[g * rows[i].width + c];
        to.gain[g * norm.size + c] = sum;
      }
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
