#!/usr/bin/env bash
# Check this clone on a machine with a GPU, in at most eight minutes: exactness, speed, training.
#
#   scripts/check_gpu.sh --wheels DIR     # missing packages come from DIR, see scripts/wheels.py
#   scripts/check_gpu.sh --path FOLDER    # train.txt and test.txt of CoNLL-2000; else generated text
#   scripts/check_gpu.sh --device cpu     # small, without a GPU: checks this script
#
# Nothing is downloaded. A step that fails or takes too long does not stop the next one. The folder
# --output (by default $OUT if that is set, else logs/gpu) gets check_gpu.log, check_gpu.json,
# bench_gpu.csv and metrics.json. PYTHON is the interpreter, by default python3.
#
# Exit status: 0 if all steps passed, 1 if one failed, 2 if there is no GPU or an option is wrong.
set -uo pipefail
root=$(realpath "$(dirname "$0")/..")
python=${PYTHON:-python3} output=${OUT:-logs/gpu} wheels="" corpus="" device=cuda

while (($#)); do
  case $1 in
    --wheels | --path | --output | --device)
      (($# > 1)) || { echo "$1 needs a value" >&2; exit 2; } ;;&
    --wheels) wheels=$(realpath -m "$2") ;;
    --path) corpus=$(realpath -m "$2") ;;
    --output) output=$2 ;;
    --device) device=$2 ;;
    -h | --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "$0"; exit 0 ;;
    *) echo "unknown option $1; see --help" >&2; exit 2 ;;
  esac
  shift 2
done
for folder in "$wheels" "$corpus"; do
  [[ -z $folder || -d $folder ]] || { echo "$folder: there is no such folder" >&2; exit 2; }
done
case $device in
  cuda)
    "$python" -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2>/dev/null ||
      { echo "no GPU: $python has no torch, or torch.cuda.is_available() is False" >&2; exit 2; } ;;
  cpu) ;;
  *) echo "--device must be cuda or cpu, not $device" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$(realpath -m "$output")
mkdir -p "$output" && cd "$root" || exit 2
log=$output/check_gpu.log
: >"$log"
export PYTHONPATH=$work/site:$root${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 COLUMNS=120
export SEQTAG_TEST_DEVICE=$device SEQTAG_CACHE=${SEQTAG_CACHE:-$work/cache}
names=() states=() seconds=()

# step NAME LIMIT COMMAND ...: run a command for at most LIMIT seconds; record how it ended.
step() {
  local name=$1 limit=$2 started=$SECONDS code=0 state=passed
  shift 2
  echo "== $name" | tee -a "$log"
  echo "$*" >>"$log"
  timeout -k 5 "$limit" "$@" >"$work/out" 2>&1 </dev/null || code=$?
  if ((code == 124 || code == 137)); then
    state="stopped after $limit s"
  elif ((code)); then
    state="failed, exit code $code"
  fi
  cat "$work/out" >>"$log"
  tail -n 25 "$work/out"
  names+=("$name") states+=("$state") seconds+=($((SECONDS - started)))
}

report='
import platform, sys
import numpy, torch
print("python", platform.python_version(), "torch", torch.__version__, "numpy", numpy.__version__)
try:
    import triton
    print("triton", triton.__version__)
except ImportError as error:
    print("triton:", error)
if sys.argv[1] == "cuda":
    print(torch.cuda.get_device_name(), "CUDA", torch.version.cuda)
import seqtag.commands.train, seqtag.tagging.tagger
'
[[ -z $wheels ]] ||
  step packages 20 "$python" scripts/wheels.py install "$wheels" --target "$work/site"
step environment 40 "$python" -c "$report" "$device"

tests=(-m gpu tests/gpu -n "$(nproc)" --maxprocesses=14 --durations=10)
bench=(--device "$device" --csv "$output/bench_gpu.csv")
training=(cell=lstm_peephole callbacks.progress.bar=false "hydra.run.dir=$work/run")
if [[ -n $corpus ]]; then
  bench+=(--path "$corpus")
  training+=(experiment=conll2000 "data.path=$corpus" trainer.max_epochs=2)
else
  training+=(trainer.max_epochs=3)
fi
if [[ $device == cpu ]]; then
  tests+=(-k "lstm_peephole and not wide and not training")
  bench+=(--small)
  training+=(trainer=cpu data.train=400 data.dev=40 data.test=40 trainer.max_epochs=1)
else
  training+=(trainer=gpu)
fi
# Other versions of packages may warn of other things.
step exactness 170 "$python" -m pytest "${tests[@]}" -W default
step speed 190 "$python" scripts/bench_gpu.py "${bench[@]}" --compile-seconds 90
step training 60 "$python" -m seqtag.cli train "${training[@]}"
[[ ! -f $work/run/metrics.json ]] || cp "$work/run/metrics.json" "$output/"

failed=0 json=""
echo "== summary" | tee -a "$log"
for i in "${!names[@]}"; do
  printf '%-12s %4s s  %s\n' "${names[i]}" "${seconds[i]}" "${states[i]}" | tee -a "$log"
  [[ ${states[i]} == passed ]] || failed=1
  json+="${json:+, }{\"step\": \"${names[i]}\", \"state\": \"${states[i]}\", "
  json+="\"seconds\": ${seconds[i]}}"
done
echo "{\"device\": \"$device\", \"steps\": [$json]}" >"$output/check_gpu.json"
echo "results in $output"
exit "$failed"
