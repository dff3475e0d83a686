// The product y = x W^T + b over all rows, and its gradients, on the tiles of products.h and outer.h.
//
// The columns of y are `parts`, one after the other. The gradient of each is an array of its own: so
// what computes them need not put them together.

// size: T, B, D, number of parts, threads, the strides (time, batch) of x and of its gradient, then
// the columns of each part.
// pointers: team, x (T, B, D), W (G, D), b (G) or null, y (T, B, G). In the backward pass, in place of
// y: the gradients of x (or null), W and b (or null), then (T, B, columns) of each part.
struct Linear {
  i64 T, B, D, G = 0;
  Threads threads;
  Array x, grad_x;
  std::vector<Segment> parts;  // of the columns of y
  S *w, *b;

  Linear(const i64* size, void* const* p)
      : T(size[0]), B(size[1]), D(size[2]), threads{size[4], (Team)p[0]},
        x{(S*)p[1], size[5], size[6], 0}, grad_x{nullptr, size[7], size[8], 0}, w((S*)p[2]),
        b((S*)p[3]) {
    for (const i64* columns = size + 9; columns < size + 9 + size[3]; columns++) {
      parts.push_back({G, *columns});
      G += *columns;
    }
    if (T * B * D * G < 500000) threads.count = 1;
  }

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

  void forward(S* y) const {
    Buffer panels(blocks(G) * LANES * D), bias(blocks(G) * LANES, true);
    for (i64 g = 0; b && g < G; g++) bias.p[g] = b[g];
    threads.run(blocks(G), [&](i64 i) { pack_gates(w, 1, G, D, i, panels.p + i * D * LANES); });
    auto x_rows = pointers<const S*>(x);
    auto y_rows = pointers<S*>({y, B * G, G, 0});
    std::vector<const S*> ones(rows(), &ONE);
    Segment all_D{0, D}, one{0, 1};
    Source sources[2] = {{x_rows.data(), &all_D, 1, panels.p, D * LANES},
                         {ones.data(), &one, 1, bias.p, LANES}};
    for_rows([&](i64 first, i64 last) {
      product(sources, b ? 2 : 1, first, last, y_rows.data(), G);
    });
  }

  // The gradients of x, W and b from those of the parts.
  void backward(S* const* grad_parts, S* grad_w, S* grad_b) const {
    if (grad_x.p) inputs(grad_parts);
    auto x_rows = pointers<const S*>(x);
    i64 total = 0;
    for (const Segment& part : parts) total += blocks(part.length);
    i64 pieces = std::max<i64>(1, std::min(shares(), total));
    Fixed<Buffer> spaces(pieces);
    for (i64 i = 0; i < pieces; i++) spaces.add(outer_space(1));
    threads.run(pieces, [&](i64 i) {
      i64 from = share(total, i, pieces), to = share(total, i + 1, pieces);
      for (size_t k = 0; k < parts.size(); k++) {
        i64 at = parts[k].at, n = blocks(parts[k].length);
        i64 first = std::max<i64>(0, from), last = std::min(n, to);
        if (first < last) {
          weights(grad_parts[k], parts[k].length, x_rows, first, last, grad_w + at * D, spaces[i].p);
          if (grad_b) biases(grad_parts[k], parts[k].length, first, last, grad_b + at);
        }
        from -= n, to -= n;
      }
    });
  }

  // The gradient of x.
  void inputs(S* const* grad_parts) const {
    Buffer panels(blocks(D) * LANES * G);
    threads.run(blocks(D), [&](i64 i) { pack_columns(w, 1, G, D, i, panels.p + i * G * LANES); });
    auto grad_rows = pointers<S*>(grad_x);
    std::vector<std::vector<const S*>> rows_of;
    std::vector<Segment> columns;
    for (size_t k = 0; k < parts.size(); k++) {
      i64 n = parts[k].length;
      rows_of.push_back(pointers<const S*>({grad_parts[k], B * n, n, 0}));
      columns.push_back({0, n});
    }
    std::vector<Source> sources;
    for (size_t k = 0; k < parts.size(); k++)
      sources.push_back({rows_of[k].data(), &columns[k], 1, panels.p + parts[k].at * LANES, G * LANES});
    for_rows([&](i64 first, i64 last) {
      product(sources.data(), sources.size(), first, last, grad_rows.data(), D);
    });
  }

  // The gradient (n, D) of some blocks of the rows of W that give a part, n columns of y. `outer`
  // reads whole registers, so the last rows, after which there may be no memory, are added here.
  void weights(const S* dy, i64 n, const std::vector<const S*>& x_rows, i64 first, i64 last, S* to,
               S* space) const {
    static const int slot[1] = {0};
    i64 beyond = blocks(n) * LANES - n, end = std::max<i64>(0, rows() - (beyond + n - 1) / n);
    outer({dy, n, 1, x_rows.data(), end, n, D, 1, slot, to}, first, last, space);
    for (i64 r = end; r < rows(); r++)
      for (i64 g = first * LANES; g < std::min(n, last * LANES); g++)
        for (i64 d = 0; d < D; d++) to[g * D + d] += dy[r * n + g] * x_rows[r][d];
  }

  // The gradient of some blocks of b: sums over rows, read in the order of memory.
  void biases(const S* dy, i64 n, i64 first, i64 last, S* to) const {
    i64 start = first * LANES, end = std::min(n, last * LANES);
    Buffer sums(blocks(n) * LANES, true);
    for (i64 r = 0; r < rows(); r++)
      for (i64 g = start; g < end; g += LANES)
        store(sums.p + g, load(sums.p + g) + load(dy + r * n + g, end - g));
    memcpy(to + start, sums.p + start, (end - start) * sizeof(S));
  }
};

extern "C" int seqtag_linear_forward(const i64* size, void* const* pointers) {
  try {
    Linear(size, pointers).forward((S*)pointers[4]);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_linear_backward(const i64* size, void* const* pointers) {
  try {
    Linear linear(size, pointers);
    linear.grad_x.p = (S*)pointers[4];
    linear.backward((S* const*)pointers + 7, (S*)pointers[5], (S*)pointers[6]);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
