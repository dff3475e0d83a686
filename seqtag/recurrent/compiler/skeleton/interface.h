// The kernel's two C functions. Both return 0, or 1 if memory runs out.
//
// size: T, B, D, H, directions, threads, entries, then the strides (batch, time) of x and y, and in
// the backward pass those of y's gradient and x's gradient.
// pointers, in this order; null if absent (masks of noise are among the vectors):
//   team; lengths (int64, (B)); index (int64, (B, T), forward pass only: x is a table); x; y; in
//   the backward pass y's gradient and x's gradient.
//   Then for each direction w, bias, r of each product, vectors, initial states, final states (in
//   the backward pass their gradients), kept, scalars, the path of each state except the output,
//   operands, shown values (in the backward pass their gradients), and in the backward pass the
//   gradients of initial states, w, bias, r and vectors.

struct Pointers {
  void* const* p;
  S* next() { return (S*)*p++; }
  template <typename T>
  void fill(T* to, int n) {
    for (int i = 0; i < n; i++) to[i] = next();
  }
};

static Side read_side(Pointers& from) {
  Side side{};
  side.w = from.next();
  side.bias = from.next();
  from.fill(side.r, PRODUCTS);
  from.fill(side.unit, UNITS);
  from.fill(side.initial, STATES);
  from.fill(side.final, STATES);
  side.kept = from.next();
  side.scalars = from.next();
  from.fill(side.path + 1, STATES - 1);
  from.fill(side.operand, OPERANDS);
  from.fill(side.shown, SHOWN);
  return side;
}

static SideGradients read_gradients(Pointers& from, const Side& side) {
  SideGradients to{};
  for (int q = 0; q < STATES; q++) to.final[q] = side.final[q];
  from.fill(to.initial, STATES);
  to.w = from.next();
  to.bias = from.next();
  from.fill(to.r, PRODUCTS);
  from.fill(to.unit, UNITS);
  return to;
}

static Layer read_layer(const i64* size, Pointers& from) {
  Team team = (Team)from.next();
  Schedule schedule(size[0], size[1], (const i64*)from.next());
  const i64* index = (const i64*)from.next();
  Sequence x{from.next(), size[7], size[8]}, y{from.next(), size[9], size[10]};
  return Layer{size[2], size[3], size[4], Threads{size[5], team}, std::move(schedule), x, y,
               index,   size[6], {}};
}

extern "C" int seqtag_forward(const i64* size, void* const* pointers) {
  try {
    Pointers from{pointers};
    Layer layer = read_layer(size, from);
    for (i64 d = 0; d < layer.directions; d++) layer.sides[d] = read_side(from);
    run_forward(layer);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_backward(const i64* size, void* const* pointers) {
  try {
    Pointers from{pointers};
    Layer layer = read_layer(size, from);
    LayerGradients gradients{
        {from.next(), size[11], size[12]}, {from.next(), size[13], size[14]}, {}};
    for (i64 d = 0; d < layer.directions; d++) {
      layer.sides[d] = read_side(from);
      gradients.sides[d] = read_gradients(from, layer.sides[d]);
    }
    run_backward(layer, gradients);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_lanes() { return LANES; }
