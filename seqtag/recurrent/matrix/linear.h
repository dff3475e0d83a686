// The product y = x W^T + b over all rows, and its gradients, on the tiles of products.h and outer.h.

// size: T, B, D, G, threads, then the strides (time, batch) of x, and of its gradient.
// pointers: team, x (T, B, D) with at least one row, W (G, D), b (G) or null, y (T, B, G); in the backward pass y is its
// gradient, and the gradients of x (or null), W and b come after it.
struct Linear {
  i64 T, B, D, G;
  Threads threads;
  Array x, grad_x;
  S *w, *b, *y, *grad_w, *grad_b;

  Linear(const i64* size, void* const* p)
      : T(size[0]), B(size[1]), D(size[2]), G(size[3]),
        threads{T * B * D * G < 500000 ? 1 : size[4], (Team)p[0]},
        x{(S*)p[1], size[5], size[6], 0}, grad_x{nullptr, size[7], size[8], 0},
        w((S*)p[2]), b((S*)p[3]), y((S*)p[4]) {}

  i64 rows() const { return T * B; }
  i64 shares() const { return std::max<i64>(1, std::min(threads.count, rows())); }
  template <typename F>
  void for_rows(const F& f) const {
    threads.run(shares(), [&](i64 i) {
      f(share(rows(), i, shares()), share(rows(), i + 1, shares()));
    });
  }
  template <typename P>
  std::vector<P> pointers(const Array& from) const {
    std::vector<P> made(rows());
    for (i64 r = 0; r < rows(); r++) made[r] = from.at(r / B, r % B, 0);
    return made;
  }
  Array outputs() const { return {y, B * G, G, 0}; }

  void forward() const {
    Buffer panels(blocks(G) * LANES * D), bias(blocks(G) * LANES, true);
    for (i64 g = 0; b && g < G; g++) bias.p[g] = b[g];
    threads.run(blocks(G), [&](i64 i) { pack_gates(w, 1, G, D, i, panels.p + i * D * LANES); });
    auto x_rows = pointers<const S*>(x);
    auto y_rows = pointers<S*>(outputs());
    std::vector<const S*> ones(rows(), &ONE);
    Segment all_D{0, D}, one{0, 1};
    Source sources[2] = {{x_rows.data(), &all_D, 1, panels.p, D * LANES},
                         {ones.data(), &one, 1, bias.p, LANES}};
    for_rows([&](i64 first, i64 last) {
      product(sources, b ? 2 : 1, first, last, y_rows.data(), G);
    });
  }

  void backward() const {
    auto x_rows = pointers<const S*>(x);
    auto y_rows = pointers<const S*>(outputs());
    auto grad_rows = grad_x.p ? pointers<S*>(grad_x) : std::vector<S*>();
    if (grad_x.p) {
      Buffer panels(blocks(D) * LANES * G);
      threads.run(blocks(D), [&](i64 i) { pack_columns(w, 1, G, D, i, panels.p + i * G * LANES); });
      Segment all_G{0, G};
      Source source{y_rows.data(), &all_G, 1, panels.p, G * LANES};
      for_rows([&](i64 first, i64 last) {
        product(&source, 1, first, last, grad_rows.data(), D);
      });
    }
    i64 parts = std::min(shares(), blocks(G));
    Fixed<Buffer> spaces(parts);
    for (i64 i = 0; i < parts; i++) spaces.add(outer_space(1));
    threads.run(parts, [&](i64 i) {
      i64 first = share(blocks(G), i, parts), last = share(blocks(G), i + 1, parts);
      weights(x_rows, first, last, spaces[i].p);
    });
  }

  // The gradients of W and b for some blocks of rows of W. `outer` reads whole registers, so the
  // last row, after which there may be no memory, is added here.
  void weights(const std::vector<const S*>& x_rows, i64 first, i64 last, S* space) const {
    static const int slot[1] = {0};
    i64 end = rows() - 1;
    outer({y, G, 1, x_rows.data(), end, G, D, 1, slot, grad_w}, first, last, space);
    for (i64 g = first * LANES; g < std::min(G, last * LANES); g++) {
      S dy = y[end * G + g];
      for (i64 d = 0; d < D; d++) grad_w[g * D + d] += dy * x_rows[end][d];
    }
    for (i64 block = first; grad_b && block < last; block++) {
      i64 at = block * LANES, n = std::min<i64>(LANES, G - at);
      V sum = {};
      for (i64 r = 0; r < rows(); r++) sum += load(y + r * G + at, n);
      store(grad_b + at, sum, n);
    }
  }
};

extern "C" int seqtag_linear_forward(const i64* size, void* const* pointers) {
  try {
    Linear(size, pointers).forward();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_linear_backward(const i64* size, void* const* pointers) {
  try {
    Linear linear(size, pointers);
    linear.grad_x.p = (S*)pointers[5];
    linear.grad_w = (S*)pointers[6], linear.grad_b = (S*)pointers[7];
    linear.backward();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
