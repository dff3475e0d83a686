// Values of one sequence that combine its units: sums, means and largest values, which are the same
// for every unit (scalars), and running sums. The same for all cells.

// Adds register `block` of units to a reduction; only the first n lanes are units.
INLINE void add_lanes(S* partial, i64 block, V v, i64 n) {
  for (i64 i = n; i < LANES; i++) v[i] = 0;
  store(partial, block ? load(partial) + v : v);
}
INLINE void add_largest_lanes(S* partial, i64 block, V v, i64 n) {
  for (i64 i = n; i < LANES; i++) v[i] = -__builtin_inf();
  store(partial, block ? maximum(load(partial), v) : v);
}

// What the functions `..._scalars` of the generated part read and write, between two stages.
template <int COUNT>
struct ScalarsAt {
  const S* partial;  // (reductions, LANES)
  const S* forward;  // in the backward pass the scalars of the forward pass
  S *scalars, *temporaries;
  i64 H;

  MEMBER V scalar(int i) const { return all(scalars[i]); }
  MEMBER V forward_scalar(int i) const { return all(forward[i]); }
  MEMBER void set_scalar(int i, V v) const { scalars[i] = v[0]; }
  MEMBER V sum(int i) const {
    S total = 0;
    for (int l = 0; l < LANES; l++) total += partial[i * LANES + l];
    return all(total);
  }
  MEMBER V mean(int i) const { return sum(i) / (S)H; }
  MEMBER V largest(int i) const {
    V most = all(partial[i * LANES]);
    for (int l = 1; l < LANES; l++) most = maximum(most, all(partial[i * LANES + l]));
    return most;
  }
  // Replaces a temporary by its running sum.
  MEMBER void running_sum(int i) const {
    S total = 0;
    for (i64 u = 0; u < H; u++) add_unit(i, u, total);
  }
  MEMBER void running_sum_reversed(int i) const {
    S total = 0;
    for (i64 u = H - 1; u >= 0; u--) add_unit(i, u, total);
  }
  MEMBER void add_unit(int i, i64 u, S& total) const {
    S& value = temporaries[(u / LANES * COUNT + i) * LANES + u % LANES];
    value = total += value;
  }
};
