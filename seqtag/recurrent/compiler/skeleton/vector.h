// Vectors of one machine register, functions on them, memory and threads. The same for all cells.
//
// S is the scalar type (float or double, a macro), V a vector of LANES scalars. The first use of a
// cell waits for the compiler, so there are few headers and few templates.

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>
// GCC has the two intrinsics as builtins; the header takes a second to compile.
#if defined(__AVX512F__) && defined(__clang__)
#include <immintrin.h>
#endif

// ROWS: the rows of a register tile. With TILE columns of vectors, a tile uses most registers of
// the instruction set and leaves some for the factors.
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
constexpr int ROWS = 6;
#elif defined(__AVX__)
#define VECTOR_BYTES 32
constexpr int ROWS = 3;
#else
#define VECTOR_BYTES 16
constexpr int ROWS = 3;
#endif
constexpr int TILE = 4;

#define INLINE static inline __attribute__((always_inline))
#define MEMBER inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef int64_t i64;
typedef S V __attribute__((vector_size(VECTOR_BYTES)));
typedef S Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(S)), may_alias));
constexpr int LANES = VECTOR_BYTES / sizeof(S);

INLINE V load(const S* p) { return *(const Unaligned*)p; }
INLINE void store(S* p, V v) { *(Unaligned*)p = v; }
INLINE V all(S x) { return x - V{}; }

