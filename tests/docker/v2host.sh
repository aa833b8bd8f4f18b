#!/usr/bin/env bash
# Runs tests/docker on a cgroup v2 host with a modern engine, booted in emulation; its exit code is pytest's.
# usage: v2host.sh [--demo] [V2_HOST] [pytest words...]   (without: the files that depend on cgroups and engine)
#   --demo: the demo in containers instead, with its wheels brought along; takes ten minutes and more.
#   V2_HOST: the program that boots the machine; default $MCPTOP_V2_HOST, else ../shared/tools/v2-host beside the repository.
#   PYTHON: an interpreter with pip (default .venv/bin/python).  MCPTOP_V2_TIMEOUT: seconds for everything in the machine.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
demo=
if [[ ${1:-} == --demo ]]; then demo=1; shift; fi
v2_host=${MCPTOP_V2_HOST:-$root/../shared/tools/v2-host}
if [[ ${1:-} && ${1:-} != -* ]]; then v2_host=$1; shift; fi
if [[ ! -x $v2_host ]]; then
  echo "v2host.sh: no program $v2_host: name the one that boots a cgroup v2 host as first argument or in MCPTOP_V2_HOST" >&2
  exit 2
fi
python=${PYTHON:-$root/.venv/bin/python}
[[ -x $(command -v "$python") ]] || python=python3

payload=$(mktemp -d "${TMPDIR:-/tmp}/mcptop-v2host.XXXXXX")
trap 'rm -rf "$payload"' EXIT
# The machine has Python 3.13 and no network: the dependencies travel as wheels for it. pytest-asyncio is there
# because pyproject.toml configures it.
"$python" - "$root/pyproject.toml" >"$payload/requirements.txt" <<'PYTHON'
import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"], "pytest>=8.3", "pytest-asyncio>=0.25", "pytest-xdist>=3.6", "pytest-timeout>=2.3", sep="\n")
PYTHON
pip=("$python" -m pip --quiet --disable-pip-version-check)
for_it=(--python-version 3.13 --implementation cp --only-binary=:all: --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64)
"${pip[@]}" install --no-compile --target "$payload/deps" "${for_it[@]}" --requirement "$payload/requirements.txt"
mkdir "$payload/repo"
tar -C "$root" --exclude=__pycache__ --exclude=tests/fixtures -cf - mcptop tests pyproject.toml | tar -C "$payload/repo" -xf -

what=tests/docker settings= limit=900
if [[ $demo ]]; then
  # The image's requirements are those mcptop was installed with, so it has to be installed. Of the machine's folders only
  # the engine's is on a disk.
  "${pip[@]}" wheel --no-deps --wheel-dir "$payload/wheels" "$root"
  "$python" -m zipfile --extract "$payload"/wheels/mcptop-*.whl "$payload/deps"
  (cd "$root" && "$python" -c 'from mcptop.demo.containers.image import requirements; print(*requirements(), "pip", sep="\n")') >"$payload/demo.txt"
  "${pip[@]}" download --dest "$payload/wheels" "${for_it[@]}" --requirement "$payload/demo.txt"
  what=tests/docker/test_demo_docker.py settings="MCPTOP_TEST_WHEELS=/host/wheels MCPTOP_TEST_PATIENCE=12 LOAD_PER_MINUTE=40 TMPDIR=/var/lib/docker" limit=1800
  [[ $# -gt 0 ]] || set -- --durations 5
fi

# Emulation is slow: both cores work, and what depends neither on the cgroups nor on what a newer engine tells of a
# container is left to the host's own run. Any words (`v2host.sh -n 2`) run all of tests/docker.
if [[ $# -eq 0 ]]; then
  what=$(printf 'tests/docker/test_docker_%s.py ' api_only cpu memory steps)
  set -- -n 2 --dist loadfile --no-loadscope-reorder --maxfail 3
fi
words=$(printf ' %q' "$@")
cat >"$payload/job" <<JOB
#!/bin/sh
docker import /base.tar mcptop-test:1 >/dev/null || exit 1
export PYTHONPATH=/host/deps MCPTOP_REQUIRE=docker MCPTOP_TEST_PATIENCE=${MCPTOP_TEST_PATIENCE:-8} LANG=C.UTF-8 $settings
cd /host/repo
# Once, or each of many short-lived processes would compile what it imports.
python3 -m compileall -q -j 2 /host/deps mcptop >/dev/null
exec python3 -m pytest $what -q --color=no -p no:cacheprovider -o timeout=0$words
JOB
chmod +x "$payload/job"
# 125: the machine ended before its job did. Now and then a kernel in emulation on two processors trips over its own
# patching of code ("Oops: int3"), the more so on a busy host; that says nothing about the tests.
began=$SECONDS code=125
for attempt in 1 2 3; do
  [[ $code == 125 ]] && ((SECONDS - began < 600)) || break
  ((attempt == 1)) || echo "v2host.sh: the machine ended before its job did; once more" >&2
  code=0
  "$v2_host" --timeout "${MCPTOP_V2_TIMEOUT:-$limit}" "$payload" || code=$?
done
exit "$code"
