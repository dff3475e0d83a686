// The best label path, and sums over all label paths, of each sentence of a batch.
//
// Sizes: B sentences, T words, K labels. lengths (B): words of each sentence, 0 to T. Nothing is
// written after a sentence's end.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

// The compiler vectorises the loops over labels.
#pragma GCC optimize("O3")

typedef int64_t i64;

struct Sizes {
  i64 B, T, K, gradients;
};

// best[i] = the best score of a step from label i to some label j and of all steps after it.
static void best_steps(i64 K, const S* to, const S* after, S* __restrict best) {
  for (i64 i = 0; i < K; i++) best[i] = -INFINITY;
  for (i64 j = 0; j < K; j++)
    for (i64 i = 0; i < K; i++) {
      S score = to[j * K + i] + after[j];
      best[i] = score > best[i] ? score : best[i];
    }
}

// The first label with the highest score of a step (at `stride`) and of all steps after it.
static i64 best_label(i64 K, const S* step, i64 stride, const S* after) {
  i64 best = 0;
  for (i64 k = 1; k < K; k++)
    if (step[k * stride] + after[k] > step[best * stride] + after[best]) best = k;
  return best;
}

// emissions (B, T, K), start (K), to (K, K): score of a step, by its second label, then its first;
// end (K). -INFINITY forbids a step. suffix (T, K): scratch memory. labels (B, T): unchanged for
// sentences without an allowed path.
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

// to[j] = sum over i of from[i] * step[i][j].
static void multiply(i64 K, const S* from, const S* step, S* __restrict to) {
  for (i64 j = 0; j < K; j++) to[j] = 0;
  for (i64 i = 0; i < K; i++)
    for (i64 j = 0; j < K; j++) to[j] += from[i] * step[i * K + j];
}

// to = before * weight / sum; returns the sum. If no path is allowed, the sum and `to` are 0.
static S scale(i64 K, const S* before, const S* weight, S* to) {
  S sum = 0;
  for (i64 k = 0; k < K; k++) sum += to[k] = before[k] * weight[k];
  sum = std::max(sum, std::numeric_limits<S>::min());
  for (i64 k = 0; k < K; k++) to[k] /= sum;
  return sum;
}

// The backward pass of one sentence: marginals, and expected counts of steps, given `forward`.
static void sums_back(i64 K, i64 n, const S* weight, const S* step, const S* transposed,
                      const S* last, const S* forward, S* before, S* after, S* marginals,
                      S* __restrict counts) {
  std::copy(last, last + K, before);
  for (i64 t = n - 1; t >= 0; t--) {
    if (t < n - 1) {
      scale(K, before, weight + (t + 1) * K, after);
      multiply(K, after, transposed, before);
    }
    S mass = 0, *at = marginals + t * K;
    for (i64 k = 0; k < K; k++) mass += at[k] = forward[t * K + k] * before[k];
    S share = mass != 0 ? 1 / mass : 0;
    for (i64 k = 0; k < K; k++) at[k] *= share;
    for (i64 i = 0; i < K && t < n - 1; i++) {
      S from = forward[t * K + i] * share;
      for (i64 j = 0; j < K; j++) counts[i * K + j] += from * after[j];
    }
  }
  for (i64 i = 0; i < K * K; i++) counts[i] *= step[i];
}

// Factors: weight (B, T, K) of a label; first (K); step (K, K), by its first label and then its
// second; the same transposed; last (K). room (T + 2, K): scratch memory. Results as in
// `scaled_sums`; total, marginals and counts must be 0 before, the last two are used only with
// gradients.
extern "C" void seqtag_sums(const Sizes* size, const S* weight, const S* first, const S* step,
                            const S* transposed, const S* last, const i64* lengths, S* room,
                            S* total, S* scales, S* marginals, S* counts) {
  i64 K = size->K;
  S *before = room, *after = room + K, *forward = room + 2 * K;
  for (i64 b = 0; b < size->B; b++, weight += size->T * K, scales += size->T) {
    i64 n = lengths[b];
    if (n == 0) continue;
    for (i64 t = 0; t < n; t++) {
      if (t) multiply(K, forward + (t - 1) * K, step, before);
      scales[t] = scale(K, t ? before : first, weight + t * K, forward + t * K);
    }
    for (i64 k = 0; k < K; k++) total[b] += forward[(n - 1) * K + k] * last[k];
    if (size->gradients)
      sums_back(K, n, weight, step, transposed, last, forward, before, after,
                marginals + b * size->T * K, counts + b * K * K);
  }
}
