// Which sequences run at which step, and the index of their rows. The same for all cells.

// Sequences are ranked by length, longest first; those longer than s run at step s. Step s of rank
// i is row start[s] + i of kept values, so nothing is stored for padding.
struct Schedule {
  i64 T, B;
  std::vector<i64> order, length, start;  // by rank, by rank, by step

  Schedule(i64 T, i64 B, const i64* lengths) : T(T), B(B), order(B), length(B), start(T + 1, 0) {
    auto of = [&](i64 b) { return lengths ? lengths[b] : T; };
    std::vector<i64> rank(T + 1, 0);  // by length: the count, then the next rank
    for (i64 b = 0; b < B; b++) rank[of(b)]++;
    for (i64 s = T, longer = 0; s >= 0; s--) longer += std::exchange(rank[s], longer);
    for (i64 s = 0; s < T; s++) start[s + 1] = start[s] + rank[s];  // rank[s] are longer than s
    for (i64 b = 0; b < B; b++) {
      i64 i = rank[of(b)]++;
      order[i] = b, length[i] = of(b);
    }
  }
  i64 rows() const { return start[T]; }
  // The time of step s of a rank: the second direction starts at the sequence's end.
  i64 time(i64 rank, i64 s, i64 direction) const { return direction ? length[rank] - 1 - s : s; }
};

// The ranks that one task runs: every `count`-th, so that tasks have long and short sequences.
struct Chunk {
  const Schedule& schedule;
  i64 first, count;

  i64 size() const { return (schedule.B - first + count - 1) / count; }
  i64 rank(i64 i) const { return first + i * count; }
  // The number of sequences that run at step s; these come first.
  i64 running(i64 s) const {
    i64 all = s < schedule.T ? schedule.start[s + 1] - schedule.start[s] : 0;
    return all > first ? (all - first + count - 1) / count : 0;
  }
  i64 steps() const { return size() > 0 ? schedule.length[first] : 0; }
  i64 row(i64 i, i64 s) const { return schedule.start[s] + rank(i); }
};

// A tensor (batch, time, features) with contiguous features.
struct Sequence {
  S* p;
  i64 batch, time;  // strides
  S* at(i64 b, i64 t) const { return p + b * batch + t * time; }
};
