// The best label paths of a batch of sentences.
//
// sizes: B sentences, T words, K labels.
// emissions (B, T, K), start (K), to (K, K): score of a step, by its second label and then its first;
// end (K); lengths (B), 0 to T. -INFINITY forbids a step. suffix (T, K): room to work in.
// labels (B, T): written up to a sentence's end; where no path is allowed, not at all.

#include <cmath>
#include <cstdint>

// Loops over labels are left to the compiler, which takes them up from here on.
#pragma GCC optimize("O3")

typedef int64_t i64;

struct Sizes {
  i64 B, T, K;
};

// best[i] = the best score of a step from label i to some j and of all that can follow there.
static void best_steps(i64 K, const S* to, const S* after, S* __restrict best) {
  for (i64 i = 0; i < K; i++) best[i] = -INFINITY;
  for (i64 j = 0; j < K; j++)
    for (i64 i = 0; i < K; i++) {
      S score = to[j * K + i] + after[j];
      best[i] = score > best[i] ? score : best[i];
    }
}

// The first label with the highest score of a step, `stride` apart, and of what can follow.
static i64 best_label(i64 K, const S* step, i64 stride, const S* after) {
  i64 best = 0;
  for (i64 k = 1; k < K; k++)
    if (step[k * stride] + after[k] > step[best * stride] + after[best]) best = k;
  return best;
}

extern "C" void seqtag_best_path(const Sizes* size, const S* emissions, const S* start, const S* to,
                                 const S* end, const i64* lengths, S* suffix, i64* labels) {
  i64 K = size->K;
  for (i64 b = 0; b < size->B; b++, emissions += size->T * K, labels += size->T) {
    i64 last = lengths[b] - 1;
    if (last < 0) continue;
    for (i64 k = 0; k < K; k++) suffix[last * K + k] = emissions[last * K + k] + end[k];
    for (i64 t = last - 1; t >= 0; t--) {
      S* at = suffix + t * K;
      best_steps(K, to, at + K, at);
      for (i64 k = 0; k < K; k++) at[k] += emissions[t * K + k];
    }
    i64 label = best_label(K, start, 1, suffix);
    if (start[label] + suffix[label] == -INFINITY) continue;
    labels[0] = label;
    for (i64 t = 1; t <= last; t++)
      labels[t] = label = best_label(K, to + label, K, suffix + t * K);
  }
}