// Loads or stores the first n lanes: the others are 0, or are not written.
#if defined(__AVX512F__) && SINGLE
#if defined(__clang__)
#define LOAD_MASKED(p, mask) (V)_mm512_maskz_loadu_ps(mask, p)
#define STORE_MASKED(p, v, mask) _mm512_mask_storeu_ps(p, mask, (__m512)(v))
#else
#define LOAD_MASKED(p, mask) (V)__builtin_ia32_loadups512_mask(p, V{}, mask)
#define STORE_MASKED(p, v, mask) __builtin_ia32_storeups512_mask(p, v, mask)
#endif
INLINE V load(const S* p, i64 n) {
  return n >= LANES ? load(p) : LOAD_MASKED(p, (1u << n) - 1);
}
INLINE void store(S* p, V v, i64 n) {
  if (n >= LANES) return store(p, v);
  STORE_MASKED(p, v, (1u << n) - 1);
}
#else
INLINE V load(const S* p, i64 n) {
  if (n >= LANES) return load(p);
  V v = {};
  for (i64 i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE void store(S* p, V v, i64 n) {
  if (n >= LANES) return store(p, v);
  for (i64 i = 0; i < n; i++) p[i] = v[i];
}
#endif

// Swaps those lanes of a whose number has the bit D with those of b, D lower, that do not have it.
template <int D, int... I>
INLINE void swap_lanes(V& a, V& b, std::integer_sequence<int, I...>) {
#if defined(__clang__)
  V low = __builtin_shufflevector(a, b, ((I & D) ? LANES + I - D : I)...);
  b = __builtin_shufflevector(a, b, ((I & D) ? LANES + I : I + D)...);
#else
  typedef decltype(V{} < V{}) Lanes;
  V low = __builtin_shuffle(a, b, Lanes{((I & D) ? LANES + I - D : I)...});
  b = __builtin_shuffle(a, b, Lanes{((I & D) ? LANES + I : I + D)...});
#endif
  a = low;
}

// Transposes a square matrix of LANES registers: blocks of D rows and columns change places.
template <int D = 1>
INLINE void transpose(V (&rows)[LANES]) {
  if constexpr (D < LANES) {
    UNROLL for (int i = 0; i < LANES; i++) if (!(i & D))
        swap_lanes<D>(rows[i], rows[i + D], std::make_integer_sequence<int, LANES>{});
    transpose<2 * D>(rows);
  }
}

INLINE V above(V a, V b) { return a > b ? all(1) : all(0); }
INLINE V at_least(V a, V b) { return a >= b ? all(1) : all(0); }
// NaN stays NaN: every comparison with it is false.
INLINE V maximum(V a, V b) { return a >= b || a != a ? a : b; }
INLINE V relu(V x) { return x < all(0) ? all(0) : x; }

template <typename F>
INLINE V each(V x, F f) {
  for (int i = 0; i < LANES; i++) x[i] = f(x[i]);
  return x;
}

INLINE V square_root(V x) {
  return each(x, [](S v) { return (S)(SINGLE ? __builtin_sqrtf(v) : __builtin_sqrt(v)); });
}

#if SINGLE
typedef int32_t VI __attribute__((vector_size(VECTOR_BYTES)));

// exp: x = n ln 2 + r, a polynomial in r, then two factors of 2^n, for results near the ends of the
// range. 0 below -104, infinite above 89. Error: 2 ulp.
INLINE V exponential(V x) {
  x = x > all(89.0f) ? all(89.0f) : x;
  x = x < all(-104.0f) ? all(-104.0f) : x;
  const V magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  V t = x * 1.44269504089f + magic;
  VI n = (VI)t - (VI)magic;
  V k = t - magic;
  V r = x - k * 0.693145751953125f;  // ln 2 in two parts, the first with few digits
  r = r - k * 1.42860682030941723e-6f;
  V p = all(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  VI half = n >> 1;
  return p * (V)((half + 127) << 23) * (V)((n - half + 127) << 23);
}

// tanh: a rational function fitted for minimal relative error; +-1 beyond 9.02.
INLINE V tangent(V x) {
  const V end = all(9.02f);
  x = x > end ? end : x;
  x = x < -end ? -end : x;
  V s = x * x;
  V p = all(-8.436051133e-14f);
  p = p * s + 5.257780944e-11f;
  p = p * s - 2.018397153e-08f;
  p = p * s + 1.114425685e-05f;
  p = p * s + 3.103001422e-03f;
  p = p * s + 1.308315694e-01f;
  p = p * s + 9.999999932e-01f;
  V q = all(2.544751288e-04f);
  q = q * s + 2.449138133e-02f;
  q = q * s + 4.641648391e-01f;
  q = q * s + 1.0f;
  V y = x * p / q;
  y = y > all(1) ? all(1) : y;  // rounding may exceed 1, and 1 - y * y must not be negative
  return y < all(-1) ? all(-1) : y;
}

// sin, or with `quarters` = 1 cos: x + quarters pi/2 = n pi/2 + r, then a polynomial in r. Absolute
// error: 1e-7 up to |x| = 1e4; beyond, digits are lost, but the result stays in [-1, 1].
INLINE V circular(V x, int quarters) {
  const V magic = all(12582912.0f), end = all(0.79f);
  V t = x * 0.636619772f + magic;
  VI n = (VI)t - (VI)magic + quarters;
  V k = t - magic;
  V r = x - k * 1.5703125f;  // pi/2 in three parts, the first two with few digits
  r = r - k * 4.837512969970703e-4f;
  r = r - k * 7.549789954891882e-8f;
  r = r > end ? end : r;
  r = r < -end ? -end : r;
  V s = r * r;
  V p = all(-1.9515295891e-4f);
  p = p * s + 8.3321608736e-3f;
  p = p * s - 1.6666654611e-1f;
  V q = all(2.443315711809948e-5f);
  q = q * s - 1.388731625493765e-3f;
  q = q * s + 4.166664568298827e-2f;
  V y = (n & 1) == 1 ? (q * s - 0.5f) * s + 1.0f : p * s * r + r;
  return (n & 2) == 2 ? -y : y;
}
INLINE V sine(V x) { return circular(x, 0); }
INLINE V cosine(V x) { return circular(x, 1); }

// log(1 + e) for e in [0, 1]: 2 artanh(e / (2 + e)) as a series.
INLINE V log_of_one_and(V e) {
  V u = e / (2.0f + e), s = u * u;
  V p = all(1.0f / 15);
  p = p * s + 1.0f / 13;
  p = p * s + 1.0f / 11;
  p = p * s + 1.0f / 9;
  p = p * s + 1.0f / 7;
  p = p * s + 1.0f / 5;
  p = p * s + 1.0f / 3;
  p = p * s + 1.0f;
  return 2.0f * u * p;
}
#else
INLINE V exponential(V x) {
  return each(x, [](S v) { return __builtin_exp(v); });
}
INLINE V tangent(V x) {
  return each(x, [](S v) { return __builtin_tanh(v); });
}
INLINE V sine(V x) {
  return each(x, [](S v) { return __builtin_sin(v); });
}
INLINE V cosine(V x) {
  return each(x, [](S v) { return __builtin_cos(v); });
}
INLINE V log_of_one_and(V e) {
  return each(e, [](S v) { return __builtin_log1p(v); });
}
#endif

// From exp, because tanh would lose the digits of small values.
INLINE V sigmoid(V x) { return 1 / (1 + exponential(-x)); }
INLINE V log_sigmoid(V x) {
  V size = x < all(0) ? -x : x;
  return (x < all(0) ? x : all(0)) - log_of_one_and(exponential(-size));
}

// Aligned memory that can be read up to one vector past its end.
struct Buffer {
  S* p = nullptr;
  explicit Buffer(i64 n = 0, bool clear = false) {
    if (n == 0) return;
    size_t bytes = ((n + 2 * LANES) * sizeof(S) + 63) / 64 * 64;
    p = (S*)aligned_alloc(64, bytes);
    if (p == nullptr) throw std::bad_alloc();
    if (clear) memset(p, 0, bytes);
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { free(p); }
};

// A vector of at most `room` objects, constructed one by one, that never move.
template <typename T>
struct Fixed {
  T* first;
  i64 count = 0;
  explicit Fixed(i64 room) : first((T*)::operator new(room * sizeof(T))) {}
  Fixed(const Fixed&) = delete;
  ~Fixed() {
    while (count > 0) first[--count].~T();
    ::operator delete(first);
  }
  template <typename... Args>
  void add(const Args&... args) {
    new (first + count) T(args...);
    count++;
  }
  T& operator[](i64 i) const { return first[i]; }
};

// Runs a function on several threads: those of the process's OpenMP team if there is one.
typedef void (*Team)(void (*)(void*), void*, unsigned, unsigned);

struct Threads {
  i64 count;
  Team team;

  // Calls f(i) for i in 0 .. tasks-1. Each free thread takes the next task, so any number of
  // threads works: inside another parallel region it is one.
  template <typename F>
  void run(i64 tasks, const F& f) const {
    Work work{{0}, tasks, [](const void* f, i64 i) { (*(const F*)f)(i); }, &f};
    share_out(work, std::min(count, tasks));
  }

 private:
  struct Work {
    std::atomic<i64> next;
    i64 tasks;
    void (*call)(const void*, i64);
    const void* f;
  };

  static void take(void* pointer) {
    Work& work = *(Work*)pointer;
    for (i64 i; (i = work.next++) < work.tasks;) work.call(work.f, i);
  }

  void share_out(Work& work, i64 n) const {
    if (n > 1 && team != nullptr) return team(take, &work, (unsigned)n, 0);
    std::vector<pthread_t> helpers;
    helpers.reserve(n);
    auto body = [](void* pointer) -> void* { return take(pointer), nullptr; };
    for (pthread_t helper; (i64)helpers.size() + 1 < n; helpers.push_back(helper))
      if (pthread_create(&helper, nullptr, body, &work)) break;
    take(&work);
    for (pthread_t helper : helpers) pthread_join(helper, nullptr);
  }
};

// The first item of share i, if n items are split into `shares` nearly equal shares.
INLINE i64 share(i64 n, i64 i, i64 shares) { return n * i / shares; }

// Splits n into nearly equal parts of at most `most`, and calls f(start, size) for each.
template <typename F>
INLINE void parts(i64 n, i64 most, const F& f) {
  i64 count = (n + most - 1) / most;
  for (i64 i = 0; i < count; i++)
    f(share(n, i, count), (int)(share(n, i + 1, count) - share(n, i, count)));
}

INLINE i64 blocks(i64 n) { return (n + LANES - 1) / LANES; }
