// Find the window of a word with the highest score under each filter; S is float or double.
//
// Sizes: U words, W characters of a row, V distinct characters, F filters, k characters of a window.
// characters (U, W): each word has k - 1 zeros before it and at least as many after it.
// Window p starts at character p; a word has counts[u] windows. table (k, V, F): what a character
// at a position in a window adds to the score of each filter.

#include <algorithm>
#include <cmath>
#include <cstdint>

// The compiler vectorises the loops over filters from here on.
#pragma GCC optimize("O3")

typedef int64_t i64;

struct Sizes {
  i64 U, W, V, F, k;
};

// best, window: for at most PIECE filters, the highest score of each filter among windows 0 .. n-1
// and the first window with this score. NaN counts as the highest, as in torch.
constexpr i64 PIECE = 64;
static void search_piece(const Sizes& size, const i64* word, i64 n, const S* table, i64 filters,
                         S* __restrict best, int32_t* __restrict window) {
  for (i64 f = 0; f < filters; f++) best[f] = -INFINITY, window[f] = 0;
  for (int32_t p = 0; p < n; p++) {
    S score[PIECE];
    const S* first = table + word[p] * size.F;
    for (i64 f = 0; f < filters; f++) score[f] = first[f];
    for (i64 j = 1; j < size.k; j++) {
      const S* row = table + (j * size.V + word[p + j]) * size.F;
      for (i64 f = 0; f < filters; f++) score[f] += row[f];
    }
    for (i64 f = 0; f < filters; f++) {
      bool better = (score[f] > best[f]) | (score[f] != score[f]);
      best[f] = better ? score[f] : best[f];
      window[f] = better ? p : window[f];
    }
  }
}

// best, window: (U, F).
extern "C" void seqtag_search(const Sizes* size, const i64* characters, const i64* counts,
                              const S* table, S* best, int32_t* window) {
  for (i64 u = 0; u < size->U; u++)
    for (i64 f = 0; f < size->F; f += PIECE)
      search_piece(*size, characters + u * size->W, counts[u], table + f,
                   std::min(PIECE, size->F - f), best + u * size->F + f, window + u * size->F + f);
}

// Add the gradient of best to that of the table.
extern "C" void seqtag_spread(const Sizes* size, const i64* characters, const int32_t* window,
                              const S* grad, S* grad_table) {
  for (i64 u = 0; u < size->U; u++)
    for (i64 f = 0; f < size->F; f++) {
      i64 at = u * size->F + f;
      const i64* seen = characters + u * size->W + window[at];
      for (i64 j = 0; j < size->k; j++)
        grad_table[(j * size->V + seen[j]) * size->F + f] += grad[at];
    }
}
