// The two C functions. Both return 0, or 1 if memory runs out.
//
// size: T, B, A, N, E, ones, solved, replaces, vector, shared, silu_query, silu_key,
// silu_value, unit, threads, then the strides of each
// array (time, batch, head; of a state: row, batch, head), in the order of the pointers.
// pointers: team; lengths (int64, (B)); starts; solutions; then the arrays.

struct Arguments {
  const i64* size;
  void* const* pointer;
  Array next() {
    Array array{(S*)*pointer++, size[0], size[1], size[2]};
    size += 3;
    return array;
  }
};

struct Call {
  Team team;
  Problem problem;
  Forward forward;
  Arguments from;

  Call(const i64* size, void* const* pointers)
      : team((Team)pointers[0]),
        problem{size[0], size[1], size[2],  size[3], size[4], size[5], size[6] != 0, size[7] != 0,
                size[8] != 0, size[9] != 0, size[10] != 0, size[11] != 0, size[12] != 0,
                size[13] != 0, Threads{size[14], team}, (const i64*)pointers[1], {}},
        forward{problem, {}, {}, (S*)pointers[2], (S*)pointers[3]},
        from{size + 15, pointers + 4} {
    Arrays& in = problem.in;
    for (Array* array : {&in.query, &in.key, &in.value, &in.decay, &in.strength, &in.read_key,
                         &in.write_key, &in.bound, &in.skip, &in.output, &in.norm})
      *array = from.next();
  }
};

extern "C" int seqtag_matrix_forward(const i64* size, void* const* pointers) {
  try {
    Call call(size, pointers);
    call.forward.initial = call.from.next();
    call.forward.final = call.from.next();
    run_forward(call.forward);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_matrix_backward(const i64* size, void* const* pointers) {
  try {
    Call call(size, pointers);
    Backward pass{call.forward, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    for (Array* array : {&pass.grad_output, &pass.grad_final, &pass.query, &pass.key, &pass.value,
                         &pass.decay, &pass.strength, &pass.read_key, &pass.write_key,
                         &pass.skip, &pass.initial})
      *array = call.from.next();
    run_backward(pass);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

extern "C" int seqtag_matrix_steps() { return STEPS; }
